import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PictureTimes } from './picture-times.ts';

const frame = (monoMs: number, mediaMs: number | null, key = false) =>
  ({ codec: 'h264', key, monoMs, mediaMs }) as const;

test('without B-frames the arrival is the time, whatever the camera clock says', () => {
  const times = new PictureTimes();
  for (const [monoMs, mediaMs] of [
    [0, 0],
    [40, 9000],
    [95, 9040],
    [130, 1],
    [170, 41],
  ] as const) {
    times.hear(frame(monoMs, mediaMs));
    assert.equal(times.at(frame(monoMs, mediaMs, monoMs === 0)), monoMs);
  }
  assert.equal(times.isReordered, false);
});

test('with B-frames pictures are shown when the camera says, and its drift is followed', () => {
  const times = new PictureTimes();
  // Groups of 24 pictures, I P B B P B B...; the camera's crystal is 0.1 % fast; up to 12 ms late on the way.
  const order = [0, ...Array.from({ length: 8 }, (_, n) => [3 * n + 3, 3 * n + 1, 3 * n + 2]).flat()].slice(0, 24);
  let worstMs = 0;
  const held = order.slice(0, 5);
  for (const n of held) times.hear(frame(0, n * 40));
  assert.equal(times.isReordered, true);
  for (let group = 0; group < 3600; group++) {
    for (const [place, n] of order.entries()) {
      const number = group * 25 + n;
      const trueMs = number * 40;
      const arrivedMs = (group * 25 + place) * 40 + ((group * 7 + place * 5) % 13);
      const next = frame(arrivedMs, trueMs * 1.001, place === 0);
      if (group > 0 || place >= held.length) times.hear(next);
      worstMs = Math.max(worstMs, Math.abs(times.at(next) - trueMs));
    }
  }
  assert.ok(worstMs < 50, `${worstMs} ms`);
});

test('a camera clock that jumps is not followed', () => {
  const times = new PictureTimes();
  for (const n of [0, 3, 1, 2]) times.hear(frame(0, n * 40));
  times.at(frame(0, 0, true));
  assert.equal(times.at(frame(40, 120)), 120);
  assert.equal(times.at(frame(1000, 5_000_000, true)), 1000);
  assert.equal(times.at(frame(1040, 5_000_120)), 1120);
});

test('how many pictures one may overtake is counted, and forgotten with the last of them', () => {
  const depthOf = (order: readonly number[]) => {
    const times = new PictureTimes();
    for (let group = 0; group < 3; group++) {
      for (const n of order) times.hear(frame(0, (group * order.length + n) * 40));
    }
    return { times, depth: times.depth };
  };
  assert.equal(depthOf([0, 1, 2, 3]).depth, 0);
  assert.equal(depthOf([0, 3, 1, 2, 6, 4, 5]).depth, 1);
  const { times, depth } = depthOf([0, 4, 2, 1, 3]);
  assert.equal(depth, 2);
  for (let n = 0; n < 700; n++) times.hear(frame(0, 10_000 + n * 40));
  assert.equal(times.depth, 0);
});
