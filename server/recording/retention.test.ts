import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Segment } from '../store/segment-index.ts';
import { chooseDoomed } from './retention.ts';

const DAY = 86_400_000;
const NOW = 100 * DAY;
const oldest = [1, 2, 3, 4].map((n) => ({ id: String(n), endAt: NOW - (5 - n) * DAY, bytes: 100 }) as Segment);
const ids = (rule: Parameters<typeof chooseDoomed>[2], total = 400) =>
  chooseDoomed(oldest, total, rule, NOW)
    .map(({ id }) => id)
    .join('');

test('retention: oldest first, by age, by bytes, by both; nothing without a rule', () => {
  assert.equal(ids({}), '');
  assert.equal(ids({ days: 10 }), '');
  assert.equal(ids({ days: 2 }), '123');
  assert.equal(ids({ days: 2.5 }), '12');
  assert.equal(ids({ maxBytes: 400 }), '');
  assert.equal(ids({ maxBytes: 399 }), '1');
  assert.equal(ids({ maxBytes: 150 }), '123');
  assert.equal(ids({ maxBytes: 399, days: 2.5 }), '12');
  assert.equal(ids({ maxBytes: 0 }, 1000), '1234');
});
