import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clap } from './claps.ts';

/** Promised are 100 ms over an hour; less than one unit of AAC here, so that a unit's delay is seen. */
const MAX_APART_MS = 50;

test('a clap: picture and sound are within 50 ms, with a slow crystal, over boundaries (an hour of it: recording-hour.soak.ts)', async (t) => {
  const { worstMs, claps, beeps } = await clap(t, 'aac', 26, 12);
  t.diagnostic(`${claps} claps, at most ${worstMs.toFixed(0)} ms apart`);
  assert.equal(claps, 3);
  assert.equal(beeps, 3);
  assert.ok(worstMs <= MAX_APART_MS, `${worstMs} ms`);
});
