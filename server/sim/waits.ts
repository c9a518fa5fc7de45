// Waiting for a fact instead of sleeping: a test asks, and whoever changes something looks whether that was it.

import type { Clock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';

/** Options of every wait. */
export type WaitOptions = {
  /** Time on the simulator's own clock. */
  readonly timeoutMs?: number;
};

type Wait = { readonly look: () => boolean };

const DEFAULT_TIMEOUT_MS = 5000;

/** Pending waits of one simulator. */
export class Waits {
  readonly #clock: Clock;
  readonly #waits = new Set<Wait>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something changed: fulfils every wait that has what it wants. Costs nothing while nobody waits. */
  look(): void {
    for (const wait of this.#waits) if (wait.look()) this.#waits.delete(wait);
  }

  /**
   * Resolves with the first value of `find` that is not `undefined`, now or after a later change.
   * @param what for the message: what is waited for
   * @throws NvrError `timeout`
   */
  until<T>(what: string, find: () => T | undefined, { timeoutMs = DEFAULT_TIMEOUT_MS }: WaitOptions = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const value = find();
        if (value === undefined) return false;
        timer.cancel();
        resolve(value);
        return true;
      };
      const wait: Wait = { look };
      const timer = this.#clock.after(timeoutMs, () => {
        this.#waits.delete(wait);
        reject(new NvrError('timeout', `The simulator waited ${timeoutMs} ms for ${what}`));
      });
      if (!look()) this.#waits.add(wait);
    });
  }
}
