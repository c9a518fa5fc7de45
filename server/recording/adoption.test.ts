import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError } from '../core/nvr-error.ts';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import { DataLock } from '../store/data-lock.ts';
import { openDatabase } from '../store/database.ts';
import { SegmentIndex } from '../store/segment-index.ts';
import { FedCamera, framesOf, recordingBase, until } from '../test/recording-fixture.ts';
import { adopt } from './adoption.ts';
import { fsck } from './fsck.ts';
import { Recorder } from './recorder.ts';

const ALL = { camera: 'cam_fed', from: 0, to: Number.MAX_SAFE_INTEGER, order: 'asc', limit: 99 } as const;

/** A data directory with four closed segments in a database file. */
async function recorded(t: TestContext) {
  const base = recordingBase(t);
  const databaseFile = join(base.dataDir, 'perch.db');
  const db = openDatabase(databaseFile);
  const index = new SegmentIndex(db);
  const clock = new ManualClock(Date.UTC(2026, 4, 3, 10, 0, 0));
  const camera = new FedCamera(clock, { format: 'mjpeg', segmentSeconds: 2 });
  const recorder = new Recorder({ ...base, camera, clock, index });
  recorder.start();
  for (let n = 0; n < 40; n++) {
    camera.picture();
    await clock.advance(200);
  }
  await until(() => recorder.tally.get('frames') === 40);
  await recorder.stop();
  return { ...base, db, index, databaseFile, root: join(base.dataDir, 'recordings') };
}

test('fsck finds every planted difference, and repair mends them all without losing a picture', async (t) => {
  const { dataDir, db, index, databaseFile, root } = await recorded(t);
  const [first, second, third, fourth] = index.find(ALL);
  const options = { dataDir, databaseFile };
  assert.ok(first && second && third && fourth);
  assert.deepEqual((await fsck({ ...options, repair: false })).found, []);

  rmSync(join(root, first.path)); // row-without-file
  truncateSync(join(root, second.path), second.bytes - 3000); // size-differs
  index.forget(third.id); // file-without-row
  const part = fourth.path.replace('10-00-06Z', '11-00-00Z');
  copyFileSync(join(root, fourth.path), join(root, `${part}.part`)); // part-left, torn
  truncateSync(join(root, `${part}.part`), fourth.bytes - 2500);
  index.add({ ...fourth, id: 'seg_doomed', path: 'yard/2026-05-03/09-00-00Z.mkv' }); // doomed-row
  index.doom('seg_doomed', 1);
  index.add({ ...fourth, id: 'seg_bad', path: '../../etc/passwd' }); // bad-row
  writeFileSync(join(root, 'yard/2026-05-03/12-00-00Z.mkv'), 'not a film'); // file-without-row, unreadable
  writeFileSync(join(root, 'yard/2026-05-03/notes.txt'), 'mine'); // foreign: left alone
  symlinkSync('/etc/passwd', join(root, 'yard/2026-05-03/13-00-00Z.mkv')); // foreign: not followed
  db.exec('update segment_days set bytes = bytes + 1'); // sums-differ
  db.close();

  const { found } = await fsck({ ...options, repair: false });
  assert.deepEqual(found.map(({ kind, path }) => `${kind} ${path}`).sort(), [
    'bad-row ../../etc/passwd',
    'doomed-row yard/2026-05-03/09-00-00Z.mkv',
    'file-without-row yard/2026-05-03/10-00-04Z.mkv',
    'file-without-row yard/2026-05-03/12-00-00Z.mkv',
    'part-left yard/2026-05-03/11-00-00Z.mkv.part',
    'row-without-file yard/2026-05-03/10-00-00Z.mkv',
    'size-differs yard/2026-05-03/10-00-02Z.mkv',
    'sums-differ yard/2026-05-03',
  ]);
  const mended = await fsck({ ...options, repair: true });
  assert.deepEqual(mended.left, []);
  assert.deepEqual((await fsck({ ...options, repair: false })).found, []);

  const after = openDatabase(databaseFile);
  t.after(() => after.close());
  const rows = [...new SegmentIndex(after).rows()];
  assert.deepEqual(
    rows.map(({ path, endReason, frames, startAt }) => [
      path.slice(16),
      endReason,
      frames >= 4,
      new Date(startAt).toISOString().slice(11, 23),
    ]),
    [
      ['10-00-02Z.mkv', 'adopted', true, '10:00:02.000'],
      ['10-00-04Z.mkv', 'adopted', true, '10:00:04.000'],
      ['10-00-06Z.mkv', 'stopped', true, '10:00:06.000'],
      // The note inside is the truth: this is a copy of the segment before.
      ['11-00-00Z.mkv', 'crash', true, '10:00:06.000'],
    ],
  );
  assert.equal(rows.at(-1)?.camera, 'cam_fed');
  assert.equal(rows.at(-1)?.bytes, statSync(join(root, part)).size);
  assert.deepEqual(readdirSync(join(dataDir, 'quarantine')), ['yard_2026-05-03_12-00-00Z.mkv']);
  assert.ok(existsSync(join(root, 'yard/2026-05-03/notes.txt')));
});

