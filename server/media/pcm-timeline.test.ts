import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PcmTimeline } from './pcm-timeline.ts';

const RATE = 8000;
const BLOCK = 1024;
const BLOCK_MS = (BLOCK * 1000) / RATE;
const ones = () => new Int16Array(BLOCK).fill(1);

test('what is taken is continuous to the sample, however it is cut', () => {
  const line = new PcmTimeline(RATE, 1, 1000);
  let expectedMs = 1000;
  for (let n = 1; n <= 40; n++) {
    line.add(1000 + n * BLOCK_MS, ones());
    const span = line.takeUntil(1000 + n * BLOCK_MS - 33.3);
    assert.ok(span);
    assert.ok(Math.abs(span.startMs - expectedMs) < 0.01);
    expectedMs = span.startMs + (span.pcm.length * 1000) / RATE;
  }
});

test('a hole becomes silence of its length', () => {
  const line = new PcmTimeline(RATE, 1, 0);
  line.add(BLOCK_MS, ones());
  line.add(BLOCK_MS * 2 + 2000, ones());
  const span = line.takeUntil(10_000)!;
  assert.equal(
    span.pcm.slice(BLOCK, BLOCK + 16_000).some((sample) => sample !== 0),
    false,
  );
  assert.equal(span.pcm.filter((sample) => sample === 1).length, 2 * BLOCK);
});

test('sound that stops is replaced by silence up to a second ago; an end is filled to the end', () => {
  const line = new PcmTimeline(RATE, 1, 0);
  line.add(BLOCK_MS, ones());
  assert.equal(line.takeUntil(5000)?.pcm.length, 4000 * 8);
  assert.equal(line.finishUntil(5000)?.pcm.length, 1000 * 8);
  assert.equal(line.positionMs, 5000);
});

test('sound from before the first picture is left out', () => {
  const line = new PcmTimeline(RATE, 1, 5000);
  line.add(5000, ones());
  assert.equal(line.takeUntil(5100), null);
});

for (const perMille of [-5, 5]) {
  test(`an hour with a crystal ${perMille / 10} % off stays within 100 ms, with late blocks and bursts`, () => {
    const line = new PcmTimeline(RATE, 1, 0);
    const stepMs = BLOCK_MS * (1 + perMille / 1000);
    let worstMs = 0;
    let takenMs = 0;
    for (let n = 1; n * stepMs < 3_600_000; n++) {
      // The network: mostly some milliseconds late, now and then 150.
      const lateMs = n % 37 === 0 ? 150 : (n * 7) % 12;
      line.add(n * stepMs + lateMs, ones());
      const span = line.takeUntil(n * stepMs + 500);
      if (span) takenMs += (span.pcm.length * 1000) / RATE;
      if (n % 48 === 0) worstMs = Math.max(worstMs, Math.abs(takenMs - n * stepMs));
    }
    assert.ok(worstMs <= 100, `${worstMs} ms`);
  });
}
