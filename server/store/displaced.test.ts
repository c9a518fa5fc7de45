// What was recorded while the clock had been set back takes its time on the timeline; nothing of a camera ever overlaps.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { joinSpans } from '../recording/gaps.ts';
import { migrationsFolder, openDatabase } from './database.ts';
import { checkDatabase } from './fsck.ts';
import { GapTable } from './gaps.ts';
import { type Segment, SegmentIndex } from './segment-index.ts';

const ALL = { camera: 'cam', from: 0, to: 1e15, order: 'asc', limit: 1000 } as const;

function segment(id: string, startAt: number, endAt: number, camera = 'cam'): Segment {
  return {
    ...{ id, camera, folder: 'yard', path: `yard/${id}`, startAt, endAt, frames: 1, bytes: 100, format: 'mp4' },
    ...{ codec: 'h264', endReason: 'boundary', hasMotion: false, protected: false },
  };
}

function setUp() {
  const db = openDatabase(':memory:');
  return { db, index: new SegmentIndex(db), gaps: new GapTable(db), [Symbol.dispose]: () => void db.close() };
}

const spans = (segments: readonly Segment[]) =>
  segments.map(({ id, startAt, endAt, endReason }) => [id, startAt / 1000, endAt / 1000, endReason]);

suite('displaced recordings', () => {
  test('the later recording has the time: one before it is clipped, one that begins in it is displaced', () => {
    using base = setUp();
    const { index, gaps, db } = base;
    for (let n = 0; n < 4; n++) index.add(segment(`a${n}`, n * 60_000, (n + 1) * 60_000));
    const displaced = index.add(segment('b0', 30_000, 100_000));
    assert.deepEqual(
      displaced.map(({ id }) => id),
      ['a1'],
    );
    assert.deepEqual(spans(index.find(ALL)), [
      ['a0', 0, 30, 'clockStep'],
      ['b0', 30, 100, 'boundary'],
      ['a2', 120, 180, 'boundary'],
      ['a3', 180, 240, 'boundary'],
    ]);
    assert.deepEqual(index.get('a1'), { ...segment('a1', 60_000, 120_000), displaced: true });
    assert.deepEqual(
      index.displaced('cam', 0, 1e12, 9).map(({ id }) => id),
      ['a1'],
    );
    assert.deepEqual(gaps.recorded('cam', 0, 1e12), [
      { startAt: 0, endAt: 100_000 },
      { startAt: 120_000, endAt: 240_000 },
    ]);
    assert.deepEqual(gaps.displaced('cam', 0, 1e12), [{ startAt: 60_000, endAt: 120_000 }]);
    assert.deepEqual(gaps.deleted('cam', 0, 1e12), [], 'nothing was deleted');
    assert.deepEqual(index.days('yard', 0, 9), [{ day: 0, segments: 5, bytes: 500, recordedMs: 220_000 }]);
    assert.deepEqual(checkDatabase(db), []);
    index.forget('a1');
    assert.deepEqual(index.days('yard', 0, 9), [{ day: 0, segments: 4, bytes: 400, recordedMs: 220_000 }]);
    assert.deepEqual(gaps.deleted('cam', 0, 1e12), [], 'what had no place leaves no gap');
    assert.deepEqual(checkDatabase(db), []);
  });

  test('they are listed in pages, and their space is known', () => {
    using base = setUp();
    const { index } = base;
    for (let n = 0; n < 5; n++) index.add(segment(`a${n}`, n * 60_000, (n + 1) * 60_000));
    index.add({ ...segment('door', 0, 60_000, 'other'), folder: 'door' });
    assert.deepEqual(index.displacedTotals(), []);
    index.add(segment('b', 0, 300_000));
    assert.deepEqual(index.displacedTotals(), [{ folder: 'yard', segments: 5, bytes: 500 }]);
    const seen: string[] = [];
    for (let page = index.displaced('cam', 0, 1e12, 2); page.length > 0; ) {
      seen.push(...page.map(({ id }) => id));
      page = index.displaced('cam', 0, 1e12, 2, page.at(-1));
    }
    assert.deepEqual(seen, ['a0', 'a1', 'a2', 'a3', 'a4']);
    index.doom('a0', 1);
    assert.deepEqual(index.displacedTotals(), [{ folder: 'yard', segments: 4, bytes: 400 }]);
  });

  test('a rounding of the end is no step', () => {
    using base = setUp();
    base.index.add(segment('a', 0, 60_100));
    base.index.add(segment('b', 60_000, 120_000));
    assert.deepEqual(spans(base.index.find(ALL)), [
      ['a', 0, 60, 'boundary'],
      ['b', 60, 120, 'boundary'],
    ]);
  });

  test('the database refuses an overlap, whoever writes it', () => {
    using base = setUp();
    const { db, index } = base;
    index.add(segment('a', 0, 60_000));
    const insert =
      db.prepare(`insert into segments (id, camera_id, folder, path, start_at, end_at, frames, bytes, format, codec,
      end_reason) values (@id, @camera, 'yard', @id, @startAt, @endAt, 1, 1, 'mp4', 'h264', 'boundary')`);
    for (const [startAt, endAt] of [
      [0, 60_000],
      [59_999, 70_000],
      [10_000, 20_000],
    ]) {
      assert.throws(() => insert.run({ id: 'b', camera: 'cam', startAt, endAt }), /must not overlap/);
    }
    insert.run({ id: 'b', camera: 'cam', startAt: 60_000, endAt: 70_000 });
    insert.run({ id: 'c', camera: 'other', startAt: 0, endAt: 60_000 });
    insert.run({ id: 'd', camera: null, startAt: 0, endAt: 60_000 });
    assert.throws(() => db.exec("update segments set end_at = 65000 where id = 'a'"), /do not change/);
  });

  test('runs, sums and the order hold whatever overlaps what (random, against a sum over all)', () => {
    let seed = 5;
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * n);
    };
    for (let round = 0; round < 15; round++) {
      using base = setUp();
      const { db, index, gaps } = base;
      for (let step = 0; step < 80; step++) {
        const all = index.find(ALL);
        if (random(5) === 0 && all.length > 0) index.forget(all[random(all.length)]!.id);
        else {
          const startAt = random(300) * 500;
          index.add(segment(`s${step}`, startAt, startAt + 500 + random(40) * 500));
        }
        const listed = index.find(ALL);
        for (const [n, { startAt }] of listed.entries())
          assert.ok(n === 0 || startAt >= listed[n - 1]!.endAt, `round ${round}, step ${step}`);
        assert.deepEqual(
          gaps.recorded('cam', 0, 1e12),
          joinSpans(listed.map(({ startAt, endAt }) => ({ startAt, endAt }))),
          `round ${round}, step ${step}`,
        );
      }
      assert.deepEqual(checkDatabase(db), []);
    }
  });

  test('the migration takes apart what an older version let overlap', () => {
    using base = setUp();
    const { db, gaps } = base;
    db.exec('drop trigger segments_never_overlap; drop trigger segments_never_overlap_again');
    const insert =
      db.prepare(`insert into segments (id, camera_id, folder, path, start_at, end_at, frames, bytes, format, codec,
      end_reason) values (@id, 'cam', 'yard', @id, @startAt, @endAt, 1, 1, 'mp4', 'h264', 'boundary')`);
    for (let n = 0; n < 5; n++) insert.run({ id: `a${n}`, startAt: n * 60_000, endAt: (n + 1) * 60_000 });
    for (let n = 0; n < 2; n++) insert.run({ id: `b${n}`, startAt: 70_000 + n * 60_000, endAt: 130_000 + n * 60_000 });
    assert.ok(checkDatabase(db).some(({ kind }) => kind === 'rows-overlap'));
    db.exec('drop trigger segments_times_stay');
    const sql = readFileSync(join(migrationsFolder, '0007-displaced.sql'), 'utf8');
    const from = sql.indexOf('create temp table overlapping');
    db.exec(sql.slice(from, sql.indexOf('drop table overlapping;', from) + 23));
    assert.deepEqual(spans(new SegmentIndex(db).find(ALL)), [
      ['a0', 0, 60, 'boundary'],
      ['a1', 60, 70, 'clockStep'],
      ['b0', 70, 130, 'boundary'],
      ['b1', 130, 190, 'boundary'],
      ['a4', 240, 300, 'boundary'],
    ]);
    assert.deepEqual(gaps.recorded('cam', 0, 1e12), [
      { startAt: 0, endAt: 190_000 },
      { startAt: 240_000, endAt: 300_000 },
    ]);
    assert.deepEqual(checkDatabase(db), []);
  });
});