test('rows of a camera that share a time: fsck finds them, and repair gives the time to the one that is put in again', async (t) => {
  const { dataDir, db, index, databaseFile } = await recorded(t);
  const [first, second, third] = [...index.rows()];
  // As another program, or a Perch before version 7 of the database, may have written it.
  const triggers = db
    .prepare<[], { name: string; sql: string }>("select name, sql from sqlite_master where type = 'trigger'")
    .all()
    .filter(({ name }) => /never_overlap|times_stay/.test(name));
  for (const { name } of triggers) db.exec(`drop trigger ${name}`);
  // The second reaches over the third's begin; the first stands at the second's time.
  db.prepare('update segments set end_at = ? where id = ?').run(third!.startAt + 500, second!.id);
  db.prepare('update segments set start_at = ?, end_at = ? where id = ?').run(
    ...[second!.startAt, second!.startAt + 1000, first!.id],
  );
  for (const { sql } of triggers) db.exec(sql);
  db.close();
  const options = { dataDir, databaseFile };
  const { found } = await fsck({ ...options, repair: false });
  const overlaps = found.filter(({ kind }) => kind === 'rows-overlap').map(({ path }) => path);
  assert.equal(overlaps.length, 2, JSON.stringify(found));
  assert.ok(overlaps.includes(third!.path));
  assert.deepEqual((await fsck({ ...options, repair: true })).left, []);
  assert.deepEqual((await fsck({ ...options, repair: false })).found, []);
  const after = openDatabase(databaseFile);
  t.after(() => after.close());
  const rows = [...new SegmentIndex(after).rows()];
  assert.equal(rows.length, 4, 'no row and no file is lost');
  assert.ok(
    rows.every(({ endReason }) => endReason !== 'adopted'),
    'what the rows knew is kept',
  );
  const listed = rows.filter(({ displaced }) => !displaced).sort((a, b) => a.startAt - b.startAt);
  for (const [n, { startAt }] of listed.entries()) assert.ok(n === 0 || startAt >= listed[n - 1]!.endAt);
  assert.equal(listed.length, 3, 'of two that begin together one has the time');
  for (const { path } of rows) assert.ok(existsSync(join(dataDir, 'recordings', path)));
});

test('fsck finds a damaged page of the database and repairs it from what can be read and from the files', async (t) => {
  const { dataDir, db, databaseFile } = await recorded(t);
  const page = db.prepare<[], number>("select rootpage from sqlite_master where name = 'segments'").pluck().get()!;
  db.pragma('wal_checkpoint(truncate)');
  db.close();
  const handle = openSync(databaseFile, 'r+');
  writeSync(handle, Buffer.alloc(4096, 0xee), 0, 4096, (page - 1) * 4096);
  closeSync(handle);
  const { found } = await fsck({ dataDir, databaseFile, repair: false });
  assert.ok(found.length > 0 && found.every(({ kind }) => kind === 'database-damaged'));
  assert.deepEqual((await fsck({ dataDir, databaseFile, repair: true })).left, []);
  assert.deepEqual((await fsck({ dataDir, databaseFile, repair: false })).found, []);
  assert.deepEqual(readdirSync(join(dataDir, 'quarantine')), ['damaged-1.db']);
  const after = openDatabase(databaseFile);
  t.after(() => after.close());
  assert.deepEqual(
    [...new SegmentIndex(after).rows()].map(({ endReason, camera }) => [endReason, camera]),
    Array.from({ length: 4 }, () => ['adopted', 'cam_fed']),
  );
});

