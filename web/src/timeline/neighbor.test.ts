import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neighborStart } from './neighbor.ts';

test('previous is this begin first, then one after the other, however short they are; next is the next', () => {
  const starts = [10_000, 20_000, 22_000, 30_000];
  assert.equal(neighborStart(starts, 36_000, -1), 30_000);
  assert.equal(neighborStart(starts, 32_000, -1), 22_000, 'its begin was a moment ago');
  assert.equal(neighborStart(starts, 30_000, -1), 22_000);
  assert.equal(neighborStart(starts, 22_000, -1), 20_000, 'a recording of two seconds is not passed over');
  assert.equal(neighborStart(starts, 19_999, -1), 10_000, 'a picture that is said to be a little early');
  assert.equal(neighborStart(starts, 10_000, -1), null);
  assert.equal(neighborStart(starts, 14_000, -1), 10_000);
  assert.equal(neighborStart([30_000, 20_000, 22_000], 19_999, 1), 22_000, 'it stands at 20 s already');
  assert.equal(neighborStart(starts, 30_000, 1), null);
});
