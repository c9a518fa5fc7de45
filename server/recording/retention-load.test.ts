// Old recordings go without anybody noticing, and only those that may.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import { openDatabase } from '../store/database.ts';
import type { Segment } from '../store/segment-index.ts';
import { SegmentIndex } from '../store/segment-index.ts';
import { recordingBase } from '../test/recording-fixture.ts';
import { adopt } from './adoption.ts';
import { deleteSegments } from './deletion.ts';
import { applyGlobalLimits, applyRetention, minFreeBytes } from './retention.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 4, 3);

function base(t: TestContext) {
  const made = recordingBase(t);
  const db = openDatabase(join(made.dataDir, 'perch.db'));
  t.after(() => db.close());
  return { ...made, index: new SegmentIndex(db), clock: new ManualClock(NOW) };
}

function plant(tools: ReturnType<typeof base>, folder: string, count: number, extra: Partial<Segment> = {}): void {
  tools.index.transaction(() => {
    for (let n = 0; n < count; n++) {
      const startAt = NOW - 60 * DAY + n * 60_000;
      const iso = new Date(startAt).toISOString();
      const path = `${folder}/${iso.slice(0, 10)}/${iso.slice(11, 19).replaceAll(':', '-')}Z.mkv`;
      if (n % 1440 === 0 || iso.slice(11, 19) === '00:00:00') {
        mkdirSync(join(tools.dataDir, 'recordings', folder, iso.slice(0, 10)), { recursive: true });
      }
      writeFileSync(join(tools.dataDir, 'recordings', path), 'x');
      tools.index.add({
        ...{ id: `seg_${folder}${n}`, camera: folder, folder, path, startAt, endAt: startAt + 60_000, frames: 1 },
        ...{ bytes: 1000, format: 'mjpeg', codec: 'mjpeg', endReason: 'boundary', hasMotion: false, protected: false },
        ...extra,
      });
    }
  });
}

