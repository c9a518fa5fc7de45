// Follows one camera's hub and writes segments. Needs no viewer and no living camera; restarts its ffmpeg by itself.
// The order of steps is in design/recordings.md; the decisions are in cut.ts.

import { HUB_MIN_SPAN_MS, type HubItem, type HubReader } from '../cameras/frame-hub.ts';
import { MAX_PRE_ROLL_SECONDS } from '../core/camera-config.ts';
import { systemClock, type Timer } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import { retryDelayMs } from '../core/retry.ts';
import { Tally } from '../core/tally.ts';
import { PictureTimes } from '../media/picture-times.ts';
import type { EndReason } from '../store/segment-index.ts';
import { Closings } from './closings.ts';
import { chooseCut, wallTime } from './cut.ts';
import { FirstLook } from './first-look.ts';
import { OpenFile } from './open-file.ts';
import { Pace } from './pace.ts';
import { Presence } from './presence.ts';
import type { OpenSegment, RecorderOptions, UnindexedSegment } from './recorder-options.ts';
import { SegmentWriter } from './segment-writer.ts';
import { Sound } from './sound.ts';
import { SoundTail } from './sound-tail.ts';

const RETRY = { minMs: 1000, maxMs: 60_000 };
const HEALTHY_MS = 30_000;
const TICK_MS = 1000;
/** A file may begin late by this part of what the ring holds: its pictures wait there. */
const RING_SHARE = 0.8;
/** And by no more than this: what waits is lost in a crash, which may cost two seconds. */
const MAX_START_WAIT_MS = 1500;
/** How long a stop waits for a write that ffmpeg does not take. */
const STOP_MS = 1500;

