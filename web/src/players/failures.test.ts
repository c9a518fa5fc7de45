import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failed, failuresWith, mayTry, noFailures } from './failures.ts';

test('a codec that this browser does not play is not tried again, whatever order its news came in', () => {
  // The new format reaches the player before the page has heard that the camera has another codec, and after it.
  const early = failed(noFailures, 'h264', 'codec');
  assert.equal(mayTry(early, 'h264'), false);
  assert.equal(mayTry(early, 'h265'), true);
  const both = failed(early, 'h265', 'codec');
  assert.equal(mayTry(both, 'h265'), false);
  assert.equal(mayTry(both, 'h264'), true);
});

test('a player that breaks is given another try, but not for ever; another codec begins at nothing', () => {
  let failures = noFailures;
  let tries = 0;
  for (; mayTry(failures, 'h264') && tries < 100; tries++) failures = failed(failures, 'h264', 'broken');
  assert.equal(tries, 3);
  assert.equal(failuresWith(failures, 'h265'), 0);
  assert.equal(failuresWith(failed(failures, 'h265', 'broken'), 'h265'), 1);
});
