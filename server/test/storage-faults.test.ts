// Full, read-only and missing disks, with the whole app: live goes on, recordings end cleanly and go on by themselves.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DATABASE_FILE } from '../app.ts';
import { IDENTITY_FILE } from '../recording/disk-guard.ts';
import { fsck } from '../recording/fsck.ts';
import { type Nvr, startNvr } from './harness.ts';
import { mountSmallDisk, noSmallDisk } from './small-disk.ts';

const recording = { mode: 'continuous', format: 'mjpeg', segmentSeconds: 2, preRollSeconds: 0 };
const camera = { fps: 10, audio: false, recording };

async function dataOnSmallDisk(t: TestContext, megabytes: number) {
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-storage-'));
  const root = join(dataDir, 'recordings');
  await mkdir(root);
  const disk = mountSmallDisk(t, root, megabytes);
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  return { dataDir, root, disk };
}

/** Writes until there is not a byte left. */
function fill(file: string): void {
  for (let bytes = 256 * 1024; bytes >= 512; ) {
    try {
      writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' });
    } catch {
      bytes /= 2;
    }
  }
}

const segments = (nvr: Nvr) => nvr.app.recordings.index.totals()[0]?.segments ?? 0;

test('a full disk: retention makes room, recording goes on; with nothing to delete it stops, says so and resumes', {
  skip: noSmallDisk,
}, async (t) => {
  const { dataDir, root } = await dataOnSmallDisk(t, 6);
  await using nvr = await startNvr({ dataDir, cameras: [camera] });
  await nvr.app.bus.next('segment.closed');
  // Somebody else fills the disk to the last byte; our recordings are protected, so nothing may be deleted.
  for (const row of nvr.app.recordings.index.rows()) nvr.app.recordings.index.setProtected(row.id, true);
  const full = nvr.app.bus.next('storage.full');
  const ballast = join(root, 'ballast');
  fill(ballast);
  await full;
  while (nvr.app.recordings.storageLook.state !== 'full') await nvr.frames('camera-1', 1);
  await nvr.frames('camera-1', 5);
  assert.equal(nvr.app.fleet.get('camera-1').status().state, 'live');
  const reply = await nvr.ok<{ state: string }>('GET', '/api/storage');
  assert.equal(reply.state, 'full');
  await nvr.ok('PATCH', '/api/settings', { siteName: 'Still writable' });
  const back = nvr.app.bus.next('storage.cameBack');
  rmSync(ballast);
  await back;
  await nvr.app.bus.next('segment.closed');
  // Full again, and now the old recordings may go: that is enough for recording to go on beside the ballast.
  while (segments(nvr) < 8) await nvr.app.bus.next('segment.closed');
  for (const row of nvr.app.recordings.index.rows()) nvr.app.recordings.index.setProtected(row.id, false);
  const deleted = nvr.app.bus.next('segment.deleted');
  const again = nvr.app.bus.next('storage.cameBack');
  fill(ballast);
  await deleted;
  await again;
  await nvr.app.bus.next('segment.closed');
  const events = await nvr.ok<{ events: { type: string }[] }>('GET', '/api/events?type=storage.full');
  assert.ok(events.events.length > 0);
});

test('the disk of the database and of everything is full to the last byte: live goes on, nothing is lost, all resumes', {
  skip: noSmallDisk,
}, async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-storage-'));
  mountSmallDisk(t, dataDir, 12);
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const databaseFile = join(dataDir, DATABASE_FILE);
  const ballast = join(dataDir, 'ballast');
  {
    await using nvr = await startNvr({ dataDir, cameras: [camera] });
    await nvr.app.bus.next('segment.closed');
    for (const row of nvr.app.recordings.index.rows()) nvr.app.recordings.index.setProtected(row.id, true);
    const full = nvr.app.bus.next('storage.full');
    fill(ballast);
    await full;
    while (nvr.app.recordings.storageLook.state !== 'full') await nvr.frames('camera-1', 1);
    // Until the database itself has refused something: the note that Perch is alive goes there every two seconds.
    while ((await nvr.api('PATCH', '/api/settings', { siteName: 'x'.repeat(60) })).status !== 507) fill(ballast);
    fill(ballast);
    await nvr.frames('camera-1', 10);
    assert.equal(nvr.app.fleet.get('camera-1').status().state, 'live');
    assert.equal((await nvr.ok<{ state: string }>('GET', '/api/storage')).state, 'full');
    assert.equal((await nvr.ok<{ status: string }>('GET', '/healthz')).status, 'ok');
    const back = nvr.app.bus.next('storage.cameBack');
    rmSync(ballast);
    await back;
    await nvr.app.bus.next('segment.closed');
    const { events } = await nvr.ok<{ events: { type: string }[] }>('GET', '/api/events?type=storage.full');
    assert.ok(events.length > 0, 'the event that could not be written is there now');
  }
  assert.deepEqual((await fsck({ dataDir, databaseFile, repair: false })).found, []);
});

test('a disk that goes away: nothing is written in its place, live goes on, recording goes on when it is back', {
  skip: noSmallDisk,
}, async (t) => {
  const { dataDir, root, disk } = await dataOnSmallDisk(t, 40);
  {
    await using nvr = await startNvr({ dataDir, cameras: [camera] });
    await nvr.app.bus.next('segment.closed');
    const missing = nvr.app.bus.next('storage.missing');
    disk.takeAway();
    assert.match((await missing).message, /not mounted/);
    await nvr.frames('camera-1', 20);
    assert.deepEqual(readdirSync(root), [], 'the empty mount point stays empty');
    assert.equal((await nvr.ok<{ state: string }>('GET', '/api/storage')).state, 'missing');
    const known = segments(nvr);
    assert.ok(known > 0, 'what is on the missing disk is still known');
    const back = nvr.app.bus.next('storage.cameBack');
    disk.bringBack();
    await back;
    await nvr.app.bus.next('segment.closed');
    assert.ok(segments(nvr) > known);
    disk.takeAway();
    await nvr.app.bus.next('storage.missing');
  }
  // A start without the disk, and without the camera (its simulator ended): rows stay.
  await using nvr = await startNvr({ dataDir, cameras: [], setUp: false });
  await nvr.app.bus.next('camera.status');
  assert.deepEqual(readdirSync(root), []);
  assert.ok(segments(nvr) > 0);
  const back = nvr.app.bus.next('storage.cameBack');
  disk.bringBack();
  await back;
  assert.ok(segments(nvr) > 0);
  assert.match(readFileSync(join(root, IDENTITY_FILE), 'utf8'), /^[0-9a-f-]{36}\n$/);
});

test('a disk that turns read-only: said, live goes on, recording goes on by itself', {
  skip: noSmallDisk,
}, async (t) => {
  const { dataDir, disk } = await dataOnSmallDisk(t, 40);
  await using nvr = await startNvr({ dataDir, cameras: [camera] });
  await nvr.app.bus.next('segment.closed');
  for (;;) {
    try {
      disk.remount('ro');
      break;
    } catch {
      // busy: a file is open for writing; between two segments it is not
      await nvr.app.recordings.setManual(nvr.app.fleet.get('camera-1').id, 'stop');
      await nvr.frames('camera-1', 1);
    }
  }
  nvr.app.recordings.setManual(nvr.app.fleet.get('camera-1').id, 'auto');
  while (nvr.app.recordings.storageLook.state !== 'readOnly') await nvr.frames('camera-1', 1);
  assert.match(nvr.app.recordings.storageLook.message, /read-only/);
  const back = nvr.app.bus.next('storage.cameBack');
  disk.remount('rw');
  await back;
  await nvr.app.bus.next('segment.closed');
});
