// All time goes through a Clock, so that a test can live a day in a millisecond.

import { NvrError } from './nvr-error.ts';

/** A one-shot timer that can be cancelled; cancelling twice, or after it fired, is harmless. */
export type Timer = { cancel(): void };

/** Wall time, monotonic time and waiting. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch; may step. */
  wallMs(): number;
  /** Monotonic clock, milliseconds with fractions; never steps. */
  monoMs(): number;
  /**
   * Calls `fn` once after `delayMs`. Keeps the process alive until then, so that a wait is never cut off by an empty
   * event loop: whoever no longer needs it cancels it.
   */
  after(delayMs: number, fn: () => void): Timer;
  /** Resolves after `delayMs`; rejects with `cancelled` as soon as the signal aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** `sleep` for any clock, written on its `after`. */
export function sleepOn(clock: Pick<Clock, 'after'>, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancelled = () => new NvrError('cancelled', 'Cancelled while waiting', { cause: signal?.reason });
    if (signal?.aborted) return reject(cancelled());
    const onAbort = () => {
      timer.cancel();
      reject(cancelled());
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The real clock. `setTimeout` caps at 2^31-1 ms; longer waits are not used anywhere. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monoMs: () => performance.now(),
  after(delayMs, fn) {
    const handle = setTimeout(fn, Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
};

/** Readings that took longer than this were interrupted, and are taken again. */
const QUICK_READING_MS = 1;
const READINGS = 4;

/**
 * How far the wall clock is ahead of the monotonic one, milliseconds. The two are read one after the other: a process that
 * loses its processor in between would see a step of the clock, so the quickest of some readings counts.
 */
export function wallOffset(clock: Pick<Clock, 'wallMs' | 'monoMs'>): number {
  let offset = 0;
  let quickest = Number.POSITIVE_INFINITY;
  for (let n = 0; n < READINGS && quickest > QUICK_READING_MS; n++) {
    const beforeMs = clock.monoMs();
    const wallMs = clock.wallMs();
    const tookMs = clock.monoMs() - beforeMs;
    if (tookMs >= quickest) continue;
    quickest = tookMs;
    offset = wallMs - beforeMs - tookMs / 2;
  }
  return offset;
}

/** Gives {@link Instant}s for one session: the wall clock is read once, then advanced by the monotonic clock. */
export function sessionTime(clock: Clock): () => { at: number; monoMs: number } {
  const offset = wallOffset(clock);
  return () => {
    const monoMs = clock.monoMs();
    return { at: offset + monoMs, monoMs };
  };
}
