import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { copiedOnce, encodedOnce, jpegsOnce } from './frames-once.ts';

suite('every frame is there once, over many boundaries (an hour of it: recording-hour.soak.ts)', () => {
  test('JPEGs untouched', async (t) => void assert.equal(await jpegsOnce(t, 12, 5), 120));
  test('JPEGs encoded', async (t) => void assert.equal(await encodedOnce(t, 10, 5), 100));
  test('H.264 with B-frames, and AAC, copied', async (t) => void assert.equal(await copiedOnce(t, 11, 5), 275));
});
