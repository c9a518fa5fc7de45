import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayAfter, dayOf, parseDay, spanOf } from './day.ts';

const HOUR_MS = 3_600_000;

test('days go over months, years and leap days', () => {
  assert.equal(dayAfter('2026-12-31', 1), '2027-01-01');
  assert.equal(dayAfter('2028-02-28', 1), '2028-02-29');
  assert.equal(dayAfter('2026-03-01', -1), '2026-02-28');
});

test('a day begins where the one before ends, also when clocks change', () => {
  for (let day = '2026-01-01'; day < '2027-01-02'; day = dayAfter(day, 1)) {
    const { from, to } = spanOf(day);
    assert.equal(spanOf(dayAfter(day, 1)).from, to);
    assert.equal(dayOf(from), day);
    assert.equal(dayOf(to - 1), day);
    assert.ok([23, 24, 25].includes((to - from) / HOUR_MS));
  }
});

test('only real days are days', () => {
  assert.equal(parseDay('2026-11-21'), '2026-11-21');
  for (const bad of [
    undefined,
    '',
    '2026-02-30',
    '0202-11-21',
    '2026-13-01',
    '21.11.2026',
    '2026-11-21T00:00',
    '../..',
  ]) {
    assert.equal(parseDay(bad), null);
  }
});
