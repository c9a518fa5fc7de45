// The data directory itself: read-only at the start, not mounted at the start. Taken away meanwhile: storage-faults.test.ts.

import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { fsck } from '../recording/fsck.ts';
import { openDatabase } from '../store/database.ts';
import { ADMIN, startNvr, startSimulator } from './harness.ts';
import { type PerchProcess, startPerch } from './perch-process.ts';
import { mountSmallDisk, noSmallDisk } from './small-disk.ts';

const POLL_MS = 50;
type Storage = { state: string; message: string | null; cameras: { segments: number }[] };

/** Asks until the answer is right; while Perch starts anew there is none. */
async function storage(perch: PerchProcess, isRight: (storage: Storage) => boolean): Promise<Storage> {
  for (;;) {
    const found = await perch.ok<Storage>('GET', '/api/storage').catch(() => null);
    if (found && isRight(found)) return found;
    await systemClock.sleep(POLL_MS);
  }
}

const segments = ({ cameras }: Storage) => cameras[0]?.segments ?? 0;

test('a data directory that is read-only at the start: live, said, resumes by itself; not mounted at the start: waits for it', {
  skip: noSmallDisk,
}, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'perch-home-'));
  const mountPoint = mkdtempSync(join(tmpdir(), 'perch-disk-'));
  const disk = mountSmallDisk(t, mountPoint, 60);
  t.after(() => {
    for (const folder of [home, mountPoint]) rmSync(folder, { recursive: true, force: true });
  });
  const dataDir = join(mountPoint, 'perch');
  const env = { XDG_STATE_HOME: home };
  await using sim = await startSimulator({ audio: false }).then((made) => ({
    options: made.options,
    discoveryPort: made.discoveryPort,
    [Symbol.asyncDispose]: () => made.stop(),
  }));
  {
    await using perch = await startPerch(dataDir, env);
    await perch.ok('POST', '/api/cameras', {
      ...{ name: 'Door', driver: 'iwfcam', settings: { host: sim.options.host, port: sim.discoveryPort } },
      recording: { mode: 'continuous', format: 'mjpeg', segmentSeconds: 2 },
    });
    await storage(perch, (found) => segments(found) >= 2);
  }
  // Its ffmpeg dies with it, a moment later.
  for (let isMounted = false; !isMounted; ) {
    try {
      disk.remount('ro');
      isMounted = true;
    } catch {
      await systemClock.sleep(POLL_MS);
    }
  }
  {
    await using perch = await startPerch(dataDir, env);
    const readOnly = await storage(perch, ({ state }) => state !== 'ok');
    assert.equal(readOnly.state, 'readOnly');
    assert.match(readOnly.message!, /cannot be written \(EROFS\)/);
    assert.ok(segments(readOnly) >= 2, 'what was recorded is known');
    type CameraReply = { status: { state: string } };
    while ((await perch.ok<CameraReply>('GET', '/api/cameras/door')).status.state !== 'live')
      await systemClock.sleep(POLL_MS);
    await assert.rejects(perch.ok('PATCH', '/api/settings', { siteName: 'x' }), /409.*cannot be written/);
    await perch.ok('POST', '/api/session', ADMIN);
    disk.remount('rw');
    const before = segments(readOnly);
    await storage(perch, (found) => found.state === 'ok' && segments(found) > before);
    assert.match(perch.output(), /can be written again: starting anew/);
    await perch.ok('PATCH', '/api/settings', { siteName: 'Mine' });

    assert.equal((await perch.ok<{ siteName: string }>('GET', '/api/settings')).siteName, 'Mine');
    assert.equal((await perch.end('SIGTERM')).code, 0);
  }
  const databaseFile = join(dataDir, 'perch.db');
  assert.deepEqual((await fsck({ dataDir, databaseFile, repair: false })).found, []);

  disk.takeAway();
  let waited = false;
  await using perch = await startPerch(dataDir, env, (_child, output) => {
    if (waited || !/held a Perch on a disk that is not there/.test(output)) return;
    waited = true;
    assert.deepEqual(readdirSync(mountPoint), [], 'no new installation in the empty place');
    disk.bringBack();
  });
  assert.ok(waited, perch.output());
  assert.equal((await perch.ok<unknown[]>('GET', '/api/cameras')).length, 1);
});

test('a damaged page of the database: the start goes on, says so, and takes the recordings in again', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'perch-damaged-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  {
    const recording = { mode: 'continuous', format: 'mjpeg', segmentSeconds: 2 };
    await using nvr = await startNvr({ dataDir, cameras: [{ audio: false, recording }] });
    for (let n = 0; n < 2; n++) await nvr.app.bus.next('segment.closed');
  }
  const databaseFile = join(dataDir, 'perch.db');
  const db = openDatabase(databaseFile);
  const page = db.prepare<[], number>("select rootpage from sqlite_master where name = 'segments'").pluck().get()!;
  db.close();
  const handle = openSync(databaseFile, 'r+');
  writeSync(handle, Buffer.alloc(4096, 0xee), 0, 4096, (page - 1) * 4096);
  closeSync(handle);
  writeFileSync(`${databaseFile}-wal`, ''); // as after a power cut
  await using nvr = await startNvr({ dataDir, cameras: [] });
  const segmentsNow = () => nvr.app.recordings.index.totals()[0]?.segments ?? 0;
  while (segmentsNow() < 2) await nvr.app.bus.next('segment.adopted');
  assert.equal(nvr.app.fleet.all().length, 1, 'the camera is still there');
  const { events } = await nvr.ok<{ events: unknown[] }>('GET', '/api/events?type=storage.salvaged');
  assert.equal(events.length, 1);
  assert.deepEqual(readdirSync(join(dataDir, 'quarantine')).slice(0, 1), ['damaged-1.db']);
});
