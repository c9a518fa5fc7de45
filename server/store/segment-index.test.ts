import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isNvrError } from '../core/nvr-error.ts';
import { DataLock } from './data-lock.ts';
import { openDatabase } from './database.ts';
import { type Segment, SegmentIndex } from './segment-index.ts';

const DAY = 86_400_000;
const T0 = Date.UTC(2026, 2, 1);

function segment(n: number, over: Partial<Segment> = {}): Segment {
  const startAt = T0 + n * 60_000;
  return {
    ...{ id: `seg_${n}`, camera: 'cam_a', folder: 'yard', path: `yard/d/${String(n).padStart(6, '0')}.mp4`, startAt },
    ...{ endAt: startAt + 60_000, frames: 10, bytes: 1000, format: 'mp4', codec: 'h264', endReason: 'boundary' },
    ...{ hasMotion: false, protected: false, ...over },
  };
}

test('segments are found by time, in pages, both ways, and the one that reaches into the span is there', () => {
  const index = new SegmentIndex(openDatabase(':memory:'));
  for (let n = 0; n < 10; n++) index.add(segment(n));
  index.add(segment(3, { id: 'seg_other', camera: 'cam_b', path: 'other/d/1.mp4', folder: 'other' }));
  const span = { camera: 'cam_a', from: T0 + 90_000, to: T0 + 240_000 };
  const ids = (order: 'asc' | 'desc', limit: number, after?: Segment) =>
    index.find({ ...span, order, limit, ...(after && { after }) }).map(({ id }) => id);
  assert.deepEqual(ids('asc', 10), ['seg_1', 'seg_2', 'seg_3']);
  assert.deepEqual(ids('asc', 2), ['seg_1', 'seg_2']);
  assert.deepEqual(ids('asc', 2, segment(2)), ['seg_3']);
  assert.deepEqual(ids('desc', 2), ['seg_3', 'seg_2']);
  assert.deepEqual(ids('desc', 2, segment(2)), ['seg_1']);
  assert.equal(index.spans('cam_a', T0 + 60_000, T0 + 120_000).length, 1, 'ends are exclusive');
  assert.equal(index.lastEnd('cam_a'), T0 + 600_000);
});

test('deletion has two phases, and the sums follow', () => {
  const index = new SegmentIndex(openDatabase(':memory:'));
  for (let n = 0; n < 4; n++) index.add(segment(n * 720));
  assert.deepEqual(index.totals(), [
    { folder: 'yard', segments: 4, bytes: 4000, oldestDay: T0 / DAY, days: 2, recordedMs: 240_000 },
  ]);
  assert.equal(index.doom('seg_0', 5), true);
  assert.equal(index.doom('seg_0', 6), false);
  assert.equal(index.get('seg_0'), null);
  assert.equal(index.totals()[0]?.bytes, 3000);
  assert.deepEqual(
    index.doomed().map(({ id }) => id),
    ['seg_0'],
  );
  index.forget('seg_0');
  index.forget('seg_720');
  assert.deepEqual(
    index.days('yard', 0, 1e6).map(({ day }) => day),
    [T0 / DAY + 1],
  );
  index.resize('seg_1440', 500);
  assert.equal(index.totals()[0]?.bytes, 1500);
  index.setProtected('seg_1440', true);
  assert.deepEqual(
    index.oldest('yard', 9).map(({ id }) => id),
    ['seg_2160'],
  );
  assert.deepEqual(
    [...index.rows(1)].map(({ id }) => id),
    ['seg_1440', 'seg_2160'],
  );
});

test('queries for spans use covering indexes', () => {
  const db = openDatabase(':memory:');
  const plan = db
    .prepare<[], { detail: string }>(
      `explain query plan select start_at, end_at, end_reason, has_motion from segments where camera_id = 'a'
       and doomed_at is null and displaced_at is null and start_at > 1 and start_at < 5 and end_at > 2 order by start_at`,
    )
    .all();
  assert.match(plan.map(({ detail }) => detail).join(), /USING COVERING INDEX segments_by_time/);
});

test('a data directory has one owner, and kill -9 frees it', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'perch-lock-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const first = DataLock.acquire(dir);
  assert.throws(
    () => DataLock.acquire(dir),
    (error) => isNvrError(error, 'conflict'),
  );
  first[Symbol.dispose]();
  const module = fileURLToPath(new URL('data-lock.ts', import.meta.url));
  const code = `const { DataLock } = await import(${JSON.stringify(module)});
    globalThis.held = DataLock.acquire(${JSON.stringify(dir)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  assert.throws(
    () => DataLock.acquire(dir),
    (error) => isNvrError(error, 'conflict'),
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  DataLock.acquire(dir)[Symbol.dispose]();
});
