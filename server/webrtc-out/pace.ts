// How fast pictures of the past leave. All at once they would fill the buffers on the way and be lost there, and what is
// asked for again would be lost with them. Pure.

import { BURST_BYTES, CATCH_UP_BYTES_PER_MS } from './limits.ts';

/** See the head of this file. */
export class Pace {
  #bytes = 0;
  #atMs = Number.NEGATIVE_INFINITY;

  /** @returns how long the next picture waits after one of so many bytes, milliseconds */
  waitAfter(bytes: number, nowMs: number): number {
    this.#bytes = Math.max(0, this.#bytes - (nowMs - this.#atMs) * CATCH_UP_BYTES_PER_MS) + bytes;
    this.#atMs = nowMs;
    return Math.ceil(Math.max(0, this.#bytes - BURST_BYTES) / CATCH_UP_BYTES_PER_MS);
  }
}
