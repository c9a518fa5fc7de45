// A player that stands short of the end of its buffer is told from one that runs, waits elsewhere or was paused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StallWatch } from './playback-stall.ts';

test('standing near the end for a while is the end', () => {
  let now = 0;
  const video = { currentTime: 5, readyState: 4, paused: false, seeking: false };
  const watch = new StallWatch(video, () => now);
  const after = (ms: number, change: Partial<typeof video> = {}) => {
    Object.assign(video, change);
    now += ms;
    watch.look();
  };
  after(100);
  after(1000);
  assert.equal(watch.isAtEnd(270, 2), false, 'it has what it needs');
  after(100, { currentTime: 5.1, readyState: 2 });
  after(300);
  assert.equal(watch.isAtEnd(270, 2), false, 'a hiccup');
  after(200);
  assert.equal(watch.isAtEnd(270, 2), true);
  assert.equal(watch.isAtEnd(2500, 2), false, 'far from the end');
  after(100, { paused: true });
  assert.equal(watch.isAtEnd(270, 2), false);
  after(600, { paused: false });
  assert.equal(watch.isAtEnd(270, 2), true);
  after(600, { seeking: true });
  assert.equal(watch.isAtEnd(270, 2), false);
});
