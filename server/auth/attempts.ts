// Bounds guessing: so many failed tries a minute for an account and for an address. Right answers cost nothing.

import { isIPv6 } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';

/** Failed passwords per window, for one account and for one address. */
export const MAX_FAILED_TRIES = 15;
/**
 * Unknown tokens per window and address. 256 bits cannot be guessed; this only bounds the work, and leaves a client with
 * a revoked token its honest 401.
 */
export const MAX_UNKNOWN_TOKENS = 600;
const WINDOW_MS = 60_000;
/** Buckets kept; those not touched for longest are forgotten first, so a flood of others does not free an account. */
const MAX_BUCKETS = 10_000;
/** IPv6 users own a /64 at least, so that is one address. */
const IPV6_PREFIX_GROUPS = 4;

/** One try under way. Say how it went, exactly once. */
export type Attempt = {
  succeeded(): void;
  failed(): void;
};

type Bucket = { failures: number[]; running: number };

/** Failed tries by key over the last minute. */
export class Attempts {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #buckets = new Map<string, Bucket>();
  /** "account address" pairs that gave the right password: a stranger's tries elsewhere do not lock them out. */
  readonly #trusted = new Set<string>();

  /** @param max failures per window, for each account and each address */
  constructor(clock: Clock, max: number = MAX_FAILED_TRIES) {
    this.#clock = clock;
    this.#max = max;
  }

  /** Buckets held: a leak check. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Begins a try. Tries under way count, so a thousand at once are no way around the bound.
   * @throws NvrError `rate_limited`, before any work is done, with `retryAfterMs` in its context
   */
  begin(account: string | null, address: string): Attempt {
    const place = `@${addressKey(address)}`;
    const name = account === null ? null : account.toLowerCase();
    const pair = `${name} ${place}`;
    const keys = name === null || this.#trusted.has(pair) ? [place] : [place, `=${name}`];
    for (const key of keys) this.#check(key);
    const buckets = keys.map((key) => this.#bucket(key));
    for (const bucket of buckets) bucket.running++;
    return {
      succeeded: () => {
        for (const bucket of buckets) bucket.running--;
        if (name !== null) remember(this.#trusted, pair);
      },
      failed: () => {
        const now = this.#clock.monoMs();
        for (const bucket of buckets) {
          bucket.running--;
          bucket.failures.push(now);
        }
      },
    };
  }

  #check(key: string): void {
    const bucket = this.#buckets.get(key);
    if (!bucket) return;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const since = this.#clock.monoMs() - WINDOW_MS;
    bucket.failures = bucket.failures.filter((at) => at > since);
    if (bucket.failures.length + bucket.running < this.#max) return;
    const retryAfterMs = Math.max(1000, (bucket.failures[0] ?? this.#clock.monoMs()) - since);
    throw new NvrError('rate_limited', 'Too many failed sign-ins; wait a minute and try again', {
      context: { retryAfterMs },
    });
  }

  #bucket(key: string): Bucket {
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      bucket = { failures: [], running: 0 };
      if (this.#buckets.size >= MAX_BUCKETS) {
        const oldest = this.#buckets.keys().next().value;
        if (oldest !== undefined) this.#buckets.delete(oldest);
      }
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }
}

function remember(set: Set<string>, value: string): void {
  set.delete(value);
  set.add(value);
  if (set.size > MAX_BUCKETS) {
    const oldest = set.values().next().value;
    if (oldest !== undefined) set.delete(oldest);
  }
}

/** An address as one bucket: IPv4 (also inside IPv6) whole, IPv6 by its /64. */
function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('%', 1)[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + after < 8) groups.push('0');
  }
  return groups.slice(0, IPV6_PREFIX_GROUPS).join(':');
}
