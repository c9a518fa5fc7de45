// Whether a camera that is recorded is still there: no picture for long, or known to be lost. Times are monotonic.

import type { Clock } from '../core/clock.ts';

/** No picture for this long, or for three median distances, ends the segment. */
export const OFFLINE_MS = 6000;
const OFFLINE_FRAMES = 3;
const OFFLINE_MAX_MS = 120_000;
/** The same for a camera that is known to be lost. */
const LOST_MS = 1000;

/** One camera's, as its recorder sees it. */
export class Presence {
  readonly #clock: Pick<Clock, 'monoMs'>;
  #idleMonoMs = 0;
  /** When the camera was lost; pictures that come later are of its next life. */
  #lostMonoMs: number | null = null;

  constructor(clock: Pick<Clock, 'monoMs'>) {
    this.#clock = clock;
  }

  /** It is waited for from now on. */
  begin(): void {
    this.#idleMonoMs = this.#clock.monoMs();
  }

  /** Its connection is gone; an encoder may still hold pictures of it. */
  lost(): void {
    this.#lostMonoMs = this.#clock.monoMs();
  }

  /** Takes a picture, by the time it came from the camera. */
  picture(monoMs: number): void {
    this.#idleMonoMs = this.#clock.monoMs();
    if (monoMs > (this.#lostMonoMs ?? monoMs)) this.#lostMonoMs = null;
  }

  /** Whether an open segment has waited too long for its next picture. @param medianMs distance of its pictures */
  isOffline(medianMs: number): boolean {
    const nowMs = this.#clock.monoMs();
    // Known to be away: what an encoder still holds is out by then.
    if (this.#lostMonoMs !== null) return nowMs - Math.max(this.#lostMonoMs, this.#idleMonoMs) > LOST_MS;
    const silentMs = nowMs - this.#idleMonoMs;
    return silentMs > Math.min(OFFLINE_MAX_MS, Math.max(OFFLINE_MS, OFFLINE_FRAMES * medianMs));
  }
}
