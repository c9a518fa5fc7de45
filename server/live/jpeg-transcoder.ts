// The one JPEG transcoder of an H.264 or H.265 camera: follows its hub, runs one ffmpeg at a time, publishes pictures.

import { CodedRun } from '../cameras/coded-run.ts';
import type { FrameHub, HubReader } from '../cameras/frame-hub.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import { retryDelayMs } from '../core/retry.ts';

const RETRY = { minMs: 500, maxMs: 60_000 };
/** A run of this length forgives the failures before it. */
const HEALTHY_MS = 30_000;
/** Pictures go in and none comes out for this long: ffmpeg hangs. */
const HUNG_MS = 10_000;
const HUNG_CHECK_MS = 1000;
/** Without frames for this long (the camera is away) the ffmpeg ends. */
const IDLE_MS = 10_000;
/** The way from the key picture to now is decoded, but not shown: only its first picture, so that there is one at once. */
const CATCH_UP_MS = 300;
/** So many a decoder of B-frames holds back for ever: that is now. */
const HELD_PICTURES = 3;
/** A processor that cannot keep up goes on at the next key picture. */
const MAX_LAG_MS = 2000;

/** What it works on. */
export type JpegTranscoderOptions = {
  readonly source: FrameHub;
  /** Gets the JPEGs. */
  readonly target: FrameHub;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: () => number;
};

/** See the head of this file. Works from the start to `stop`. */
export class JpegTranscoder {
  readonly #options: JpegTranscoderOptions;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;
  #attempt = 0;

  constructor(options: JpegTranscoderOptions) {
    this.#options = options;
    this.#running = this.#loop();
  }

  /** Resolves when its ffmpeg is gone. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { source, clock, log, random = Math.random } = this.#options;
    const { signal } = this.#abort;
    using reader = source.open({ kinds: 'video', policy: 'every', start: 'newestKey' });
    let next: VideoFrame | null = null;
    while (!signal.aborted) {
      next ??= await this.#next(reader, null);
      if (!next) return;
      if (!next.key || next.codec === 'mjpeg') {
        next = null;
        continue;
      }
      const startedMs = clock.monoMs();
      try {
        next = await this.#run(next, reader);
      } catch (error) {
        if (clock.monoMs() - startedMs > HEALTHY_MS) this.#attempt = 0;
        const delayMs = retryDelayMs(RETRY, this.#attempt++, random());
        const { code, message } = toNvrError(error);
        log.warn({ code, error: message, delayMs }, 'JPEG transcoder failed; it will be started again');
        next = null;
        await clock.sleep(delayMs, signal).catch(() => {});
      }
    }
  }

  /** One ffmpeg. @returns the frame that it cannot take, or null to wait for the next key picture */
  async #run(first: VideoFrame, reader: HubReader): Promise<VideoFrame | null> {
    const { source, target, clock, log } = this.#options;
    const { signal } = this.#abort;
    const run = new CodedRun(first, { clock: systemClock, log }, (picture, waiting) => {
      const lagMs = (source.newestVideo?.frame.monoMs ?? 0) - picture.monoMs;
      const isShown = run.pictures === 1 || waiting <= HELD_PICTURES || lagMs <= CATCH_UP_MS;
      if (isShown && !signal.aborted) target.publish(picture);
    });
    const watchdog = watch(run);
    const cut = () => void run.stop(0);
    signal.addEventListener('abort', cut, { once: true });
    let late = false;
    try {
      let frame: VideoFrame | null = first;
      while (frame && !signal.aborted && !run.exit && run.takes(frame)) {
        const lagMs = (source.newestVideo?.frame.monoMs ?? 0) - frame.monoMs;
        late = frame.key ? false : late || (lagMs > MAX_LAG_MS && run.pending > 1 && run.pictures > 0);
        if (!late) await run.write(frame);
        frame = await this.#next(reader, clock);
      }
      const { error } = await run.stop(0);
      if (signal.aborted || (frame && !run.takes(frame))) return frame;
      if (!frame) return null;
      throw error ?? new NvrError('unavailable', 'ffmpeg ended by itself');
    } finally {
      signal.removeEventListener('abort', cut);
      watchdog.cancel();
      await run.stop(0);
    }
  }

  /** The next frame; `null` when stopped, and after {@link IDLE_MS} when a clock is given. */
  async #next(reader: HubReader, clock: Clock | null): Promise<VideoFrame | null> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const item = reader.poll();
      if (item?.frame.kind === 'video') return item.frame;
      if (!clock) {
        await reader.wait(signal);
        continue;
      }
      const limit = new AbortController();
      const timer = clock.after(IDLE_MS, () => limit.abort());
      await reader.wait(AbortSignal.any([signal, limit.signal]));
      timer.cancel();
      if (limit.signal.aborted) return null;
    }
    return null;
  }
}

/** Kills an ffmpeg that takes pictures and gives none back; in real time. */
function watch(run: CodedRun): Timer {
  let stalledMs = 0;
  let seen = 0;
  let timer: Timer;
  const check = () => {
    stalledMs = run.pictures === seen && run.pending > 0 ? stalledMs + HUNG_CHECK_MS : 0;
    seen = run.pictures;
    if (stalledMs >= HUNG_MS) run.kill();
    else timer = systemClock.after(HUNG_CHECK_MS, check);
  };
  timer = systemClock.after(HUNG_CHECK_MS, check);
  return { cancel: () => timer.cancel() };
}
