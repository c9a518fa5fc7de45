// Frames and bits per second over the last few seconds, in whole-second buckets: constant memory, no per-frame objects.

const WINDOW_SECONDS = 5;
const SECOND_MS = 1000;

/** Counts frames and bytes by monotonic second and answers averages over the last five whole seconds. */
export class RateMeter {
  readonly #frames = new Array<number>(WINDOW_SECONDS + 1).fill(0);
  readonly #bytes = new Array<number>(WINDOW_SECONDS + 1).fill(0);
  #second = 0;
  #firstMs: number | null = null;

  /** One frame at monotonic time `nowMs`. `frames: 0` counts only the bytes (sound). */
  add(nowMs: number, bytes: number, frames = 1): void {
    this.#firstMs ??= nowMs;
    this.#turn(nowMs);
    const slot = this.#second % (WINDOW_SECONDS + 1);
    this.#frames[slot]! += frames;
    this.#bytes[slot]! += bytes;
  }

  /** Averages at `nowMs`; zeros before the first frame. */
  read(nowMs: number): { frameRate: number; bitRate: number } {
    if (this.#firstMs === null) return { frameRate: 0, bitRate: 0 };
    this.#turn(nowMs);
    const partMs = nowMs % SECOND_MS;
    const spanMs = Math.max(SECOND_MS, Math.min(nowMs - this.#firstMs, WINDOW_SECONDS * SECOND_MS + partMs));
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    return {
      frameRate: Math.round((sum(this.#frames) / spanMs) * SECOND_MS * 10) / 10,
      bitRate: Math.round((sum(this.#bytes) * 8 * SECOND_MS) / spanMs),
    };
  }

  /** A new session: the past says nothing about it. */
  reset(): void {
    this.#frames.fill(0);
    this.#bytes.fill(0);
    this.#firstMs = null;
  }

  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / SECOND_MS);
    const steps = Math.min(second - this.#second, WINDOW_SECONDS + 1);
    for (let i = 0; i < steps; i++) {
      const slot = (second - i) % (WINDOW_SECONDS + 1);
      this.#frames[slot] = 0;
      this.#bytes[slot] = 0;
    }
    this.#second = Math.max(this.#second, second);
  }
}
