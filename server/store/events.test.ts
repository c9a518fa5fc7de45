import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bus } from '../core/bus.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { openDatabase } from './database.ts';
import { EventLog } from './events.ts';

const DAY_MS = 24 * 3600 * 1000;
const lost = (n: number) => ({ camera: 'cam_1', slug: 'porch', code: 'timeout', message: `loss ${n}` });

test('facts worth keeping are kept until they are too old', async () => {
  const clock = new ManualClock();
  const bus = new Bus();
  const db = openDatabase(':memory:');
  let days = 30;
  const log = new EventLog(db, clock, () => days);
  const stop = log.follow(bus);
  bus.publish('camera.lost', lost(1));
  bus.publish('segment.opened', { camera: 'cam_1', slug: 'porch', start: 1 });
  await clock.advance(20 * DAY_MS);
  bus.publish('camera.lost', lost(2));
  assert.deepEqual(
    log.list({ limit: 10 }).map((event) => event.data.message),
    ['loss 2', 'loss 1'],
  );
  days = 10;
  await clock.advance(2 * DAY_MS);
  bus.publish('camera.lost', lost(2.5));
  assert.deepEqual(
    log.list({ limit: 10 }).map((event) => event.data.message),
    ['loss 2.5', 'loss 2'],
  );
  await clock.advance(9 * DAY_MS);
  log.prune();
  assert.deepEqual(
    log.list({ limit: 10 }).map((event) => event.data.message),
    ['loss 2.5'],
  );
  stop();
  bus.publish('camera.lost', lost(3));
  assert.equal(log.list({ limit: 10 }).length, 1);
});

test('a camera that comes and goes all day does not fill the disk', () => {
  const clock = new ManualClock();
  const bus = new Bus();
  const db = openDatabase(':memory:');
  const log = new EventLog(db, clock, () => 30, 1000);
  log.follow(bus);
  for (let n = 0; n < 5000; n++) bus.publish('camera.lost', lost(n));
  const { rows } = db.prepare<[], { rows: number }>('select count(*) as rows from events').get()!;
  assert.ok(rows <= 1500, `${rows} rows`);
  assert.equal(log.list({ limit: 1 })[0]?.data.message, 'loss 4999', 'the newest are kept');
});

test('every way to ask is answered from an index', () => {
  const db = openDatabase(':memory:');
  const plan = (where: string) =>
    db
      .prepare<[], { detail: string }>(
        `explain query plan select * from events ${where} order by at desc, id desc limit 10`,
      )
      .all()
      .map((row) => row.detail)
      .join('; ');
  for (const where of [
    '',
    `where camera_id = 'x' and (at, id) < (5, 5)`,
    `where type = 'x' and at >= 1 and at < 2`,
    'where at >= 1 and (at, id) < (5, 5)',
  ]) {
    assert.match(plan(where), /USING INDEX events_by_/, where);
    assert.doesNotMatch(plan(where), /TEMP B-TREE/, where);
  }
});
