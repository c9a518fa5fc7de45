import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daysUntilTotal, type ProjectedCamera, project } from './projection.ts';

const camera = (bytes: number, bytesPerDay: number | null, rule: ProjectedCamera['rule'] = {}, ageDays = 0) => ({
  ...{ bytes, bytesPerDay, rule, ageDays },
});
const grower = (bytes: number, bytesPerDay: number, maxBytes = Infinity, growsDays = Infinity) => ({
  ...{ bytes, bytesPerDay, maxBytes, growsDays },
});

test('when all cameras together reach a limit: lines that end where their own limits hold them', () => {
  assert.equal(daysUntilTotal([grower(0, 10)], 100), 10);
  assert.equal(daysUntilTotal([grower(100, 10)], 100), 0);
  assert.equal(daysUntilTotal([grower(0, 10), grower(20, 30)], 100), 2);
  // The second stops at 50 bytes after a day; the first brings the rest alone.
  assert.equal(daysUntilTotal([grower(0, 10), grower(20, 30, 50)], 100), 5);
  // The second stops after two days by age.
  assert.equal(daysUntilTotal([grower(0, 10), grower(0, 30, Infinity, 2)], 100), 4);
  assert.equal(daysUntilTotal([grower(0, 10, 40), grower(0, 10, 40)], 100), Infinity);
  assert.equal(daysUntilTotal([grower(0, 0)], 100), Infinity);
  assert.equal(daysUntilTotal([], 100), Infinity);
});

test('days left: own limit, limit over all, free space, whichever comes first; none when age comes first', () => {
  const left = (cameras: ProjectedCamera[], max: number | null, spare: number) =>
    project(cameras, max, spare).map(({ daysLeft }) => daysLeft);
  assert.deepEqual(left([camera(0, 10)], null, 100), [10]);
  assert.deepEqual(left([camera(0, 10)], 50, 100), [5], 'the global limit');
  assert.deepEqual(left([camera(0, 10, { maxBytes: 20 })], 50, 100), [2]);
  assert.deepEqual(left([camera(0, 10, { days: 3 })], 50, 100), [null], 'old ones go before it is full');
  assert.deepEqual(left([camera(0, 10, { days: 3 }), camera(0, 10)], 50, 100), [2.5, 2.5]);
  assert.deepEqual(left([camera(30, 10, { days: 3 }, 3), camera(0, 10)], 50, 100), [2, 2], 'at its age: grows no more');
  assert.deepEqual(left([camera(60, 10)], 50, 100), [0]);
  assert.deepEqual(left([camera(60, 10)], null, -5), [0]);
  assert.deepEqual(left([camera(60, null)], null, 100), [null]);
});

test('what will be kept in the end, and what decides it', () => {
  const [a, b] = project([camera(0, 10, { days: 7 }), camera(0, 30)], 200, 1000);
  // 7 days of the first are 70 bytes; the other 130 hold 4 1/3 days, less than 7: both keep 200 / 40 = 5 days.
  assert.deepEqual([a?.keepsDays, a?.limitedBy], [5, 'total']);
  assert.deepEqual([b?.keepsDays, b?.limitedBy], [5, 'total']);
  assert.deepEqual(project([camera(0, 10, { days: 7 })], null, 1000), [
    { daysLeft: null, keepsDays: 7, limitedBy: 'days' },
  ]);
  assert.equal(project([camera(0, 10, { maxBytes: 20 })], null, 1000)[0]?.limitedBy, 'bytes');
  assert.equal(project([camera(0, 10)], null, 1000)[0]?.limitedBy, 'disk');
});
