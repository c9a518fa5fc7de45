// Small pictures of recordings: made once by ffmpeg, kept in memory, a few at a time.

import { systemClock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { stillJob } from '../ffmpeg/still-job.ts';

/** Pictures kept; each takes some 10 KB. */
const KEPT = 512;
/** ffmpegs at the same time, and callers that may wait for one. */
const WORKERS = 2;
const MAX_WAITING = 64;
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;

/** See the head of this file. */
export class Thumbnails {
  /** In the order of use: the first is the next to go. */
  readonly #kept = new Map<string, Uint8Array>();
  readonly #making = new Map<string, Promise<Uint8Array>>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  /**
   * A JPEG of the picture at the start of a file, or at an offset into it.
   * @param key names the picture for ever (a segment's id, and the offset)
   * @throws NvrError `unavailable` (too many at once, no ffmpeg), `protocol` (nothing to show), `timeout`
   */
  async get(key: string, file: string, offsetSeconds = 0): Promise<Uint8Array> {
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    let making = this.#making.get(key);
    if (!making) {
      making = this.#make(file, offsetSeconds).then((picture) => {
        this.#kept.set(key, picture);
        for (const oldest of this.#kept.keys()) {
          if (this.#kept.size <= KEPT) break;
          this.#kept.delete(oldest);
        }
        return picture;
      });
      this.#making.set(key, making);
      void making.catch(() => {}).finally(() => this.#making.delete(key));
    }
    return making;
  }

  async #make(file: string, offsetSeconds: number): Promise<Uint8Array> {
    if (this.#busy >= WORKERS) {
      if (this.#waiting.length >= MAX_WAITING) throw new NvrError('unavailable', 'Too many thumbnails at once');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#busy++;
    try {
      return await runStill(file, offsetSeconds);
    } finally {
      this.#busy--;
      this.#waiting.shift()?.();
    }
  }
}

async function runStill(file: string, offsetSeconds: number): Promise<Uint8Array> {
  const ffmpeg = FfmpegProcess.start(stillJob(file, offsetSeconds));
  const timer = systemClock.after(TIMEOUT_MS, () => void ffmpeg.kill());
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of ffmpeg.stdout ?? []) {
      chunks.push(chunk as Uint8Array);
      bytes += (chunk as Uint8Array).length;
      if (bytes > MAX_BYTES) throw new NvrError('protocol', 'The thumbnail is too large');
    }
    const { error } = await ffmpeg.exited;
    if (error) throw error;
    if (bytes === 0) throw new NvrError('protocol', 'There is no picture in this recording');
    return Buffer.concat(chunks);
  } finally {
    timer.cancel();
    await ffmpeg.stop(0);
  }
}
