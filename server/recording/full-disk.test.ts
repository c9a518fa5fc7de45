// On a full disk ffmpeg may complain, end with 1 without a word, or crash: to Perch it is one event. The disk is really full.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { FedCamera, framesOf, recordingBase, standInFfmpeg, until } from '../test/recording-fixture.ts';
import { mountSmallDisk, noSmallDisk } from '../test/small-disk.ts';
import { adopt } from './adoption.ts';
import { DiskGuard } from './disk-guard.ts';
import { Recorder } from './recorder.ts';
import { SegmentFiles } from './segment-files.ts';

const START = Date.UTC(2026, 4, 3, 10, 0, 0);
/** Enough for all pictures that a slow ffmpeg lets be sent meanwhile: it must not become full again. */
const DISK_MEGABYTES = 12;

/** Stand-ins for ffmpeg: the real one until the disk is full, and then an end without a word. */
const ENDS = {
  'says so': 'exec ffmpeg "$@"',
  'ends with code 1': 'ffmpeg "$@" 2>/dev/null; exit 1',
  'crashes (SIGSEGV)': 'ffmpeg "$@" 2>/dev/null; ulimit -c 0; kill -SEGV $$',
} as const;

for (const [how, script] of Object.entries(ENDS)) {
  test(`full disk, ffmpeg ${how}: one "exhausted", one storage.full, what is whole is kept, goes on when there is room`, {
    skip: noSmallDisk,
  }, async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'perch-full-'));
    const root = join(dataDir, 'recordings');
    mkdirSync(root);
    mountSmallDisk(t, root, DISK_MEGABYTES);
    t.after(() => rmSync(dataDir, { recursive: true, force: true }));
    const files = new SegmentFiles(dataDir);
    const base = { ...recordingBase(t), files };
    const { bus, index } = base;
    standInFfmpeg(t, dataDir, script);
    const ballast = join(root, 'ballast');
    writeFileSync(ballast, Buffer.alloc((DISK_MEGABYTES - 1) * 1024 * 1024));
    const clock = new ManualClock(START);
    const camera = new FedCamera(clock, { format: 'mjpeg', segmentSeconds: 60 });
    const guard = new DiskGuard({ root, clock, onChange: async () => {} });
    const facts: string[] = [];
    bus.on('recording.failed', ({ code }) => facts.push(code));
    bus.on('storage.full', () => facts.push('storage.full'));
    // The pause after a failure is the longest: nothing is tried again before this test lets time pass.
    const recorder = new Recorder({ ...base, camera, clock, random: () => 1, isFull: () => guard.isFull() });
    recorder.start();
    t.after(() => recorder.stop());
    while (facts.length === 0) {
      camera.picture();
      await clock.advance(50);
      await until(() => recorder.tally.get('frames') === camera.sent.length || facts.length > 0);
    }
    await until(() => facts.length >= 2);
    assert.deepEqual(facts, ['exhausted', 'storage.full']);
    rmSync(ballast);
    // What is whole has its row; then time may pass, and with it the pause.
    await until(() => [...index.rows()].length === 1);
    const before = recorder.tally.get('frames');
    while (recorder.tally.get('frames') < before + 20) {
      camera.picture();
      await clock.advance(100);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await until(() => recorder.recordedMonoMs >= clock.monoMs() - 100);
    await recorder.stop();
    await adopt({ ...base, clock, log: camera.log, cameraOfFolder: () => null });
    const rows = [...index.rows()];
    const kept = await Promise.all(rows.map(({ path }) => framesOf(files.absolute(path))));
    assert.deepEqual(
      rows.map(({ frames }) => frames),
      kept.map((frames) => frames.length),
    );
    // The ring still had what the full disk did not take: every picture is there once.
    assert.equal(kept.flat().length, camera.sent.length);
  });
}
