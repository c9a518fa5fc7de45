// Bounds guessing: so many failed tries a minute for each key (an account, an address, a known device). Right answers
// cost nothing. Which keys a try counts for is decided in `doors.ts`.

import type { Clock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';

/** Failed tries per window and key. */
export const MAX_FAILED_TRIES = 15;
const WINDOW_MS = 60_000;
/** Keys kept; those not touched for longest are forgotten first, so a flood of others does not free an account. */
const MAX_BUCKETS = 10_000;
/** Tries that may wait for others of the same key to end. */
const MAX_WAITING = 100;

/** One try under way. Say how it went, exactly once. */
export type Attempt = {
  succeeded(): void;
  failed(): void;
};

type Failure = { readonly at: number; readonly what: string | null };
type Bucket = { failures: Failure[]; running: number; waiting: (() => void)[] };

/** Failed tries by key over the last minute. */
export class Attempts {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keys held: a leak check. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Begins a try that counts for all these keys. Tries under way count, so a thousand at once are no way around the bound:
   * one too many waits until another has ended, so that sixty right passwords at once are not refused.
   * @throws NvrError `rate_limited`, before any work is done, with `retryAfterMs` in its context
   */
  async begin(keys: readonly string[]): Promise<Attempt> {
    for (;;) {
      const buckets = keys.map((key) => this.#bucket(key));
      for (const bucket of buckets) this.#refuseIfFull(bucket);
      const busy = buckets.find((bucket) => bucket.failures.length + bucket.running >= MAX_FAILED_TRIES);
      if (!busy) return this.#run(buckets);
      if (busy.waiting.length >= MAX_WAITING) throw tooMany(1000);
      await new Promise<void>((resolve) => busy.waiting.push(resolve));
    }
  }

  /**
   * Counts a failure that needed no work. The same wrong thing again is not another guess: a client with a revoked token
   * may ask as often as it likes.
   * @throws NvrError `rate_limited` instead of counting when there were too many
   */
  note(key: string, what: string): void {
    const bucket = this.#bucket(key);
    if (bucket.failures.some((failure) => failure.what === what)) return;
    this.#refuseIfFull(bucket);
    if (bucket.failures.length + bucket.running >= MAX_FAILED_TRIES) throw tooMany(1000);
    bucket.failures.push({ at: this.#clock.monoMs(), what });
  }

  #run(buckets: readonly Bucket[]): Attempt {
    for (const bucket of buckets) bucket.running++;
    const settle = (failed: boolean) => {
      for (const bucket of buckets) {
        bucket.running--;
        if (failed) bucket.failures.push({ at: this.#clock.monoMs(), what: null });
        for (const wake of bucket.waiting.splice(0)) wake();
      }
    };
    return { succeeded: () => settle(false), failed: () => settle(true) };
  }

  #refuseIfFull({ failures }: Bucket): void {
    if (failures.length < MAX_FAILED_TRIES) return;
    throw tooMany(Math.max(1000, failures[0]!.at + WINDOW_MS - this.#clock.monoMs()));
  }

  /** The key's bucket, moved to the end of the queue of those to be forgotten, without failures that are over. */
  #bucket(key: string): Bucket {
    let bucket = this.#buckets.get(key);
    if (bucket) {
      this.#buckets.delete(key);
      const since = this.#clock.monoMs() - WINDOW_MS;
      bucket.failures = bucket.failures.filter(({ at }) => at > since);
    } else {
      bucket = { failures: [], running: 0, waiting: [] };
      if (this.#buckets.size >= MAX_BUCKETS) this.#forgetOne();
    }
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #forgetOne(): void {
    for (const [key, { running }] of this.#buckets) {
      if (running > 0) continue;
      this.#buckets.delete(key);
      return;
    }
  }
}

function tooMany(retryAfterMs: number): NvrError {
  return new NvrError('rate_limited', 'Too many failed sign-ins; wait a minute and try again', {
    context: { retryAfterMs },
  });
}
