// A camera without a network, for recorder tests: a hub that is fed by hand, and helpers to read what was recorded.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { EncodedSource } from '../cameras/encoded-source.ts';
import { FrameHub } from '../cameras/frame-hub.ts';
import { Bus } from '../core/bus.ts';
import { defaultRecording, type RecordingSettings } from '../core/camera-config.ts';
import type { Clock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import { MatroskaReader } from '../media/matroska-reader.ts';
import type { RecordedCamera } from '../recording/recorder-options.ts';
import { SegmentFiles } from '../recording/segment-files.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { openDatabase } from '../store/database.ts';
import { SegmentIndex } from '../store/segment-index.ts';

/** Small pictures that differ in every byte that matters. */
export const pictures = new CountedPictures({ width: 160, height: 120, minBytes: 2000, maxBytes: 6000, count: 4096 });

/** A camera as the recorder sees it, and the way to feed it. */
export class FedCamera implements RecordedCamera {
  readonly id: string;
  readonly slug: string;
  readonly log = silentLogger;
  readonly hub: FrameHub;
  readonly config: RecordedCamera['config'];
  readonly encoded: EncodedSource;
  readonly #clock: Clock;
  recordingActive = false;
  sent: Uint8Array[] = [];

  constructor(clock: Clock, recording: Partial<RecordingSettings>, id = 'cam_fed', folder = 'yard') {
    this.id = id;
    this.slug = folder;
    this.#clock = clock;
    this.config = { folder, recording: { ...defaultRecording, mode: 'continuous', audio: false, ...recording } };
    // Long enough for a whole test: the machine that runs it may be slow.
    this.hub = new FrameHub(600_000);
    this.encoded = new EncodedSource(this.hub, () => this.config.recording, clock, silentLogger);
  }

  acquireEncoded(preRollMs = 0) {
    return this.encoded.acquire(preRollMs);
  }

  /** Publishes the next picture, now. */
  picture(data: Uint8Array = pictures.picture(this.sent.length).data, size = { width: 160, height: 120 }): void {
    const wall = this.#clock.wallMs();
    const monoMs = this.#clock.monoMs();
    this.sent.push(data);
    this.hub.publish({ kind: 'video', codec: 'mjpeg', key: true, data, ...size, at: wall, monoMs, mediaMs: null });
  }

  /** Publishes a block of PCM whose last sample was there now. */
  sound(pcm: Int16Array, sampleRate = 8000): void {
    const data = new Uint8Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.byteLength));
    this.hub.publish({
      ...{ kind: 'audio', codec: 'pcm-s16le', data, sampleRate, channels: 1, samples: pcm.length, mediaMs: null },
      ...{ at: this.#clock.wallMs(), monoMs: this.#clock.monoMs() },
    });
  }
}

/** A data directory, an index and a bus, all gone after the test. */
export function recordingBase(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'perch-rec-'));
  const db = openDatabase(':memory:');
  t.after(() => {
    db.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    dataDir,
    db,
    files: new SegmentFiles(dataDir),
    index: new SegmentIndex(db),
    bus: new Bus((error) => {
      throw error;
    }),
  };
}

/** A shell script that is ffmpeg for the rest of the test. */
export function standInFfmpeg(t: TestContext, folder: string, script: string): void {
  const file = join(folder, 'ffmpeg-stand-in');
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const before = process.env.FFMPEG_PATH;
  process.env.FFMPEG_PATH = file;
  t.after(() => {
    if (before === undefined) delete process.env.FFMPEG_PATH;
    else process.env.FFMPEG_PATH = before;
  });
}

/** All video frames of a Matroska file, with their times. */
export async function framesOf(file: string): Promise<{ timeMs: number; data: Uint8Array }[]> {
  const events = new MatroskaReader().push(await readFile(file));
  return events.flatMap((event) => (event.kind === 'frame' && event.track === 0 ? [event] : []));
}

/** Waits, by turns of the event loop, until something holds; the test runner's own time-out is the limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => setImmediate(resolve));
}
