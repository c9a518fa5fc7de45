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

  /** How many stand in line. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Does the work when it is its turn.
   * @param signal who aborts it leaves the line, and makes room there; work that was begun is the work's own affair
   * @throws NvrError `tooMany`, the reason of the signal, and what the work throws
   */
  async run<T>(work: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    const { most, maxWaiting, tooMany } = this.#options;
    if (this.#running < most) this.#running++;
    else {
      if (this.#waiting.length >= maxWaiting) throw tooMany();
      await this.#turn(signal);
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

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        const at = this.#waiting.indexOf(enter);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal?.reason);
      };
      const enter = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      if (signal?.aborted) return leave();
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(enter);
    });
  }
}
