// Times of live fragments. A picture is sent before it is known how long it lasts, and MSE drops everything up to the next
// key picture when two pictures are further apart than the first one said. So times are gapless: a duration is the usual
// distance plus what the clock is off, and only a key picture after a pause may jump. With B-frames these are the times of
// decoding, and each picture says how much later it is shown. Pure.

import { HOLE_MS, MediaTime } from './media-time.ts';

/** A distance that is off by more is a pause. */
const PAUSE_MS = 500;
/** How quickly the usual distance follows. */
const SMOOTHING = 1 / 16;
const MIN_DISTANCE_MS = 1;
const MAX_DISTANCE_MS = 10_000;
const FIRST_DISTANCE_MS = 40;

/** Where one frame stands, in ticks. */
export type FragmentTime = {
  /** When it is decoded. */
  readonly time: number;
  readonly duration: number;
  /** It is shown so much later. */
  readonly offset: number;
  /** Not where the one before ended. */
  readonly jumped: boolean;
};

/** One track's times. */
export class FragmentClock {
  readonly #timescale: number;
  #nextTime: number | null = null;
  #lastMs = 0;
  #lastTime = 0;
  #distanceMs = FIRST_DISTANCE_MS;
  /** When the pictures are shown whose places in decoding are not taken yet, in order. */
  #shownMs: number[] = [];
  readonly #counted = new MediaTime({ maxLateMs: HOLE_MS, maxEarlyMs: HOLE_MS });
  #samples = 0;

  constructor(timescale: number) {
    this.#timescale = timescale;
  }

  /**
   * @param shownMs from the zero of the stream; not negative
   * @param mayJump decoding can begin here
   * @param depth how many pictures come before one that is shown before them (B-frames)
   */
  picture(shownMs: number, mayJump: boolean, depth = 0): FragmentTime {
    const trueMs = Math.max(0, depth === 0 ? shownMs : this.#decodeMs(shownMs, mayJump, depth));
    const isFirst = this.#nextTime === null;
    const distanceMs = trueMs - this.#lastMs;
    this.#lastMs = trueMs;
    if (!isFirst && distanceMs > 0 && distanceMs < PAUSE_MS * 4) {
      this.#distanceMs += (distanceMs - this.#distanceMs) * SMOOTHING;
    }
    const offMs = isFirst ? 0 : trueMs - (this.#nextTime! * 1000) / this.#timescale;
    const jumped = isFirst || (mayJump && offMs > PAUSE_MS);
    const time = jumped ? Math.max(this.#nextTime ?? 0, this.#ticks(trueMs)) : this.#nextTime!;
    const wantedMs = jumped ? this.#distanceMs : this.#distanceMs + offMs;
    const duration = Math.max(1, this.#ticks(Math.min(MAX_DISTANCE_MS, Math.max(MIN_DISTANCE_MS, wantedMs))));
    this.#nextTime = time + duration;
    const offset = depth === 0 ? 0 : Math.max(0, this.#ticks(shownMs) - time);
    return { time, duration, offset, jumped };
  }

  /**
   * Sound: its samples are its duration. Blocks follow one another without a seam; drift is taken out by moving times a
   * little, and a hole stays one.
   */
  sound(trueMs: number, samples: number): FragmentTime {
    const countedMs = (this.#samples * 1000) / this.#timescale;
    this.#samples += samples;
    const end = this.#nextTime;
    const place = this.#ticks(this.#counted.toMono(countedMs, trueMs));
    const time = Math.max(place, end === null ? 0 : this.#lastTime + 1);
    this.#lastTime = time;
    this.#nextTime = time + samples;
    return { time, duration: samples, offset: 0, jumped: time !== end };
  }

  /**
   * The pictures are decoded at the same distances as they are shown, a picture earlier than they must be: what jitters
   * must not make one late.
   */
  #decodeMs(shownMs: number, mayJump: boolean, depth: number): number {
    const line = this.#shownMs;
    if (mayJump && shownMs - (line.at(-1) ?? shownMs) > PAUSE_MS) line.length = 0;
    line.push(shownMs);
    line.sort((a, b) => a - b);
    while (line.length < depth + 2) line.unshift(line[0]! - this.#distanceMs);
    return line.shift()!;
  }

  #ticks(ms: number): number {
    return Math.round((ms * this.#timescale) / 1000);
  }
}