test('fsck will not repair while a Perch holds the data directory', async (t) => {
  const { dataDir, db, databaseFile } = await recorded(t);
  db.close();
  using _lock = DataLock.acquire(dataDir);
  assert.equal((await fsck({ dataDir, databaseFile, repair: false })).running, true);
  await assert.rejects(fsck({ dataDir, databaseFile, repair: true }), (error) => isNvrError(error, 'conflict'));
});

test('start-up goes on over what cannot be read or moved', async (t) => {
  const { files, index, bus, dataDir } = recordingBase(t);
  const day = join(dataDir, 'recordings/yard/2026-05-03');
  mkdirSync(day, { recursive: true });
  writeFileSync(join(day, '10-00-00Z.mp4.part'), '');
  writeFileSync(join(day, '10-00-01Z.mp4.part'), Buffer.alloc(5000, 1));
  writeFileSync(join(day, '10-00-02Z.mkv'), Buffer.from('1a45dfa3ffffffffff', 'hex'));
  mkdirSync(join(day, '10-00-03Z.mkv'));
  appendFileSync(join(dataDir, 'recordings/stray'), 'x');
  const report = await adopt({ files, index, bus, clock: systemClock, log: silentLogger, cameraOfFolder: () => null });
  assert.deepEqual(readdirSync(join(dataDir, 'quarantine')).sort(), [
    'yard_2026-05-03_10-00-01Z.mp4.part',
    'yard_2026-05-03_10-00-02Z.mkv',
  ]);
  assert.deepEqual(readdirSync(day), ['10-00-03Z.mkv']);
  assert.equal(report.failed, 0);
});

for (const format of ['mp4', 'mjpeg'] as const) {
  test(`kill -9 of a recording process: at most 2 s lost, adopted with the right times (${format}, 48 kbit/s)`, async (t) => {
    const { dataDir, files, index, bus } = recordingBase(t);
    const script = fileURLToPath(new URL('../test/recording-child.ts', import.meta.url));
    const child = spawn(process.execPath, [script, dataDir, format], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    const sent = () => [...said.matchAll(/^frame (\d+) (\S+)$/gm)].map((match) => Number(match[2]));
    await until(() => sent().length >= 45 && /^open/m.test(said));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const times = sent();
    const report = await adopt({
      files,
      index,
      bus,
      clock: systemClock,
      log: silentLogger,
      cameraOfFolder: () => null,
    });
    assert.equal(report.failed + report.quarantined, 0);
    const segments = index.find({ ...ALL, camera: 'cam_child' });
    const last = segments.at(-1)!;
    assert.equal(last.endReason, 'crash');
    const lostMs = times.at(-1)! - last.endAt;
    t.diagnostic(`${format}: ${lostMs} ms lost of ${times.at(-1)! - times[0]!} ms, ${segments.length} segments`);
    assert.ok(lostMs <= 2000, `${lostMs} ms lost`);
    assert.ok(Math.abs(segments[0]!.startAt - times[0]!) <= 100);
    let frames = 0;
    for (const segment of segments) {
      const file = join(dataDir, 'recordings', segment.path);
      const { packets = [] } = await ffprobe(file, [
        '-select_streams',
        'v',
        '-show_packets',
        '-show_entries',
        'packet=pts_time',
      ]);
      assert.equal(packets.length, segment.frames);
      if (format === 'mjpeg') assert.equal((await framesOf(file)).length, segment.frames);
      frames += packets.length;
    }
    assert.ok(frames <= times.length + 1);
    assert.ok(
      segments.every(({ startAt, endAt }, n) => n === 0 || startAt >= segments[n - 1]!.endAt || endAt < startAt),
    );
  });
}
