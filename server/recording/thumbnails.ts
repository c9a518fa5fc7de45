// Small pictures of recordings: made once by ffmpeg, kept in memory, a few at a time.

import { systemClock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import { Turns } from '../core/turns.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { stillJob } from '../ffmpeg/still-job.ts';
import { wholeOutput } from '../ffmpeg/whole-output.ts';

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
  readonly #turns = new Turns({
    ...{ most: WORKERS, maxWaiting: MAX_WAITING },
    tooMany: () => new NvrError('unavailable', 'Too many thumbnails at once'),
  });

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
      making = this.#turns
        .run(() => runStill(file, offsetSeconds))
        .then((picture) => {
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
}

async function runStill(file: string, offsetSeconds: number): Promise<Uint8Array> {
  const ffmpeg = FfmpegProcess.start(stillJob(file, offsetSeconds));
  const timer = systemClock.after(TIMEOUT_MS, () => void ffmpeg.kill());
  try {
    const picture = await wholeOutput(ffmpeg, MAX_BYTES, 'The thumbnail is too large');
    if (picture.length === 0) throw new NvrError('protocol', 'There is no picture in this recording');
    return picture;
  } finally {
    timer.cancel();
  }
}
