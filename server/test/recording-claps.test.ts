import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clap } from './claps.ts';

test('a clap: picture and sound are within 100 ms, with a slow crystal, over boundaries (an hour of it: recording-hour.soak.ts)', async (t) => {
  const { worstMs, claps, beeps } = await clap(t, 'aac', 26, 12);
  t.diagnostic(`${claps} claps, at most ${worstMs.toFixed(0)} ms apart`);
  assert.equal(claps, 3);
  assert.equal(beeps, 3);
  assert.ok(worstMs <= 100, `${worstMs} ms`);
});