test('thousands of old segments go, with their files and empty folders; how long the event loop waits is in the bench', async (t) => {
  const tools = base(t);
  plant(tools, 'yard', 2000);
  let turns = 0;
  const count = () => {
    turns++;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  const deleted = await applyRetention('yard', { days: 30 }, tools, silentLogger, new AbortController().signal);
  clearImmediate(timer);
  assert.equal(deleted, 2000);
  assert.ok(turns >= 100, `others had their turn ${turns} times`);
  assert.equal([...tools.index.rows()].length, 0);
  assert.equal(existsSync(join(tools.dataDir, 'recordings/yard/2026-03-04')), false);
});

test('the limit over all cameras takes the oldest of all; protected ones stay', async (t) => {
  const tools = base(t);
  plant(tools, 'yard', 30);
  plant(tools, 'door', 30);
  tools.index.setProtected('seg_yard0', true);
  const limits = { maxBytes: 40_000, minFreeBytes: 0 };
  const { signal } = new AbortController();
  assert.equal(await applyGlobalLimits(limits, tools, silentLogger, signal), 20);
  assert.deepEqual(
    tools.index.totals().map(({ folder, segments }) => [folder, segments]),
    [
      ['door', 19],
      ['yard', 21],
    ],
  );
  assert.equal(tools.index.get('seg_yard0')?.protected, true);
  assert.equal(await applyGlobalLimits({ maxBytes: 0, minFreeBytes: 0 }, tools, silentLogger, signal), 39);
});

test('what was displaced by a clock that was set back counts, and goes by age and by bytes like the rest', async (t) => {
  const tools = base(t);
  plant(tools, 'yard', 30);
  const minutes = (n: number) => NOW - 60 * DAY + n * 60_000;
  // The clock went back by 20 minutes: the last 20 recordings lost their time to this one.
  const [last] = tools.index.oldest('yard', 30).slice(-1);
  const later = { ...last!, id: 'seg_later', path: `yard/${last!.path.split('/')[1]}/later` };
  tools.index.add({ ...later, startAt: minutes(10), endAt: minutes(31) });
  assert.deepEqual(tools.index.displacedTotals(), [{ folder: 'yard', segments: 20, bytes: 20_000 }]);
  const { signal } = new AbortController();
  const limits = { maxBytes: 21_000, minFreeBytes: 0 };
  assert.equal(await applyGlobalLimits(limits, tools, silentLogger, signal), 10, 'their bytes count');
  assert.equal(await applyGlobalLimits({ ...limits, maxBytes: 11_000 }, tools, silentLogger, signal), 10);
  assert.equal(tools.index.displacedTotals()[0]?.segments, 11, 'the oldest went, with a place or without');
  assert.equal(await applyRetention('yard', { days: 30 }, tools, silentLogger, signal), 11);
  assert.deepEqual(tools.index.displacedTotals(), []);
  assert.equal(existsSync(join(tools.dataDir, 'recordings', last!.path)), false);
});

test('free space that is kept: 5 %, at most 2 GB, and never so little that recording cannot go on', () => {
  assert.equal(minFreeBytes(null, 1e12), 2e9);
  assert.equal(minFreeBytes(null, 20e9), 1e9);
  assert.equal(minFreeBytes(5e9, 1e12), 5e9);
  assert.ok(minFreeBytes(0, 100e6) > 4e6);
});

test('a slow machine: a batch is deleted in as many transactions as it takes to let others have their turn', async (t) => {
  const tools = base(t);
  plant(tools, 'yard', 20);
  const doom = tools.index.doom.bind(tools.index);
  tools.index.doom = (id, now) => {
    for (const until = performance.now() + 5; performance.now() < until; );
    return doom(id, now);
  };
  let transactions = 0;
  const transaction = tools.index.transaction.bind(tools.index);
  tools.index.transaction = (work) => {
    transactions++;
    return transaction(work);
  };
  let turns = 0;
  const count = () => {
    turns++;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  const { deleted } = await deleteSegments(tools.index.oldest('yard', 20), tools);
  clearImmediate(timer);
  assert.equal(deleted.length, 20);
  assert.ok(transactions >= 10 && turns >= 10, `${transactions} transactions, ${turns} turns of the event loop`);
});

test('fair: under the global limit every camera keeps the same time, whatever its bit rate; exports stay', async (t) => {
  const tools = base(t);
  plant(tools, 'thick', 60, { bytes: 100_000 });
  plant(tools, 'thin', 60, { bytes: 1000 });
  tools.index.setProtected('seg_thin3', true);
  const exported = join(tools.dataDir, 'exports', 'exp_1.mp4');
  mkdirSync(join(tools.dataDir, 'exports'));
  writeFileSync(exported, 'film');
  const { signal } = new AbortController();
  await applyGlobalLimits({ maxBytes: 3_031_000, minFreeBytes: 0 }, tools, silentLogger, signal);
  const left = (folder: string) => tools.index.oldest(folder, 99).map(({ startAt }) => startAt);
  assert.ok(Math.abs(left('thick').length - left('thin').length) <= 1, 'both keep half an hour');
  assert.ok(Math.abs(left('thick')[0]! - left('thin')[0]!) <= 60_000);
  assert.equal(left('thick').length, 30);
  // Days, for one camera, and nothing that is protected.
  assert.equal(await applyRetention('thin', { days: 1 }, tools, silentLogger, signal), left('thick').length);
  assert.deepEqual(
    [...tools.index.rows()].filter(({ folder }) => folder === 'thin').map(({ id }) => id),
    ['seg_thin3'],
  );
  assert.ok(existsSync(exported));
});

test('two phases: what the disk refuses to delete is not listed any more, and deleted by the next start', async (t) => {
  const tools = base(t);
  plant(tools, 'yard', 3);
  const remove = tools.files.remove.bind(tools.files);
  const order: string[] = [];
  tools.files.remove = async (path) => {
    order.push(
      tools.index.byPath(path) && tools.index.oldest('yard', 9).every((row) => row.path !== path) ? 'doomed' : 'listed',
    );
    if (order.length === 2) throw new NvrError('unavailable', 'EIO');
    return remove(path);
  };
  const { signal } = new AbortController();
  assert.equal(await applyRetention('yard', { days: 30 }, tools, silentLogger, signal), 2);
  assert.deepEqual(order, ['doomed', 'doomed', 'doomed'], 'the row says so before the file goes');
  const [kept] = tools.index.doomed();
  assert.ok(kept && existsSync(join(tools.dataDir, 'recordings', kept.path)));
  tools.files.remove = remove;
  await adopt({ ...tools, log: silentLogger, cameraOfFolder: () => null });
  assert.equal(existsSync(join(tools.dataDir, 'recordings', kept.path)), false);
  assert.equal([...tools.index.rows()].length, 0);
});
