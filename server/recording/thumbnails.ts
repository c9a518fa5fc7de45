// Small pictures of recordings: made once by ffmpeg, kept in memory, a few at a time. A pointer that sweeps over a timeline
// asks for many and stays at few: what nobody waits for any more leaves the line, and does not keep others from their turn.

import { systemClock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import { Turns } from '../core/turns.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { stillJob } from '../ffmpeg/still-job.ts';
import { wholeOutput } from '../ffmpeg/whole-output.ts';

/** Pictures kept; each takes some 10 KB. */
const KEPT = 512;
/** ffmpegs at the same time, and callers that may wait for one. */
export const THUMBNAIL_WORKERS = 2;
const MAX_WAITING = 64;
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;

/** A picture that is being made, for everybody who asks meanwhile. */
type Making = { readonly picture: Promise<Uint8Array>; readonly end: AbortController; callers: number; begun: boolean };

/** See the head of this file. One for the whole Perch. */
export class Thumbnails {
  /** In the order of use: the first is the next to go. */
  readonly #kept = new Map<string, Uint8Array>();
  readonly #making = new Map<string, Making>();
  readonly #turns = new Turns({
    ...{ most: THUMBNAIL_WORKERS, maxWaiting: MAX_WAITING },
    tooMany: () => new NvrError('unavailable', 'Too many thumbnails at once'),
  });

  /**
   * A JPEG of the picture at the start of a file, or at an offset into it.
   * @param key names the picture for ever (a segment's id, and the offset)
   * @param signal of who asks. One that nobody waits for any more is not begun; one that is begun is finished and kept, for
   * the pointer comes back, unless others wait for its place
   * @throws NvrError `unavailable` (too many at once, no ffmpeg), `protocol` (nothing to show), `timeout`, `cancelled`
   */
  async get(key: string, file: string, offsetSeconds = 0, signal?: AbortSignal): Promise<Uint8Array> {
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    if (signal?.aborted) throw cancelled();
    const making = this.#making.get(key) ?? this.#begin(key, file, offsetSeconds);
    making.callers++;
    const leave = () => {
      making.callers--;
      this.#giveUp();
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await making.picture;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  #begin(key: string, file: string, offsetSeconds: number): Making {
    const end = new AbortController();
    const state = { end, callers: 0, begun: false };
    const work = async () => {
      state.begun = true;
      const made = await runStill(file, offsetSeconds, end.signal);
      this.#keep(key, made);
      return made;
    };
    const making: Making = Object.assign(state, { picture: this.#turns.run(work, end.signal) });
    this.#making.set(key, making);
    const forget = () => {
      if (this.#making.get(key) === making) this.#making.delete(key);
    };
    void making.picture.then(forget, forget);
    this.#giveUp(making);
    return making;
  }

  #keep(key: string, picture: Uint8Array): void {
    this.#kept.set(key, picture);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
  }

  /** Ends what nobody waits for. @param except has no caller yet */
  #giveUp(except?: Making): void {
    for (const [key, making] of this.#making) {
      if (making === except || making.callers > 0) continue;
      if (making.begun && this.#turns.waiting === 0) continue;
      this.#making.delete(key);
      making.end.abort(cancelled());
    }
  }
}

const cancelled = () => new NvrError('cancelled', 'Nobody waits for this thumbnail any more');

async function runStill(file: string, offsetSeconds: number, signal: AbortSignal): Promise<Uint8Array> {
  const ffmpeg = FfmpegProcess.start(stillJob(file, offsetSeconds));
  const kill = () => void ffmpeg.kill();
  const timer = systemClock.after(TIMEOUT_MS, kill);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const picture = await wholeOutput(ffmpeg, MAX_BYTES, 'The thumbnail is too large');
    if (picture.length === 0) throw new NvrError('protocol', 'There is no picture in this recording');
    return picture;
  } catch (error) {
    throw signal.aborted ? cancelled() : error;
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', kill);
  }
}
