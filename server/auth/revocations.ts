// Ends what is already open. A long stream asks once who is calling; this tells it when the answer no longer holds.

import type { Clock, Timer } from '../core/clock.ts';
import type { Caller } from './caller.ts';

/** Longest single timer; `setTimeout` cannot wait for more than 24.8 days. */
const MAX_TIMER_MS = 24 * 3600 * 1000;

type Watch = { readonly caller: Caller; readonly fn: () => void };

/** The open uses of each caller. */
export class Revocations {
  readonly #clock: Clock;
  readonly #watches = new Set<Watch>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many watches are open: a leak check. */
  get size(): number {
    return this.#watches.size;
  }

  /**
   * Calls `fn` once when the caller's session, token or rights end, or the session or token expires.
   * @returns the way to stop watching; call it when the stream ends by itself
   */
  onRevoked(caller: Caller, fn: () => void): () => void {
    const { expiresAt } = caller;
    let timer: Timer | null = null;
    const off = () => {
      this.#watches.delete(watch);
      timer?.cancel();
    };
    const watch: Watch = {
      caller,
      fn: () => {
        off();
        fn();
      },
    };
    this.#watches.add(watch);
    if (expiresAt !== null) {
      const arm = () => {
        const leftMs = expiresAt - this.#clock.wallMs();
        if (leftMs <= 0) watch.fn();
        else timer = this.#clock.after(Math.min(leftMs, MAX_TIMER_MS), arm);
      };
      arm();
    }
    return off;
  }

  /** Ends every open use of the callers that match. */
  revoke(matches: (caller: Caller) => boolean): void {
    for (const watch of [...this.#watches]) {
      if (!matches(watch.caller)) continue;
      try {
        watch.fn();
      } catch {
        // A listener that fails has still lost its right; the others must be told too.
      }
    }
  }
}
