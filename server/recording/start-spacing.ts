// Files of all cameras begin at the same moment of UTC, and each begins with a process: making one holds the event loop
// for some 13 ms, and while many load at once for far longer (16: half a second, measured on two processors). So they are
// begun one after the other; the pictures wait in the hub meanwhile.

import { type Clock, systemClock } from '../core/clock.ts';

/** From one start to the next: an ffmpeg takes about 100 ms of a processor to load, and two processors are the least we care for. */
const APART_MS = 60;

/** Starts of one kind in a row. A start that nobody is before does not wait. */
export class StartSpacing {
  readonly #clock: Pick<Clock, 'monoMs' | 'sleep'>;
  #nextMonoMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'monoMs' | 'sleep'> = systemClock) {
    this.#clock = clock;
  }

  /**
   * Resolves when it is this one's time.
   * @param maxWaitMs longest that it can wait: what comes meanwhile must have room somewhere
   */
  async turn(maxWaitMs: number): Promise<void> {
    const nowMs = this.#clock.monoMs();
    const inRowMs = Math.max(nowMs, this.#nextMonoMs);
    this.#nextMonoMs = inRowMs + APART_MS;
    const waitMs = Math.min(inRowMs - nowMs, maxWaitMs);
    if (waitMs > 0) await this.#clock.sleep(waitMs);
  }
}
