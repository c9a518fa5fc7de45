import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { joinSpans } from '../recording/gaps.ts';
import { migrationsFolder, openDatabase } from './database.ts';
import { GapTable } from './gaps.ts';
import { type Segment, SegmentIndex } from './segment-index.ts';

const ALL = [0, 1e12] as const;
const segment = (id: string, startAt: number, endAt: number): Segment => ({
  ...{ id, camera: 'cam', folder: 'yard', path: `yard/${id}`, startAt, endAt, frames: 1, bytes: 1, format: 'mp4' },
  ...{ codec: 'h264', endReason: 'boundary', hasMotion: false, protected: false },
});

suite('gap table', () => {
  test('runs follow every way of adding and deleting segments (random, against a sum over all)', () => {
    let seed = 3;
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * n);
    };
    for (let round = 0; round < 20; round++) {
      using db = disposable();
      const index = new SegmentIndex(db.db);
      const gaps = new GapTable(db.db);
      const live = new Map<string, Segment>();
      const gone: Segment[] = [];
      const free = [...Array(60).keys()];
      for (let step = 0; step < 120; step++) {
        if (random(3) > 0 && free.length > 0) {
          const [slot] = free.splice(random(free.length), 1) as [number];
          // Slots of 10 s; some leave a hole of more than a second, some of less, some none.
          const added = segment(`s${step}`, slot * 10_000, slot * 10_000 + [10_000, 9500, 9000, 5000][random(4)]!);
          index.add(added);
          live.set(added.id, added);
        } else if (live.size > 0) {
          const doomed = [...live.values()][random(live.size)]!;
          if (random(2) > 0) index.doom(doomed.id, 1);
          else index.forget(doomed.id);
          live.delete(doomed.id);
          gone.push(doomed);
        }
        const spans = (segments: Iterable<Segment>) =>
          joinSpans([...segments].map(({ startAt, endAt }) => ({ startAt, endAt })));
        assert.deepEqual(gaps.recorded('cam', ...ALL), spans(live.values()), `round ${round}, step ${step}`);
        assert.deepEqual(gaps.deleted('cam', ...ALL), spans(gone), `round ${round}, step ${step}`);
      }
    }
  });

  test('a span asks for what overlaps it, and nothing else', () => {
    using db = disposable();
    const index = new SegmentIndex(db.db);
    const gaps = new GapTable(db.db);
    for (const at of [0, 20, 40]) index.add(segment(`s${at}`, at * 1000, at * 1000 + 10_000));
    const starts = (from: number, to: number) =>
      gaps.recorded('cam', from * 1000, to * 1000).map(({ startAt }) => startAt / 1000);
    assert.deepEqual(starts(5, 25), [0, 20]);
    assert.deepEqual(starts(10, 20), []);
    assert.deepEqual(starts(45, 100), [40]);
    assert.deepEqual(gaps.recorded('other', ...ALL), []);
  });

  test('the migration joins what is there already', () => {
    using db = disposable();
    const index = new SegmentIndex(db.db);
    const gaps = new GapTable(db.db);
    for (const [n, [from, to]] of [
      [0, 10_000],
      [10_000, 20_000],
      [20_500, 30_000],
      [31_000, 40_000],
    ].entries())
      index.add(segment(`s${n}`, from!, to!));
    const kept = gaps.recorded('cam', ...ALL);
    db.db.exec('delete from recorded_runs');
    db.db.exec(backfill());
    assert.deepEqual(gaps.recorded('cam', ...ALL), kept);
    assert.deepEqual(kept, [
      { startAt: 0, endAt: 30_000 },
      { startAt: 31_000, endAt: 40_000 },
    ]);
  });
});

function disposable() {
  const db = openDatabase(':memory:');
  return { db, [Symbol.dispose]: () => void db.close() };
}

function backfill(): string {
  const sql = readFileSync(join(migrationsFolder, '0006-gaps-exports.sql'), 'utf8');
  const from = sql.indexOf('insert into recorded_runs');
  return sql.slice(from, sql.indexOf(';', from) + 1);
}
