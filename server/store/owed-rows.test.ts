// A database that takes nothing for a while: what was recorded meanwhile gets its rows when it does again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bus } from '../core/bus.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError } from '../core/nvr-error.ts';
import { type Db, openDatabase } from './database.ts';
import { EventLog } from './events.ts';
import { type Segment, SegmentIndex } from './segment-index.ts';

const segment = (n: number): Segment => ({
  ...{ id: `seg_${n}`, camera: 'cam_a', folder: 'a', path: `a/2026-05-03/10-00-0${n}Z.mp4`, startAt: n * 1000 },
  ...{ endAt: (n + 1) * 1000, frames: 10, bytes: 1000, format: 'mp4', codec: 'h264', endReason: 'boundary' },
  ...{ hasMotion: false, protected: false },
});

const troubles = [
  ['full', 'exhausted', (db: Db, on: boolean) => db.pragma(`max_page_count = ${on ? 1 : 1_000_000}`)],
  ['read-only', 'unavailable', (db: Db, on: boolean) => db.pragma(`query_only = ${on ? 'on' : 'off'}`)],
] as const;

for (const [name, code, trouble] of troubles) {
  test(`rows and events that a ${name} database did not take are there later, as they were`, () => {
    const db = openDatabase(':memory:');
    const index = new SegmentIndex(db);
    const bus = new Bus();
    const clock = new ManualClock(1_800_000_000_000);
    const events = new EventLog(db, clock, () => 30);
    events.follow(bus);
    index.add(segment(0));
    // Until its last page is used up.
    trouble(db, true);
    const refused: Segment[] = [];
    for (let n = 1; refused.length < 2; n++) {
      const one = {
        ...segment(1),
        id: `seg_${n}`,
        path: `a/2026-05-03/${n}`,
        startAt: n * 1000,
        endAt: n * 1000 + 1000,
      };
      try {
        index.add(one);
      } catch (error) {
        assert.ok(isNvrError(error, code), String(error));
        refused.push(one);
      }
    }
    assert.throws(
      () => index.settle(),
      (error) => isNvrError(error, code),
    );
    bus.publish('storage.full', { message: 'x'.repeat(5000) });
    assert.equal(events.list({ limit: 9 }).length, 0);
    trouble(db, false);
    assert.deepEqual(index.settle(), refused);
    assert.deepEqual(index.settle(), []);
    assert.deepEqual(index.byPath(refused[1]!.path), refused[1]);
    clock.stepWall(60_000);
    bus.publish('storage.cameBack', { message: '' });
    assert.deepEqual(
      events.list({ limit: 9 }).map(({ type, at }) => [type, at]),
      [
        ['storage.cameBack', 1_800_000_060_000],
        ['storage.full', 1_800_000_000_000],
      ],
    );
    assert.deepEqual(db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
  });
}
