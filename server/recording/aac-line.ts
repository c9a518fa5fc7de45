// AAC access units of a camera on one continuous line, copied. They come late, in bursts, and the camera's crystal is not
// ours: each unit follows the one before, holes become silence, drift is taken out by moving times a little, never
// samples. Pure; times are the monotonic clock's milliseconds.

import { AAC_OVERLAP_UNITS, parseAacConfig } from '../media/aac.ts';

/** A unit that begins this much after the end of the line leaves a hole, filled at once. */
const HOLE_MS = 400;
/** Units arrive late but never early: the smallest lateness of so many is the true drift. */
const DRIFT_WINDOW_UNITS = 64;
/** Drift that is left alone. */
const DRIFT_MS = 15;
/** Most that one unit is moved, as a part of its length: its time must stay after the one before it. */
const MAX_PULL = 0.5;
/** Sound that does not come for so long is replaced by silence up to this distance from now. */
const WAIT_MS = 1000;
/** Units waiting to be taken; more is a reader that does not read. */
const MAX_UNITS = 1024;
const LOW_COMPLEXITY = 2;
const SAMPLES = 1024;
/** An AAC-LC unit of silence, by channels: one element without a coefficient, and the end mark (ISO 14496-3, 4.4.2). */
const SILENCE = [
  [],
  [0x00, 0xc8, 0x00, 0x80, 0x23, 0x80],
  [0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80],
] as const;

/** A unit with its place. */
export type AacUnit = { readonly startMs: number; readonly data: Uint8Array };

/** See the head of this file. One per camera and recording run. */
export class AacLine {
  /** Length of a unit. */
  readonly #unitMs: number;
  /** `null`: of this kind of AAC we know no silence, holes stay holes. */
  readonly #silence: Uint8Array | null;
  #tailMs: number;
  /** Everything before is taken or given up. */
  #floorMs: number;
  #begun = false;
  #units: AacUnit[] = [];
  #drifts: number[] = [];
  #pullMs = 0;

  /** @param startMs where the line begins: the first picture */
  constructor(codecConfig: Uint8Array, sampleRate: number, startMs: number) {
    const { objectType, channels, samples } = parseAacConfig(codecConfig) ?? {
      objectType: 0,
      channels: 0,
      samples: SAMPLES,
    };
    const silence = objectType === LOW_COMPLEXITY && samples === SAMPLES ? SILENCE[channels] : undefined;
    this.#unitMs = (samples * 1000) / sampleRate;
    this.#silence = silence && silence.length > 0 ? Uint8Array.from(silence) : null;
    this.#tailMs = startMs;
    this.#floorMs = startMs;
  }

  /** Where the next unit that will be taken begins. */
  get positionMs(): number {
    return Math.max(this.#floorMs, this.#units[0]?.startMs ?? this.#tailMs);
  }

  /** Adds a unit that the camera's encoder had made at `madeMs`, that is when it arrived. */
  add(madeMs: number, data: Uint8Array): void {
    const lengthMs = this.#unitMs;
    const endMs = madeMs - AAC_OVERLAP_UNITS * lengthMs;
    const lateMs = endMs - lengthMs - this.#tailMs;
    if (lateMs > (this.#begun ? HOLE_MS : 0)) {
      this.#fill(this.#tailMs + lateMs);
      this.#tailMs = endMs - lengthMs;
      this.#drifts = [];
      this.#pullMs = 0;
    } else if (lateMs < (this.#begun ? -HOLE_MS : -lengthMs)) {
      // Sound from before the line began, or a burst of old units.
      return;
    } else {
      // Beside where the line will be when it has been moved as decided.
      this.#drifts.push(lateMs - this.#pullMs);
      if (this.#drifts.length >= DRIFT_WINDOW_UNITS) {
        const driftMs = Math.min(...this.#drifts);
        this.#drifts = [];
        if (Math.abs(driftMs) > DRIFT_MS) this.#pullMs += driftMs;
      }
    }
    this.#begun = true;
    const pullMs = Math.max(-lengthMs * MAX_PULL, Math.min(lengthMs * MAX_PULL, this.#pullMs));
    this.#pullMs -= pullMs;
    const startMs = this.#tailMs + pullMs;
    this.#tailMs = startMs + lengthMs;
    if (this.#units.length < MAX_UNITS && startMs >= this.#floorMs - lengthMs) this.#units.push({ startMs, data });
  }

  /** The units that begin before `untilMs`. */
  takeUntil(untilMs: number): AacUnit[] {
    if (this.#tailMs < untilMs - WAIT_MS) this.#fill(untilMs - WAIT_MS);
    const count = this.#units.findIndex(({ startMs }) => startMs >= untilMs);
    const taken = this.#units.splice(0, count < 0 ? this.#units.length : count);
    this.#floorMs = Math.max(this.#floorMs, untilMs - WAIT_MS);
    return taken;
  }

  /** The same, and nothing before `untilMs` will come any more: the end of a file. */
  finishUntil(untilMs: number): AacUnit[] {
    this.#fill(untilMs);
    const taken = this.takeUntil(untilMs);
    this.#floorMs = Math.max(this.#floorMs, untilMs);
    return taken;
  }

  /** Silence from the end of the line up to a moment, in whole units. */
  #fill(untilMs: number): void {
    if (!this.#silence) return;
    for (; this.#tailMs + this.#unitMs <= untilMs && this.#units.length < MAX_UNITS; this.#tailMs += this.#unitMs)
      this.#units.push({ startMs: this.#tailMs, data: this.#silence });
  }
}
