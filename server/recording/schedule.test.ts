import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toLocalMs } from '../core/time-zone.ts';
import { Schedule } from './schedule.ts';

const MINUTE = 60_000;
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC', 'Australia/Lord_Howe'];
const utc = (text: string) => Date.parse(`${text}Z`);
const texts = (schedule: Schedule, from: string, to: string) =>
  schedule
    .windows(utc(from), utc(to))
    .map((window) => `${new Date(window.from).toISOString().slice(5, 16)} ${(window.to - window.from) / MINUTE}`);

test('a year in each zone: on exactly when the clock of the place says so', () => {
  for (const timezone of ZONES) {
    const schedule = new Schedule([
      { cron: '0 8 * * 1-5', durationMinutes: 540, timezone },
      { cron: '30 16 * * *', durationMinutes: 60, timezone },
    ]);
    let on = schedule.isOn(utc('2026-01-01T00:00'));
    let change = schedule.nextChange(utc('2026-01-01T00:00'));
    for (let at = utc('2026-01-01T00:00'); at < utc('2027-01-01T00:00'); at += 15 * MINUTE) {
      const local = new Date(toLocalMs(timezone, at));
      const minute = local.getUTCHours() * 60 + local.getUTCMinutes();
      const isWorkday = local.getUTCDay() >= 1 && local.getUTCDay() <= 5;
      const expected = (isWorkday && minute >= 480 && minute < 1020) || (minute >= 990 && minute < 1050);
      assert.equal(schedule.isOn(at), expected, `${timezone} ${new Date(at).toISOString()}`);
      if (change !== null && at >= change) {
        assert.equal(schedule.isOn(change), !on);
        assert.equal(schedule.isOn(change - 1), on);
        on = !on;
        change = schedule.nextChange(change);
      }
      assert.equal(on, expected, `${timezone}: the changes lead to the same answer`);
    }
  }
});

test('the nights in which clocks change', () => {
  const berlin = (cron: string, durationMinutes: number) =>
    new Schedule([{ cron, durationMinutes, timezone: 'Europe/Berlin' }]);
  // 29 March 2026: 02:00 becomes 03:00. 25 October: 03:00 becomes 02:00.
  const spring = ['2026-03-28T12:00', '2026-03-29T12:00'] as const;
  const autumn = ['2026-10-24T12:00', '2026-10-25T12:00'] as const;
  assert.deepEqual(texts(berlin('0 22 * * *', 480), ...spring), ['03-28T21:00 480']);
  assert.deepEqual(texts(berlin('0 22 * * *', 480), ...autumn), ['10-24T20:00 540']);
  assert.deepEqual(texts(berlin('30 2 * * *', 30), ...spring), ['03-29T01:00 30']);
  assert.deepEqual(texts(berlin('30 2 * * *', 15), ...autumn), ['10-25T00:30 15', '10-25T01:30 15']);
  assert.deepEqual(texts(berlin('0 1 * * *', 60), ...autumn), ['10-24T23:00 60']);
  assert.deepEqual(texts(berlin('0 0 * * *', 1440), ...autumn), ['10-24T12:00 1440'], 'all day, every day: no hole');
  assert.deepEqual(texts(berlin('0 0 * * *', 1440), ...spring), ['03-28T12:00 1440']);
  assert.deepEqual(texts(berlin('*/15 * * * *', 15), ...autumn), ['10-24T12:00 1440']);
  const york = new Schedule([{ cron: '30 1 * * *', durationMinutes: 15, timezone: 'America/New_York' }]);
  assert.deepEqual(texts(york, '2026-11-01T00:00', '2026-11-01T12:00'), ['11-01T05:30 15', '11-01T06:30 15']);
  const kolkata = new Schedule([{ cron: '0 0 * * *', durationMinutes: 30, timezone: 'Asia/Kolkata' }]);
  assert.deepEqual(texts(kolkata, '2026-10-24T12:00', '2026-10-25T12:00'), ['10-24T18:30 30']);
});

test('several rules merge; long windows reach over days; nothing is never on', () => {
  const rules = [
    { cron: '0 8 * * *', durationMinutes: 120, timezone: 'UTC' },
    { cron: '0 9 * * *', durationMinutes: 120, timezone: 'UTC' },
    { cron: '0 11 * * *', durationMinutes: 30, timezone: 'UTC' },
  ];
  const schedule = new Schedule(rules);
  assert.deepEqual(texts(schedule, '2026-05-01T00:00', '2026-05-02T00:00'), ['05-01T08:00 210']);
  assert.equal(schedule.nextChange(utc('2026-05-01T08:30')), utc('2026-05-01T11:30'));
  assert.equal(schedule.nextChange(utc('2026-05-01T11:30')), utc('2026-05-02T08:00'));
  const weekend = new Schedule([{ cron: '0 18 * * 5', durationMinutes: 7 * 24 * 60, timezone: 'UTC' }]);
  assert.equal(weekend.isOn(utc('2026-05-01T17:00')), true, 'a week long, every week');
  assert.equal(weekend.nextChange(utc('2026-05-01T17:00')), null);
  const none = new Schedule([]);
  assert.equal(none.isOn(0), false);
  assert.equal(none.nextChange(0), null);
  const leap = new Schedule([{ cron: '0 0 29 2 *', durationMinutes: 60, timezone: 'UTC' }]);
  assert.equal(leap.nextChange(utc('2026-05-01T00:00')), utc('2028-02-29T00:00'));
  assert.throws(() => new Schedule([{ cron: '* * * * *', durationMinutes: 1, timezone: 'Mars/Base' }]), /time zone/);
});

test('an expression with more windows a day than minutes is refused', () => {
  const flicker = { cron: '* * * * * *', durationMinutes: 0.01, timezone: 'Europe/Berlin' };
  assert.throws(() => new Schedule([flicker]), /windows a day/);
});
