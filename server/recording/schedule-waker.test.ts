import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { LOOK_AGAIN_MS, ScheduleWaker } from './schedule-waker.ts';

const MINUTE = 60_000;
const rule = { cron: '0 8 * * *', durationMinutes: 60, timezone: 'UTC' };

/** What a recorder that follows the waker would do, with the times. */
function follow(clock: ManualClock) {
  const seen: [string, boolean][] = [];
  let on: boolean | null = null;
  const waker = new ScheduleWaker(clock, silentLogger, (camera) => look(camera));
  const look = (camera: string) => {
    const now = waker.isOn(camera);
    if (now === on) return;
    on = now;
    seen.push([new Date(clock.wallMs()).toISOString().slice(11, 19), now]);
  };
  waker.follow('cam', [rule]);
  look('cam');
  return { waker, seen };
}

test('on and off to the millisecond; in the middle of a window at once', async () => {
  const clock = new ManualClock(Date.UTC(2026, 4, 1, 7, 59, 58, 500));
  const { waker, seen } = follow(clock);
  await clock.advance(61 * MINUTE);
  assert.deepEqual(seen, [
    ['07:59:58', false],
    ['08:00:00', true],
    ['09:00:00', false],
  ]);
  waker.stop();
  assert.equal(clock.timers, 0);
  const late = new ManualClock(Date.UTC(2026, 4, 1, 8, 30));
  const middle = follow(late);
  assert.deepEqual(middle.seen, [['08:30:00', true]]);
  assert.equal(middle.waker.nextChange('cam'), Date.UTC(2026, 4, 1, 9));
  middle.waker.stop();
});

test('a clock that was stepped over a change is noticed within seconds, both ways', async () => {
  const clock = new ManualClock(Date.UTC(2026, 4, 1, 7, 0));
  const { waker, seen } = follow(clock);
  clock.stepWall(90 * MINUTE);
  await clock.advance(LOOK_AGAIN_MS);
  clock.stepWall(-90 * MINUTE);
  await clock.advance(LOOK_AGAIN_MS);
  assert.deepEqual(
    seen.map(([, on]) => on),
    [false, true, false],
  );
  waker.stop();
});
