import assert from 'node:assert/strict';
import { test } from 'node:test';
import { follow, playsType } from './mse-player.ts';

test('keeps close to now: as it is, a little faster, much faster, a jump', () => {
  assert.deepEqual(follow(9.85, 5, 10), { rate: 1 });
  assert.deepEqual(follow(9.5, 5, 10), { rate: 1.08 });
  assert.deepEqual(follow(9, 5, 10), { rate: 1.25 });
  assert.deepEqual(follow(7, 5, 10), { jumpTo: 9.9 });
});

test('a hole is jumped over, never in front of its end', () => {
  assert.deepEqual(follow(3, 60, 60.04), { jumpTo: 60 });
  assert.deepEqual(follow(70, 60, 62), { jumpTo: 61.9 });
});

test('without MediaSource nothing is played', () => {
  assert.equal(playsType('video/mp4; codecs="avc1.64001f"'), false);
});
