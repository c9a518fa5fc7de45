// JPEG in, H.264 out: the one encoder of a camera. Follows the camera's hub, runs one ffmpeg at a time, publishes what comes
// out into its own hub with the times of the pictures that went in. Sound passes through untouched.

import type { EncoderSettings } from '../core/camera-config.ts';
import { type Clock, systemClock, type Timer } from '../core/clock.ts';
import type { Frame, Instant, VideoFrame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import { retryDelayMs } from '../core/retry.ts';
import { Tally } from '../core/tally.ts';
import { chooseEncodedSize, encoderJob } from '../ffmpeg/encoder-job.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { FlvReader } from '../media/flv-reader.ts';
import { jpegSize } from '../media/jpeg.ts';
import { MatroskaWriter } from '../media/matroska-writer.ts';
import { EncoderChoice, type OnFallBack } from './encoder-choice.ts';
import { FrameHub, HUB_MIN_SPAN_MS, type HubReader } from './frame-hub.ts';

const RETRY = { minMs: 500, maxMs: 60_000 };
/** A run of this length forgives the failures before it. */
const HEALTHY_MS = 30_000;
/** Size changes faster than this wait. */
const MIN_RUN_MS = 1000;
/** Largest side of a picture that is given to ffmpeg. */
const MAX_SIDE = 8192;
/** Frames go in and none comes out for this long: ffmpeg hangs. */
const HUNG_MS = 10_000;
const HUNG_CHECK_MS = 1000;
/** A processor that cannot keep up: older pictures than this are left out, so that live stays live. */
const MAX_LAG_MS = 2000;
/** Pictures inside ffmpeg whose times are remembered. */
const MAX_PENDING = 1024;
/** The session's wall clock moved against its monotonic one: key frames would miss the boundaries. */
const MAX_OFFSET_CHANGE_MS = 1;

/** Options of {@link Encoder}. */
export type EncoderOptions = {
  readonly source: FrameHub;
  readonly settings: EncoderSettings;
  readonly clock?: Clock;
  readonly log: Logger;
  /** Key frames also fall on multiples of this since the epoch. */
  readonly segmentSeconds?: number;
  /** Begin with pictures of the past from the source's ring, so that a recording started by hand has its pre-roll. */
  readonly preRollMs?: number;
  readonly random?: () => number;
  /** Told when libx264 stands in for the encoder of the settings. */
  readonly onFallBack?: OnFallBack;
};

/** What one ffmpeg was started for; a picture that does not match it needs a new one. */
type Run = { readonly width: number; readonly height: number; readonly zero: Instant };

/** See the head of this file. Start and stop once. */
export class Encoder {
  /** H.264 (AVCC, avcC in `codecConfig`) and the source's sound. Survives restarts of ffmpeg. */
  readonly hub: FrameHub;
  readonly tally = new Tally<'encoded' | 'skipped' | 'unreadable' | 'restarts'>();
  readonly #options: EncoderOptions;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #choice: EncoderChoice;
  #running: Promise<void> | null = null;
  #process: FfmpegProcess | null = null;
  /** Given to an ffmpeg that died, or come while there was none: the next one gets them first, so that no recording has a hole. */
  #held: VideoFrame[] = [];
  /** Were inside an ffmpeg that died: a second time they are left out, for they may be why. */
  readonly #suspects = new WeakSet<VideoFrame>();
  #attempt = 0;
  #lastSeq = 0;
  #caughtUp = false;

  constructor(options: EncoderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#choice = new EncoderChoice(options.settings.kind, options.log, options.onFallBack);
    this.hub = new FrameHub(Math.max(HUB_MIN_SPAN_MS, options.preRollMs ?? 0));
  }

  /** Process id of the ffmpeg of now; `null` between two. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  start(): void {
    this.#running ??= this.#loop();
  }

  /** Ends ffmpeg after it gave out what it holds; resolves within a few seconds, whatever it does. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** One reader for the whole life; one ffmpeg after the other. */
  async #loop(): Promise<void> {
    const { signal } = this.#abort;
    const { source, log, preRollMs = 0, random = Math.random } = this.#options;
    const start = preRollMs > 0 ? { sinceMonoMs: this.#clock.monoMs() - preRollMs } : ('newestKey' as const);
    using reader = source.open({ kinds: 'all', policy: 'every', start });
    let next: VideoFrame | null = null;
    while (!signal.aborted) {
      next ??= await this.#nextPicture(reader, signal);
      if (!next) return;
      const startedMs = this.#clock.monoMs();
      const encoded = this.tally.get('encoded');
      try {
        next = await this.#run(next, reader);
        // A camera that changes its size all the time must not make us start a process for each picture.
        if (next && this.#clock.monoMs() - startedMs < MIN_RUN_MS)
          await this.#clock.sleep(MIN_RUN_MS, signal).catch(() => {});
      } catch (error) {
        if (this.#clock.monoMs() - startedMs > HEALTHY_MS) this.#attempt = 0;
        const delayMs = retryDelayMs(RETRY, this.#attempt++, random());
        this.tally.add('restarts');
        const { code, message } = toNvrError(error);
        this.#choice.failed(message, this.tally.get('encoded') - encoded);
        log.warn({ code, error: message, delayMs }, 'Encoder failed; it will be started again');
        next = null;
        await this.#pause(delayMs, reader);
      }
    }
  }

  /** Keeps what never came out of a dead ffmpeg for the next one, and the picture that was to go in next. */
  #rescue(pending: ReadonlyMap<number, VideoFrame>, next: VideoFrame | null): void {
    const again = [...pending.values()].filter((frame) => !this.#suspects.has(frame));
    this.tally.add('skipped', pending.size - again.length);
    for (const frame of again) this.#suspects.add(frame);
    this.#held = [...again, ...(next ? [next] : []), ...this.#held];
    this.#caughtUp = false;
  }

  /** No older than what the encoder catches up with, and never many. */
  #boundHeld(): void {
    const { preRollMs = 0 } = this.#options;
    const oldest = this.#clock.monoMs() - MAX_LAG_MS - preRollMs;
    const kept = this.#held.filter(({ monoMs }) => monoMs >= oldest).slice(-MAX_PENDING);
    this.tally.add('skipped', this.#held.length - kept.length);
    this.#held = kept;
  }

  /** Keeps sound flowing while ffmpeg may not be started yet. */
  async #pause(delayMs: number, reader: HubReader): Promise<void> {
    const until = this.#clock.monoMs() + delayMs;
    const { signal } = this.#abort;
    while (!signal.aborted && this.#clock.monoMs() < until) {
      for (let item = reader.poll(); item; item = reader.poll()) {
        this.#lastSeq = item.seq;
        if (item.frame.kind === 'audio') this.hub.publish(item.frame);
        else if (item.frame.codec === 'mjpeg') this.#held.push(item.frame);
      }
      this.#boundHeld();
      await this.#clock.sleep(Math.min(100, until - this.#clock.monoMs()), signal).catch(() => {});
    }
  }

  /** The next JPEG; sound is passed on meanwhile. `null` when stopped. */
  async #nextPicture(reader: HubReader, signal: AbortSignal): Promise<VideoFrame | null> {
    const held = signal.aborted ? undefined : this.#held.shift();
    if (held) return held;
    for await (const { frame, missed, seq } of reader.items(signal)) {
      if (missed > 0) this.tally.add('skipped', missed);
      this.#lastSeq = seq;
      if (frame.kind === 'audio') this.hub.publish(frame);
      else if (frame.codec === 'mjpeg') return frame;
    }
    return null;
  }

  /** One ffmpeg. Returns the first picture that needs another one, or `null` when stopped. @throws NvrError why it ended */
  async #run(first: VideoFrame, reader: HubReader): Promise<VideoFrame | null> {
    const { settings, segmentSeconds = 60 } = this.#options;
    const size = pixels(first);
    const run: Run = { ...size, zero: { at: Math.floor(first.at), monoMs: first.monoMs - (first.at % 1) } };
    const kind = await this.#choice.kind();
    const job = encoderJob({ ...size, settings, kind, epochMs: run.zero.at, segmentSeconds });
    const process = FfmpegProcess.start(job, { log: this.#options.log });
    this.#process = process;
    const pending = new Map<number, VideoFrame>();
    const output = this.#publishOutput(process, run, pending);
    const exited = new AbortController();
    void process.exited.then(() => exited.abort());
    const signal = AbortSignal.any([this.#abort.signal, exited.signal]);
    const watchdog = this.#watch(process, pending);
    try {
      const writer = new MatroskaWriter([{ kind: 'video', codec: 'mjpeg', ...size }]);
      await process.write(writer.header());
      let frame: VideoFrame | null = first;
      let lastMs = -1;
      while (frame && !exited.signal.aborted && fits(frame, run)) {
        // Whole milliseconds, rounded down like the boundaries, and always growing: two pictures never share a time.
        const timeMs = Math.max(lastMs + 1, Math.floor(frame.monoMs - run.zero.monoMs));
        if (this.#late(frame)) this.tally.add('skipped');
        else {
          lastMs = timeMs;
          pending.set(timeMs, frame);
          if (pending.size > MAX_PENDING) throw new NvrError('unavailable', 'ffmpeg takes pictures and gives none');
          await process.write(...writer.frame(0, timeMs, true, frame.data));
        }
        frame = await this.#nextPicture(reader, signal);
      }
      const exit = await process.stop();
      await output;
      if (this.#abort.signal.aborted) return null;
      if (exit.error || !frame) this.#rescue(pending, frame);
      if (exit.error) throw exit.error;
      if (!frame) throw new NvrError('unavailable', 'ffmpeg ended by itself');
      return frame;
    } finally {
      watchdog.cancel();
      this.#process = null;
      await process.stop(0);
    }
  }

  /** Whether to leave a picture out. The pictures of the pre-roll are late by nature; once caught up, none may be. */
  #late(frame: VideoFrame): boolean {
    const newest = this.#options.source.newestVideo;
    const lagMs = newest && newest.seq > this.#lastSeq ? newest.frame.monoMs - frame.monoMs : 0;
    if (lagMs <= MAX_LAG_MS) this.#caughtUp = true;
    return lagMs > MAX_LAG_MS + (this.#caughtUp ? 0 : (this.#options.preRollMs ?? 0));
  }

  async #publishOutput(process: FfmpegProcess, run: Run, pending: Map<number, VideoFrame>): Promise<void> {
    const parser = new FlvReader();
    const size = chooseEncodedSize(run.width, run.height);
    let codecConfig: Uint8Array | undefined;
    try {
      for await (const bytes of process.stdout ?? []) {
        for (const event of parser.push(bytes as Uint8Array)) {
          if (event.kind === 'config') {
            codecConfig = event.data;
            continue;
          }
          const time = takeTime(pending, event.timeMs) ?? {
            at: run.zero.at + event.timeMs,
            monoMs: run.zero.monoMs + event.timeMs,
          };
          this.tally.add('encoded');
          this.hub.publish({
            ...{ kind: 'video', codec: 'h264', key: event.key, data: event.data, ...size, mediaMs: null },
            ...{ at: time.at, monoMs: time.monoMs, ...(codecConfig ? { codecConfig } : {}) },
          } satisfies Frame);
        }
      }
    } catch (error) {
      this.#options.log.debug({ error: toNvrError(error).message }, 'Encoder output unreadable');
      await process.kill();
    }
  }

  /** Kills an ffmpeg that takes pictures and gives none back. In real time: a process does not live in a test's. */
  #watch(process: FfmpegProcess, pending: Map<number, VideoFrame>): Timer {
    let stalledMs = 0;
    let seen = this.tally.get('encoded');
    let timer: Timer;
    const check = () => {
      const encoded = this.tally.get('encoded');
      stalledMs = encoded === seen && pending.size > 0 ? stalledMs + HUNG_CHECK_MS : 0;
      seen = encoded;
      if (stalledMs >= HUNG_MS) void process.kill();
      else timer = systemClock.after(HUNG_CHECK_MS, check);
    };
    timer = systemClock.after(HUNG_CHECK_MS, check);
    return { cancel: () => timer.cancel() };
  }
}

/** @throws NvrError `protocol` when the picture has no size to read, or one that no camera has */
function pixels(frame: VideoFrame): { width: number; height: number } {
  const { width, height } =
    frame.width > 0 && frame.height > 0 ? frame : (jpegSize(frame.data) ?? { width: 0, height: 0 });
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) {
    throw new NvrError('protocol', `The camera sent a JPEG of ${width}x${height} pixels`);
  }
  return { width, height };
}

/** Whether the running ffmpeg can take this picture. */
function fits(frame: VideoFrame, run: Run): boolean {
  const moved = Math.abs(frame.at - frame.monoMs - (run.zero.at - run.zero.monoMs));
  if (moved > MAX_OFFSET_CHANGE_MS) return false;
  const size = frame.width > 0 ? frame : (jpegSize(frame.data) ?? run);
  return size.width === run.width && size.height === run.height;
}

/** The times of the picture with that stamp; those before it were unreadable to ffmpeg and are forgotten. */
function takeTime(pending: Map<number, VideoFrame>, timeMs: number): Instant | undefined {
  const found = pending.get(timeMs);
  for (const key of pending.keys()) {
    if (key > timeMs) break;
    pending.delete(key);
  }
  return found;
}