/** One run of recording: from start to stop. Make a new one for new settings. */
export class Recorder {
  readonly tally = new Tally<'frames' | 'missed' | 'segments' | 'failures'>();
  readonly #options: RecorderOptions;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  readonly #sound = new Sound();
  readonly #closings: Closings;
  readonly #pace = new Pace();
  readonly #times = new PictureTimes();
  readonly #look: FirstLook;
  #running: Promise<void> | null = null;
  #stopReason: EndReason = 'stopped';
  readonly #tail: SoundTail;
  readonly #presence: Presence;
  #open: OpenFile | null = null;
  #attempt = 0;
  #failure: NvrError | null = null;
  /** Pictures up to here are in a file. Looked at only when a hub is read anew. */
  #recordedMonoMs: number;
  #resuming = true;
  #ticker: Timer | null = null;
  /** Something happened since the loop last looked; it does not go to sleep then. */
  #isAwake = false;
  #resume: () => void = () => {};

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#recordedMonoMs = options.afterMonoMs ?? Number.NEGATIVE_INFINITY;
    this.#log = options.camera.log.child({ part: 'recorder' });
    this.#look = new FirstLook(this.#sound, this.#times, () => options.camera.config.recording.audio);
    this.#closings = new Closings(
      options,
      (error) => this.#report(error),
      () => this.tally.add('segments'),
      (lost) => this.tally.add('missed', lost),
    );
    this.#tail = new SoundTail(this.#sound, this.#closings);
    this.#presence = new Presence(options.clock);
  }

  /** The file that pictures go into. */
  get #current(): SegmentWriter | null {
    return this.#open?.writer ?? null;
  }

  start(): void {
    if (this.#running) return;
    const { bus, camera } = this.#options;
    const off = bus.on('camera.lost', (fact) => {
      if (fact.camera === camera.id) this.#presence.lost();
    });
    this.#running = this.#loop().finally(off);
  }

  /** Ends the open segment, waits until all are closed and indexed. */
  async stop(reason: 'stopped' | 'shutdown' | 'formatChange' = 'stopped'): Promise<void> {
    if (!this.#abort.signal.aborted) {
      this.#stopReason = reason;
      this.#abort.abort();
      this.#wake();
    }
    // An ffmpeg that takes nothing must not hold up the end; what it wrote is kept.
    const impatient = systemClock.after(STOP_MS, () => {
      void this.#current?.ffmpeg.kill();
      this.#tail.kill();
    });
    await this.#running;
    impatient.cancel();
    if (reason === 'shutdown') this.#closings.hurry();
    await this.#closings.settled();
  }

  /** Monotonic time of the last picture in a file; for the next run. */
  get recordedMonoMs(): number {
    return this.#recordedMonoMs;
  }

  /** What is being written, or `null`. */
  get openSegment(): OpenSegment | null {
    return this.#open?.segment ?? null;
  }

  /** What is recorded and not in the index yet: segments being closed, and the open one; by time. */
  get unindexed(): UnindexedSegment[] {
    const open = this.openSegment;
    return [...this.#closings.unindexed, ...this.#tail.unindexed, ...(open ? [{ ...open, open: true }] : [])];
  }

  async #loop(): Promise<void> {
    const { camera, clock, random = Math.random } = this.#options;
    const { signal } = this.#abort;
    this.#ticker = clock.after(TICK_MS, () => this.#tick());
    const { recording } = camera.config;
    let since = clock.monoMs() - recording.preRollSeconds * 1000;
    while (!signal.aborted) {
      const startedMs = clock.monoMs();
      try {
        await this.#follow(since);
      } catch (error) {
        if (clock.monoMs() - startedMs > HEALTHY_MS) this.#attempt = 0;
        await this.#fail(await this.#cause(toNvrError(error)));
        const delayMs = retryDelayMs(RETRY, this.#attempt++, random());
        await clock.sleep(delayMs, signal).catch(() => {});
        // The ring may still hold what the dead ffmpeg did not write; what is in a file already is left out.
        since = Number.NEGATIVE_INFINITY;
      }
    }
    this.#ticker?.cancel();
    camera.recordingActive = false;
  }

  /** Reads the hub until stopped. @throws NvrError when the recording failed */
  async #follow(since: number): Promise<void> {
    const { camera } = this.#options;
    const preRollMs = Math.max(0, Math.min(MAX_PRE_ROLL_SECONDS * 1000, this.#options.clock.monoMs() - since));
    const lease = camera.config.recording.format === 'mp4' ? camera.acquireEncoded(preRollMs) : null;
    const hub = lease?.hub ?? camera.hub;
    this.#failure = null;
    this.#resuming = true;
    this.#presence.begin();
    const onFrame = () => this.#wake();
    using reader = hub.open({ kinds: 'all', policy: 'every', start: { sinceMonoMs: since }, onFrame });
    try {
      for await (const item of this.#items(reader)) await this.#take(item);
      await this.#cut(this.#stopReason, null);
    } finally {
      lease?.[Symbol.dispose]();
    }
  }

  /** Frames in order, until stopped or failed. At the start of a segment it holds them back a little to learn about sound. */
  async *#items(reader: HubReader): AsyncGenerator<HubItem> {
    const { clock } = this.#options;
    const look = this.#look;
    while (!this.#abort.signal.aborted && !this.#failure) {
      this.#isAwake = false;
      const item = reader.poll();
      if (!item) {
        yield* look.release(clock.monoMs());
        if (this.#current && this.#presence.isOffline(this.#current.medianMs)) await this.#cut('offline', null);
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
          if (this.#isAwake || this.#abort.signal.aborted || this.#failure) resolve();
        });
        continue;
      }
      if (item.missed > 0) this.tally.add('missed', item.missed);
      if (this.#current) {
        if (item.frame.kind === 'video') this.#times.hear(item.frame);
        yield item;
        continue;
      }
      look.add(item, clock.monoMs());
      yield* look.release(clock.monoMs());
    }
    const held = look.releaseAll();
    if (this.#failure) throw this.#failure;
    yield* held;
  }

  #wake(): void {
    this.#isAwake = true;
    this.#resume();
  }

  async #take({ frame }: HubItem): Promise<void> {
    const { camera, clock } = this.#options;
    if (frame.kind === 'audio') {
      if (camera.config.recording.audio) this.#sound.add(frame);
      return;
    }
    if (this.#resuming && frame.monoMs <= this.#recordedMonoMs) return;
    this.#resuming = false;
    this.#presence.picture(frame.monoMs);
    this.#pace.note(frame.monoMs);
    const at = wallTime(frame, clock);
    const soundWanted = camera.config.recording.audio && this.#sound.expected(frame.monoMs);
    if (this.#current) {
      const { startAt, first, sound } = this.#current.start;
      const open = {
        startAt,
        startMonoMs: first.monoMs,
        first,
        hasSound: sound !== null && this.#sound.isCurrent(sound),
      };
      const reason = chooseCut(open, { frame, at, soundWanted }, camera.config.recording.segmentSeconds);
      if (reason === 'clockStep') this.#tellStep(at - this.#current.wallAt(frame.monoMs));
      if (reason) await this.#cut(reason, { frame, at });
    }
    if (!this.#current) {
      if (!frame.key) return;
      await this.#begin(frame, at);
    }
    if (await this.#tail.drain(frame.monoMs))
      await this.#current?.writeSound(this.#sound.line?.takeUntil(frame.monoMs) ?? []);
    await this.#current?.write(frame, this.#times.at(frame));
    this.#recordedMonoMs = frame.monoMs;
    this.tally.add('frames');
  }

  async #begin(frame: VideoFrame, at: number): Promise<void> {
    const { camera, files, bus } = this.#options;
    const { folder, recording } = camera.config;
    const sound = recording.audio ? (this.#sound.lineFrom(frame.monoMs)?.track ?? null) : null;
    // The end of the segment before is the start of this one: both are this picture's time, rounded down.
    const start = {
      ...{ camera: camera.id, folder, format: recording.format, first: frame, startAt: Math.floor(at) },
      ...{ sound, pace: this.#pace },
    };
    this.#closings.nextBegins(start.startAt);
    await this.#options.assertWritable?.();
    const ringMs = Math.max(HUB_MIN_SPAN_MS, recording.preRollSeconds * 1000);
    const maxWaitMs = Math.min(RING_SHARE * ringMs, MAX_START_WAIT_MS);
    const writer = await SegmentWriter.open(start, files, this.#log, maxWaitMs);
    this.#open = new OpenFile(writer, this.#options, this.#log);
    camera.recordingActive = true;
    void writer.ffmpeg.exited.then(({ error }) => {
      if (this.#current !== writer) return;
      this.#failure = error ?? new NvrError('unavailable', 'ffmpeg ended the recording by itself');
      this.#wake();
    });
    bus.publish('segment.opened', { camera: camera.id, slug: camera.slug, start: start.startAt });
  }

  /** Ends the current segment. With a next picture, sound that is still on its way goes into the right file. */
  async #cut(reason: EndReason, next: { frame: VideoFrame; at: number } | null): Promise<void> {
    await this.#tail.finish();
    const writer = this.#current;
    if (!writer) return;
    if (reason === 'offline') this.#options.camera.recordingActive = false;
    this.#open = null;
    // After a step of the clock the next picture's time says nothing about this file's end.
    const endAt = next && reason !== 'clockStep' ? Math.floor(next.at) : writer.endAt;
    const { line } = this.#sound;
    const isLine = line !== null && writer.start.sound === line.track;
    if (next && isLine) {
      this.#tail.wait({ writer, reason, untilMonoMs: next.frame.monoMs, endAt });
      return;
    }
    if (isLine) await writer.writeSound(line.takeUntil(writer.lastMonoMs + writer.medianMs));
    if (!next) this.#sound.cut();
    this.#closings.close(writer, reason, endAt);
  }

  /** Once a second, whatever the loop waits for: file growth, hanging, an absent camera. */
  #tick(): void {
    if (this.#abort.signal.aborted) return;
    this.#ticker = this.#options.clock.after(TICK_MS, () => this.#tick());
    this.#wake();
    const open = this.#open;
    open?.look(() => this.#open === open);
  }

  /** On a full disk ffmpeg may exit with 1 or crash: both are the same event. */
  async #cause(error: NvrError): Promise<NvrError> {
    if (error.code === 'exhausted' || !(await this.#options.isFull?.())) return error;
    return new NvrError('exhausted', 'The disk is full', { cause: error });
  }

  /** Keeps what is whole of the broken segment, tells, and remembers where to go on. */
  async #fail(error: NvrError): Promise<void> {
    const { camera } = this.#options;
    const writer = this.#current;
    this.#open = null;
    this.#tail.close();
    this.#sound.cut();
    camera.recordingActive = false;
    this.tally.add('failures');
    // Perch and its ffmpeg may have been told to end by the same hand: then this is no failure.
    const ending = this.#abort.signal.aborted;
    if (!ending) this.#report(error);
    if (!writer) return;
    try {
      await writer.ffmpeg.kill();
      const { lastMonoMs } = await this.#closings.salvage(writer, ending ? this.#stopReason : 'recorderFailed');
      this.#recordedMonoMs = lastMonoMs ?? writer.start.first.monoMs - 1;
    } catch (cause) {
      this.#log.warn({ error: toNvrError(cause).message }, 'A broken recording is left for the next start');
    }
  }

  #tellStep(stepMs: number): void {
    const { camera, bus } = this.#options;
    this.#log.warn({ stepMs: Math.round(stepMs) }, "The host's clock was set; the recording goes on in a new file");
    bus.publish('recording.clockStepped', { camera: camera.id, slug: camera.slug, stepMs: Math.round(stepMs) });
  }

  #report({ code, message }: NvrError): void {
    const { camera, bus } = this.#options;
    this.#log.warn({ code, error: message }, 'Recording failed');
    bus.publish('recording.failed', { camera: camera.id, slug: camera.slug, code, message });
    if (code === 'exhausted') bus.publish('storage.full', { message });
  }
}
