// Whether a player that should run stands still. Near the end of what is buffered browsers stop well before its last picture
// (sound that ends a little earlier, and the more the faster they play), and do not say that it was all.

/** So long without a step is no hiccup. */
const STALLED_MS = 400;
/** More than this before the end, at normal speed, it is not the end that it stands at. */
const NEAR_END_MS = 1000;

type Element = Pick<HTMLVideoElement, 'currentTime' | 'readyState' | 'paused' | 'seeking'>;

/** Look regularly. */
export class StallWatch {
  readonly #video: Element;
  readonly #now: () => number;
  #at = -1;
  #movedAt = 0;

  /** @param now a monotonic clock, milliseconds */
  constructor(video: Element, now: () => number = () => performance.now()) {
    this.#video = video;
    this.#now = now;
  }

  /** To be called every tenth of a second or so. */
  look(): void {
    const { currentTime, readyState, paused, seeking } = this.#video;
    if (currentTime === this.#at && readyState <= 2 && !paused && !seeking) return;
    this.#at = currentTime;
    this.#movedAt = this.#now();
  }

  /** Whether it stands at the end of what there is. @param leftMs what is buffered behind the moment */
  isAtEnd(leftMs: number, rate: number): boolean {
    return leftMs < NEAR_END_MS * Math.max(1, rate) && this.#now() - this.#movedAt > STALLED_MS;
  }
}
