// A recorder on a clock that runs as fast as the machine can: an hour of a camera in a minute or two. Processes and disks live
// in real time, so the clock waits for them wherever it would seem that they hang.

import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { RecordingSettings } from '../core/camera-config.ts';
import { systemClock } from '../core/clock.ts';
import type { Frame } from '../core/frame.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { MatroskaReader } from '../media/matroska-reader.ts';
import { Recorder } from '../recording/recorder.ts';
import type { Segment } from '../store/segment-index.ts';
import { FedCamera, recordingBase, until } from './recording-fixture.ts';

const run = promisify(execFile);
/** Frames that a recorder may hold back at the begin. */
const LOOK = 8;
const SECOND_MS = 1000;
/** Longest wait, in real time, for a file that does not begin or grow: by then something is wrong, and the test says so. */
const BEGIN_MS = 20_000;
/** A file that did not grow for so long, on the recorder's clock, is waited for: far less than what makes it hang (HUNG_MS). */
const STILL_MS = 5000;

/** What came out of a recorded file, by track. */
export type ReadFrames = { readonly timeMs: number; readonly data: Uint8Array; readonly key: boolean }[][];

/** A camera, its recorder and the clock of both. */
export class PacedRecording {
  readonly clock: ManualClock;
  readonly camera: FedCamera;
  readonly recorder: Recorder;
  readonly dataDir: string;
  readonly failures: string[] = [];
  readonly #base: ReturnType<typeof recordingBase>;
  #looks = 0;
  #pictures = 0;
  #grown = { path: '', bytes: 0, monoMs: 0 };

