// So many at a time, the others wait in line: for work that takes a whole processor, or much memory.

import type { NvrError } from './nvr-error.ts';

/** What {@link Turns} is made with. */
export type TurnsOptions = {
  /** At the same time. */
  readonly most: number;
  /** In line behind them. */
  readonly maxWaiting: number;
  /** What the next one is told. */
  readonly tooMany: () => NvrError;
};

/** See the head of this file. */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Does the work when it is its turn.
   * @throws NvrError `tooMany`, and what the work throws
   */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    const { most, maxWaiting, tooMany } = this.#options;
    if (this.#running < most) this.#running++;
    else {
      if (this.#waiting.length >= maxWaiting) throw tooMany();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      // Who waits takes the place over: nobody who comes in this moment can be quicker.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
