// Times of live fragments. A picture is sent before it is known how long it lasts, and MSE drops everything up to the next
// key picture when two pictures are further apart than the first one said. So times are gapless: a duration is the usual
// distance plus what the clock is off, and only a key picture after a pause may jump. Pure.

/** A distance that is off by more is a pause. */
const PAUSE_MS = 500;
/** How quickly the usual distance follows. */
const SMOOTHING = 1 / 16;
const MIN_DISTANCE_MS = 1;
const MAX_DISTANCE_MS = 10_000;
const FIRST_DISTANCE_MS = 40;

/** Where one frame stands, in ticks. `jumped`: not where the one before ended. */
export type FragmentTime = { readonly time: number; readonly duration: number; readonly jumped: boolean };

/** One track's times. */
export class FragmentClock {
  readonly #timescale: number;
  #nextTime: number | null = null;
  #lastMs = 0;
  #distanceMs = FIRST_DISTANCE_MS;

  constructor(timescale: number) {
    this.#timescale = timescale;
  }

  /**
   * @param trueMs when the frame came, from the zero of the stream; not negative
   * @param mayJump decoding can begin here
   */
  picture(trueMs: number, mayJump: boolean): FragmentTime {
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
    return { time, duration, jumped };
  }

  /** Sound: its samples are its duration; it jumps when it is off by a pause. */
  sound(trueMs: number, samples: number): FragmentTime {
    const trueTime = this.#ticks(trueMs);
    const off = this.#nextTime === null ? 0 : trueTime - this.#nextTime;
    const jumped = this.#nextTime === null || off > this.#ticks(PAUSE_MS);
    const time = jumped ? trueTime : this.#nextTime!;
    this.#nextTime = time + samples;
    return { time, duration: samples, jumped };
  }

  #ticks(ms: number): number {
    return Math.round((ms * this.#timescale) / 1000);
  }
}
