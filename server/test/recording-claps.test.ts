import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { clap } from './claps.ts';

suite('picture and sound of a clap are within 100 ms (an hour of it: recording-hour.soak.ts)', () => {
  for (const kind of ['pcm', 'aac'] as const) {
    test(`${kind}, a slow crystal, over boundaries`, async (t) => {
      const { worstMs, claps, beeps } = await clap(t, kind, 36, 15);
      t.diagnostic(`${claps} claps, at most ${worstMs.toFixed(0)} ms apart`);
      assert.equal(claps, 4);
      assert.equal(beeps, 4);
      assert.ok(worstMs <= 100, `${worstMs} ms`);
    });
  }
});
