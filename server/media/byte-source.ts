// Random access to the bytes of a file, so that scanners are pure and tests can scan arrays.

/** Reads up to `length` bytes at `offset`; fewer only at the end. */
export type ByteSource = {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
};

/** A {@link ByteSource} over memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

/** What a scan of a recording found. Times are milliseconds of the file's own clock. */
export type ScannedFile = {
  /** Where the last whole fragment or cluster ends: what follows is a torn write. */
  readonly wholeBytes: number;
  /** Whole pictures in it. */
  readonly frames: number;
  /** First and last picture. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Median distance of pictures; 0 with fewer than two. */
  readonly medianMs: number;
  readonly codec: 'mjpeg' | 'h264' | 'h265' | null;
  /** The `comment` tag, where Perch leaves its note. */
  readonly comment: string | null;
};

/** Collects picture times in bounded memory: distances are counted by millisecond. */
export class FrameTimes {
  frames = 0;
  firstMs = 0;
  lastMs = 0;
  readonly #distances = new Map<number, number>();

  add(timeMs: number): void {
    if (this.frames === 0) this.firstMs = timeMs;
    else if (timeMs > this.lastMs) {
      const distance = Math.min(60_000, Math.round(timeMs - this.lastMs));
      this.#distances.set(distance, (this.#distances.get(distance) ?? 0) + 1);
    }
    this.lastMs = Math.max(this.frames === 0 ? timeMs : this.lastMs, timeMs);
    this.frames++;
  }

  /** Median distance between pictures, or 0. */
  get medianMs(): number {
    const sorted = [...this.#distances].sort(([a], [b]) => a - b);
    let left = sorted.reduce((sum, [, count]) => sum + count, 0) / 2;
    for (const [distance, count] of sorted) {
      left -= count;
      if (left <= 0) return distance;
    }
    return 0;
  }
}
