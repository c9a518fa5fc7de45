// How far apart a camera's pictures are: what "no picture for long" means, and how long the last picture of a file lasts. Pure.

/** Distances of recent pictures that the median is taken of: one outage among them does not count. */
const RECENT_DISTANCES = 15;
/** Before there are any. */
const DEFAULT_MS = 100;

/** One camera's, over all files of a run: a slow camera is known to be slow when a file begins. */
export class Pace {
  readonly #distances: number[] = [];
  #lastMonoMs: number | null = null;

  /** Takes the time of a picture, monotonic. */
  note(monoMs: number): void {
    if (this.#lastMonoMs !== null && monoMs > this.#lastMonoMs) {
      this.#distances.push(monoMs - this.#lastMonoMs);
      if (this.#distances.length > RECENT_DISTANCES) this.#distances.shift();
    }
    this.#lastMonoMs = monoMs;
  }

  /** Median distance of the recent pictures. */
  get medianMs(): number {
    const sorted = [...this.#distances].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? DEFAULT_MS;
  }
}
