import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWeek, WEEK_HOURS, writeWeek } from './week.ts';

const zone = 'Europe/Berlin';
const weekOf = (...spans: readonly (readonly [from: number, to: number])[]) =>
  Array.from({ length: WEEK_HOURS }, (_, hour) => spans.some(([from, to]) => hour >= from && hour < to));

test('a week and its schedules are the same thing', () => {
  const nights = weekOf([0, 6], [22, 30], [46, 54], [70, 78], [94, 102], [118, 126], [142, 150], [166, 168]);
  assert.deepEqual(writeWeek(nights, zone), [{ cron: '0 22 * * *', durationMinutes: 480, timezone: zone }]);
  const work = weekOf([8, 17], [32, 41], [56, 65], [80, 89], [104, 113]);
  assert.deepEqual(writeWeek(work, zone), [{ cron: '0 8 * * 1,2,3,4,5', durationMinutes: 540, timezone: zone }]);
  assert.deepEqual(writeWeek(weekOf([0, WEEK_HOURS]), zone), [
    { cron: '0 0 * * *', durationMinutes: 1440, timezone: zone },
  ]);
  assert.deepEqual(writeWeek(weekOf(), zone), []);
  let seed = 1;
  for (let round = 0; round < 50; round++) {
    const week = Array.from({ length: WEEK_HOURS }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 3 > 0;
    });
    assert.deepEqual(readWeek(writeWeek(week, zone), zone), { week, others: [] });
  }
});

test('what is no whole hour of the week, or of another zone, stays a rule', () => {
  const others = [
    { cron: '30 8 * * *', durationMinutes: 60, timezone: zone },
    { cron: '0 8 1 * *', durationMinutes: 60, timezone: zone },
    { cron: '0 8 * * *', durationMinutes: 90, timezone: zone },
    { cron: '0 8 * * *', durationMinutes: 60, timezone: 'UTC' },
    { cron: '0 8 * * *', durationMinutes: 60 },
  ];
  const rules = [...others, { cron: '0 8 * * 1-5', durationMinutes: 60, timezone: zone }];
  const read = readWeek(rules, zone);
  assert.deepEqual(read.others, others);
  assert.equal(read.week.filter(Boolean).length, 5);
});
