// Recordings of a time that is over, for a Perch that runs: made by the real recorder on a clock as fast as the machine, so that
// tests of timelines and playback do not wait for them.

import assert from 'node:assert/strict';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { DATABASE_FILE } from '../app.ts';
import type { RecordingSettings } from '../core/camera-config.ts';
import { newId } from '../core/ids.ts';
import { openDatabase } from '../store/database.ts';
import { GapTable, type Span, type WatchCondition } from '../store/gaps.ts';
import type { Segment } from '../store/segment-index.ts';
import type { Nvr } from './harness.ts';
import { type codedClip, PacedRecording } from './paced-recording.ts';

/** Pictures that an encoder or a recorder may hold back: fewer than it leaves out when it falls behind. */
const LATE = 8;
const CLIP_PICTURE_MS = 40;
const CLIP_UNIT_MS = 64;

/** One picture, or a piece of sound: so long after the begin, and how it is published. */
export type Sent = { readonly atMs: number; readonly publish: (run: PacedRecording) => void };

/** Where a recording is to be. */
export type Past = {
  readonly nvr: Nvr;
  readonly slug: string;
  readonly startAt: number;
  readonly settings: Partial<RecordingSettings>;
};

/** Records what a camera sent, and gives it to the app as that camera's. @returns its segments, by time */
export async function recordPast({ nvr, slug, startAt, settings }: Past, sent: Iterable<Sent>): Promise<Segment[]> {
  const after: (() => unknown)[] = [];
  try {
    const run = new PacedRecording(
      { after: (end: () => unknown) => after.push(end) } as unknown as TestContext,
      startAt,
      {
        ...{ preRollSeconds: 0, ...settings },
      },
    );
    run.recorder.start();
    for (const { atMs, publish } of sent) {
      await run.advanceTo(atMs, LATE);
      publish(run);
    }
    const made = await run.end();
    assert.deepEqual(run.failures, []);
    const { id: camera } = nvr.app.fleet.get(slug);
    const { files, index } = nvr.app.recordings;
    const segments = made.map((one) => {
      const path = one.path.replace(/^[^/]+/, slug);
      return { ...one, ...{ id: newId('seg'), camera, folder: slug, path } };
    });
    for (const [n, segment] of segments.entries()) {
      const file = files.absolute(segment.path);
      await mkdir(dirname(file), { recursive: true });
      await copyFile(run.file(made[n]!), file);
      index.add(segment);
    }
    return segments;
  } finally {
    for (const end of after.reverse()) await end();
  }
}

/** Writes into the journal what held for a camera. */
export function tellPast(nvr: Nvr, slug: string, span: Span, condition: WatchCondition): void {
  const db = openDatabase(join(nvr.dataDir, DATABASE_FILE));
  try {
    new GapTable(db).add(nvr.app.fleet.get(slug).id, span, condition);
  } finally {
    db.close();
  }
}

/** JPEGs at an even pace. @param sound of each picture's time */
export function* jpegs(
  count: number,
  everyMs: number,
  picture: (n: number) => Uint8Array,
  size: { readonly width: number; readonly height: number },
  sound: Int16Array | null = null,
): Generator<Sent> {
  for (let n = 0; n < count; n++) {
    const publish = (run: PacedRecording) => {
      run.publish({ kind: 'video', codec: 'mjpeg', key: true, ...size, mediaMs: null, data: picture(n) });
      if (sound) run.camera.sound(sound);
    };
    yield { atMs: n * everyMs, publish };
  }
}

/** A coded clip, again and again; its sound, too, when it is wanted. */
export function* clipLoop(
  clip: Awaited<ReturnType<typeof codedClip>>,
  codec: 'h264' | 'h265',
  seconds: number,
  size: { readonly width: number; readonly height: number },
  withSound: boolean,
): Generator<Sent> {
  const { pictures, units, codecConfig, aacConfig } = clip;
  const sound = { codec: 'aac', sampleRate: 16_000, channels: 1, samples: 1024, codecConfig: aacConfig };
  let unit = 0;
  for (let n = 0; n * CLIP_PICTURE_MS < seconds * 1000; n++) {
    const atMs = n * CLIP_PICTURE_MS;
    const publish = (run: PacedRecording) => {
      for (; withSound && unit * CLIP_UNIT_MS < atMs; unit++) {
        run.publish({ kind: 'audio', ...sound, data: units[unit % units.length]!, mediaMs: null });
      }
      const { data, key } = pictures[n % pictures.length]!;
      run.publish({ kind: 'video', codec, key, ...size, codecConfig, data, mediaMs: atMs });
    };
    yield { atMs, publish };
  }
}
