// A track's times on our monotonic clock. Arrival jitters and the camera's own clock drifts, so the camera's distances are
// kept and only their offset follows arrival: the least late of some seconds is the true one. Pure.

import type { AudioFrame } from '../core/frame.ts';
import { AAC_OVERLAP_UNITS } from './aac.ts';

/** The offset is looked at once in so long. */
const WINDOW_MS = 4000;
/** A difference that is left alone. */
const TOLERANCE_MS = 30;
/** The offset moves at most this much a frame: too little to be heard or seen. */
const STEP_MS = 0.5;
/** The camera's clock went back by more than pictures out of order do: a new session. */
const BACK_MS = 2000;
/** Late by more is no network any more, early by more is no drift. */
const MAX_LATE_MS = 5000;
const MAX_EARLY_MS = 1000;
/** Blocks that only follow one another know of no hole: late by more is one. */
export const HOLE_MS = 400;

/** How far a camera's clock is believed; beyond that the arrival counts, and the clock from there on. Milliseconds. */
export type MediaTimeBounds = { readonly maxLateMs: number; readonly maxEarlyMs: number };

/**
 * When the first sample was taken that a decoder makes of a block, by its arrival. What an AAC unit becomes stands a unit
 * before the samples with which it was complete.
 */
export function soundStartMs({ codec, monoMs, samples, sampleRate }: Omit<AudioFrame, 'data'>): number {
  const units = codec === 'aac' ? 1 + AAC_OVERLAP_UNITS : 1;
  return monoMs - (units * samples * 1000) / sampleRate;
}

/** See the head of this file. One per track and reader. */
export class MediaTime {
  #offsetMs = Number.NaN;
  #newestMs = Number.NEGATIVE_INFINITY;
  #windowEndMs = 0;
  #leastLateMs = Number.POSITIVE_INFINITY;
  #owedMs = 0;
  readonly #bounds: MediaTimeBounds;

  constructor({ maxLateMs = MAX_LATE_MS, maxEarlyMs = MAX_EARLY_MS }: Partial<MediaTimeBounds> = {}) {
    this.#bounds = { maxLateMs, maxEarlyMs };
  }

  /**
   * @param mediaMs the camera's clock; `null`: arrival must do
   * @param arrivedMs when the beginning of the frame was there, on the monotonic clock
   * @returns the frame's time on the monotonic clock
   */
  toMono(mediaMs: number | null, arrivedMs: number): number {
    if (mediaMs === null) return arrivedMs;
    const { maxLateMs, maxEarlyMs } = this.#bounds;
    const lateMs = arrivedMs - mediaMs - this.#offsetMs;
    const goesOn = mediaMs > this.#newestMs - BACK_MS && lateMs < maxLateMs && lateMs > -maxEarlyMs;
    this.#newestMs = goesOn ? Math.max(this.#newestMs, mediaMs) : mediaMs;
    if (!goesOn) {
      this.#offsetMs = arrivedMs - mediaMs;
      this.#begin(arrivedMs);
      this.#owedMs = 0;
      return arrivedMs;
    }
    this.#leastLateMs = Math.min(this.#leastLateMs, lateMs);
    if (arrivedMs >= this.#windowEndMs) {
      this.#owedMs = Math.abs(this.#leastLateMs) > TOLERANCE_MS ? this.#leastLateMs : 0;
      this.#begin(arrivedMs);
    }
    const step = Math.min(STEP_MS, Math.max(-STEP_MS, this.#owedMs));
    this.#owedMs -= step;
    this.#offsetMs += step;
    return mediaMs + this.#offsetMs;
  }

  #begin(nowMs: number): void {
    this.#windowEndMs = nowMs + WINDOW_MS;
    this.#leastLateMs = Number.POSITIVE_INFINITY;
  }
}
