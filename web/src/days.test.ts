import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastDays } from './days.ts';

test('every day has its bar, also those without recordings', () => {
  const now = Date.parse('2026-03-01T00:00:01.000Z');
  const history = [
    { day: '2026-02-27', bytes: 5 },
    { day: '2026-03-01', bytes: 7 },
    { day: '2026-01-01', bytes: 9 },
  ];
  assert.deepEqual(lastDays(history, 3, now), [
    { at: Date.parse('2026-02-27T12:00:00.000Z') / 1000, bytes: 5 },
    { at: Date.parse('2026-02-28T12:00:00.000Z') / 1000, bytes: 0 },
    { at: Date.parse('2026-03-01T12:00:00.000Z') / 1000, bytes: 7 },
  ]);
});