  constructor(t: TestContext, startAt: number, settings: Partial<RecordingSettings>) {
    this.#base = recordingBase(t);
    this.dataDir = this.#base.dataDir;
    this.clock = new ManualClock(startAt);
    this.camera = new FedCamera(this.clock, settings);
    const { files, bus } = this.#base;
    const size = files.size.bind(files);
    files.size = (path) => {
      this.#looks++;
      return size(path).finally(() => this.#looks--);
    };
    bus.on('recording.failed', ({ message }) => this.failures.push(message));
    this.recorder = new Recorder({ ...this.#base, camera: this.camera, clock: this.clock, random: () => 0 });
    t.after(async () => {
      await this.recorder.stop();
      await this.camera.encoded.stop();
    });
  }

  /** Publishes a frame with the time of now. */
  publish(frame: Record<string, unknown> & { kind: 'video' | 'audio' }): void {
    if (frame.kind === 'video') this.#pictures++;
    this.camera.hub.publish({ ...frame, at: this.clock.wallMs(), monoMs: this.clock.monoMs() } as unknown as Frame);
  }

  /** Says that a picture was published by other means. */
  counted(): void {
    this.#pictures++;
  }

  /** Lets the clock run up to a moment since the start, never ahead of the recorder. */
  async advanceTo(ms: number, late = LOOK): Promise<void> {
    while (this.clock.monoMs() < ms) {
      const next = Math.min(ms, (Math.floor(this.clock.monoMs() / SECOND_MS) + 1) * SECOND_MS);
      await this.clock.advance(next - this.clock.monoMs());
      if (this.clock.monoMs() % SECOND_MS !== 0) continue;
      await until(() => this.#looks === 0);
      const { recorder } = this;
      await until(() => recorder.tally.get('frames') >= this.#pictures - late || this.failures.length > 0);
      if (recorder.tally.get('frames') > 0 && recorder.openSegment === null) await this.#fileBegins();
      await this.#fileGrows();
    }
  }

  /** Ends the recording; all segments, by time. */
  async end(): Promise<Segment[]> {
    await until(() => this.recorder.tally.get('frames') === this.#pictures || this.failures.length > 0);
    await this.recorder.stop();
    await this.camera.encoded.stop();
    const to = Number.MAX_SAFE_INTEGER;
    return this.#base.index.find({ camera: this.camera.id, from: 0, to, order: 'asc', limit: 1000 });
  }

  file({ path }: Pick<Segment, 'path'>): string {
    return join(this.dataDir, 'recordings', path);
  }

  /** A busy machine starves ffmpeg for a moment, which is half a minute here. */
  async #fileGrows(): Promise<void> {
    const since = performance.now();
    for (;;) {
      const path = this.recorder.openSegment?.path;
      if (path === undefined) return;
      const bytes = statSync(join(this.dataDir, 'recordings', path), { throwIfNoEntry: false })?.size ?? 0;
      const monoMs = this.clock.monoMs();
      if (path !== this.#grown.path || bytes > this.#grown.bytes) this.#grown = { path, bytes, monoMs };
      if (monoMs - this.#grown.monoMs < STILL_MS || this.failures.length > 0) return;
      if (performance.now() - since > BEGIN_MS) throw new Error(`${path} does not grow`);
      await systemClock.sleep(5);
    }
  }

  async #fileBegins(): Promise<void> {
    const since = performance.now();
    const folder = join(this.dataDir, 'recordings');
    const wrote = () =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter(({ name }) => name.endsWith('.part'))
        .every(({ parentPath, name }) => (statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 1) > 0);
    while (this.recorder.openSegment === null && !wrote()) {
      if (performance.now() - since > BEGIN_MS) throw new Error('No file begins');
      await systemClock.sleep(5);
    }
  }
}

/** Every frame of a recorded file as it stands there, copied out by ffmpeg. */
export async function framesIn(file: string): Promise<ReadFrames> {
  const folder = await mkdtemp(join(tmpdir(), 'perch-frames-'));
  try {
    const copy = join(folder, 'copy.mkv');
    await run('ffmpeg', ['-v', 'error', '-i', file, '-map', '0', '-c', 'copy', copy]);
    const tracks: { timeMs: number; data: Uint8Array; key: boolean }[][] = [];
    for (const event of new MatroskaReader().push(await readFile(copy))) {
      if (event.kind !== 'frame') continue;
      tracks[event.track] ??= [];
      tracks[event.track]!.push(event);
    }
    return tracks;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How a clip is coded; what is left out is H.264 of 160x120. */
export type ClipOptions = {
  readonly bFrames?: number;
  /** What is heard, a source of lavfi. */
  readonly tone?: string;
  /** What is drawn over the test picture, a filter of ffmpeg. */
  readonly drawn?: string;
  readonly encoder?: 'libx264' | 'libx265';
  readonly size?: `${number}x${number}`;
  readonly seconds?: number;
};

/** H.264 or H.265 (25 pictures a second, a key picture each second) and AAC (16 kHz), as a camera sends them; ten seconds. */
export async function codedClip({
  bFrames = 0,
  tone = 'sine=frequency=440:sample_rate=16000',
  drawn = 'null',
  encoder = 'libx264',
  size = '160x120',
  seconds = 10,
}: ClipOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'perch-clip-'));
  try {
    const file = join(folder, 'clip.mkv');
    const video = ['-c:v', encoder, '-preset', 'ultrafast', '-g', '25', '-bf', String(bFrames), '-pix_fmt', 'yuv420p'];
    if (encoder === 'libx265') video.push('-x265-params', 'log-level=error:pools=1');
    await run('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc=size=${size}:rate=25:duration=${seconds},${drawn}`],
      ...['-f', 'lavfi', '-t', String(seconds), '-i', tone],
      ...[...video, '-c:a', 'aac', '-ac', '1', '-ar', '16000', file],
    ]);
    const events = new MatroskaReader().push(await readFile(file));
    const tracks = events.flatMap((event) => (event.kind === 'tracks' ? event.tracks : []));
    const of = (track: number) =>
      events.flatMap((event) => (event.kind === 'frame' && event.track === track ? [event] : []));
    const firstMs = of(0)[0]!.timeMs;
    return {
      pictures: of(0).map(({ timeMs, key, data }) => ({ mediaMs: timeMs - firstMs, key, data: Uint8Array.from(data) })),
      units: of(1).map(({ data }) => Uint8Array.from(data)),
      codecConfig: tracks[0]!.codecConfig!,
      aacConfig: tracks[1]!.codecConfig!,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The same picture with its number in it (a SEI message that decoders pass over): no two are alike. */
export function numbered(data: Uint8Array, number: number): Uint8Array {
  const digits = Array.from({ length: 8 }, (_, n) => 0x80 | (Math.floor(number / 128 ** n) % 128));
  const nal = [6, 5, 24, ...Array<number>(16).fill(0x50), ...digits, 0x80];
  return Uint8Array.from([0, 0, 0, nal.length, ...nal, ...data]);
}
