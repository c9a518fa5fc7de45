// `npm run soak`: an hour of recording on a clock that runs as fast as the machine can, or PERCH_HOUR_SECONDS seconds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clap } from './claps.ts';
import { copiedOnce, encodedOnce, jpegsOnce } from './frames-once.ts';

const SECONDS = Number(process.env.PERCH_HOUR_SECONDS ?? 3600);
const MAX_APART_MS = 100;

test('an hour of JPEGs, untouched: each once', async (t) => {
  t.diagnostic(`${await jpegsOnce(t, SECONDS, 60)} pictures`);
});

test('an hour of JPEGs, encoded: each once', async (t) => {
  t.diagnostic(`${await encodedOnce(t, SECONDS, 60)} pictures`);
});

test('an hour of H.264 with B-frames and AAC, copied: each unit once', async (t) => {
  t.diagnostic(`${await copiedOnce(t, SECONDS, 60)} pictures`);
});

for (const kind of ['pcm', 'aac'] as const) {
  test(`an hour of claps, ${kind}, sampled by a slow crystal: picture and sound stay together`, async (t) => {
    const { worstMs, claps, beeps } = await clap(t, kind, SECONDS, 60);
    t.diagnostic(`${claps} claps, ${beeps} beeps, at most ${worstMs.toFixed(0)} ms apart`);
    assert.equal(claps, beeps);
    assert.ok(worstMs <= MAX_APART_MS, `${worstMs} ms`);
  });
}
