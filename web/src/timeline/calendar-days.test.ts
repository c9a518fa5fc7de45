process.env.TZ = 'Europe/Berlin';

import assert from 'node:assert/strict';
import { test } from 'node:test';

const { dayForKey, fillMonth, monthAfter, monthDays, monthSpan } = await import('./calendar-days.ts');
const { spanOf } = await import('../day.ts');

test('whole weeks, whichever day they begin with', () => {
  const monday = monthDays('2026-11', 1);
  assert.deepEqual([monday[0], monday.at(-1), monday.length], ['2026-10-26', '2026-12-06', 42]);
  const sunday = monthDays('2026-11', 0);
  assert.deepEqual([sunday[0], sunday.at(-1), sunday.length], ['2026-11-01', '2026-12-05', 35]);
  assert.deepEqual([monthDays('2027-02', 1).length, monthDays('2027-02', 1)[0]], [28, '2027-02-01']);
});

test('days are local, with 23 to 25 hours, and hold what is recorded in them', () => {
  const { from, to } = monthSpan('2026-10', 1);
  const all = fillMonth('2026-10', 1, { recorded: [{ from, to }], gaps: [] });
  const hours = (day: string) => (all.find((one) => one.day === day)?.recordedMs ?? 0) / 3_600_000;
  assert.equal(hours('2026-10-24'), 24);
  assert.equal(hours('2026-10-25'), 25);
  // 23:30 UTC is the next day in Berlin.
  const late = Date.parse('2026-10-14T23:30:00Z');
  const some = fillMonth('2026-10', 1, { recorded: [{ from: late, to: late + 60_000 }], gaps: [] });
  assert.deepEqual(
    some.filter(({ recordedMs }) => recordedMs > 0).map(({ day }) => day),
    ['2026-10-15'],
  );
  assert.equal(spanOf('2026-10-15').from, Date.parse('2026-10-14T22:00:00Z'));
});

test('keys go through days and months', () => {
  assert.equal(dayForKey('2026-11-01', 'ArrowLeft'), '2026-10-31');
  assert.equal(dayForKey('2026-11-30', 'ArrowDown'), '2026-12-07');
  assert.equal(dayForKey('2026-03-31', 'PageUp'), '2026-02-28');
  assert.equal(dayForKey('2026-11-17', 'Home'), '2026-11-01');
  assert.equal(dayForKey('2026-11-17', 'End'), '2026-11-30');
  assert.equal(dayForKey('2026-11-17', 'a'), null);
  assert.equal(monthAfter('2026-12', 1), '2027-01');
});
