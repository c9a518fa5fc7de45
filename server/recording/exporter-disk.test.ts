// Exports on a disk that becomes full: they fail cleanly, leave nothing, say so, and recordings are not touched.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { ExportTable } from '../store/exports.ts';
import { FedCamera, recordingBase, until } from '../test/recording-fixture.ts';
import { mountSmallDisk, noSmallDisk } from '../test/small-disk.ts';
import { Exporter } from './exporter.ts';
import { Recorder } from './recorder.ts';
import { SegmentFiles } from './segment-files.ts';

const START = Date.UTC(2026, 4, 3, 10, 0, 0);
const DISK_MEGABYTES = 4;

async function recorded(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'perch-export-'));
  mountSmallDisk(t, dataDir, DISK_MEGABYTES);
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  mkdirSync(join(dataDir, 'recordings'));
  const base = { ...recordingBase(t), dataDir, files: new SegmentFiles(dataDir) };
  const clock = new ManualClock(START);
  const camera = new FedCamera(clock, { format: 'mjpeg', segmentSeconds: 60 });
  const recorder = new Recorder({ ...base, camera, clock });
  recorder.start();
  for (let n = 0; n < 100; n++) {
    camera.picture();
    await clock.advance(100);
  }
  await until(() => recorder.tally.get('frames') === 100);
  await recorder.stop();
  const table = new ExportTable(base.db);
  const queue = (id: string) =>
    table.add({
      ...{ id, camera: 'cam_fed', name: 'Yard', from: START, to: START + 10_000, state: 'queued', progress: 0 },
      ...{ bytes: 1, error: null, createdBy: 'admin', createdAt: START, finishedAt: null },
    });
  const recordings = { files: base.files, index: base.index, unindexed: () => [] };
  const make = (reserveBytes: number) =>
    new Exporter({ recordings, table, bus: base.bus, dataDir, clock, log: silentLogger, reserveBytes });
  return { ...base, clock, table, queue, make };
}

test('a disk that becomes full under an export: failed and said, nothing left of it, recordings as they were', {
  skip: noSmallDisk,
}, async (t) => {
  const { dataDir, bus, clock, table, queue, make, index, files } = await recorded(t);
  const ballast = join(dataDir, 'ballast');
  for (let bytes = 256 * 1024; bytes >= 4096; ) {
    try {
      writeFileSync(ballast, Buffer.alloc(bytes), { flag: 'a' });
    } catch {
      bytes /= 2;
    }
  }
  const sizes = () => [...index.rows()].map(({ path, bytes }) => [path, bytes, existsSync(files.absolute(path))]);
  const before = sizes();
  const exporter = make(0);
  t.after(() => exporter.stop());
  queue('exp_full');
  const told = bus.next('export.finished');
  await exporter.start();
  assert.equal((await told).state, 'failed');
  const row = table.get('exp_full');
  assert.deepEqual([row?.state, row?.error?.code], ['failed', 'exhausted'], JSON.stringify(row?.error));
  assert.match(row?.error?.message ?? '', /disk/i);
  assert.deepEqual(existsSync(join(dataDir, 'exports')) ? readdirSync(join(dataDir, 'exports')) : [], []);
  assert.deepEqual(sizes(), before);

  // Room again: the same can be made.
  rmSync(ballast);
  queue('exp_again');
  await exporter.stop();
  const done = bus.next('export.finished');
  const again = make(0);
  t.after(() => again.stop());
  await again.start();
  assert.equal((await done).state, 'done');
  await again.remove('exp_again');

  // Nearly full, and something else writes: the export ends before the recordings must.
  queue('exp_near');
  await again.stop();
  const ended = bus.next('export.finished');
  const careful = make(2 * DISK_MEGABYTES * 1024 * 1024);
  t.after(() => careful.stop());
  const starting = careful.start();
  const ticking = setInterval(() => void clock.advance(1000), 1);
  t.after(() => clearInterval(ticking));
  await starting;
  assert.equal((await ended).state, 'failed');
  assert.equal(table.get('exp_near')?.error?.code, 'exhausted');
  assert.deepEqual(readdirSync(join(dataDir, 'exports')), []);
});
