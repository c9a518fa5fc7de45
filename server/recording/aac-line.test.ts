import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AacLine } from './aac-line.ts';

/** AAC-LC, 16 kHz, mono: 64 ms a unit. */
const CONFIG = Uint8Array.of(0x14, 0x08);
const UNIT_MS = 64;
/** A unit is made when the samples of the next one are there. */
const MADE_MS = 2 * UNIT_MS;
const unit = (n: number) => Uint8Array.of(1, 2, n & 255, n >> 8);
const isReal = (data: Uint8Array) => data.length === 4;

test('units in bursts of three, late by chance: once each, in order, an hour in sync although the crystal is 0.1 % slow', () => {
  const line = new AacLine(CONFIG, 16_000, 1000);
  let seed = 1;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
  };
  let given = 0;
  let taken = 0;
  let lastMs = 0;
  let worstMs = 0;
  const trueMs = UNIT_MS * 1.001;
  for (let second = 1; second < 3600; second++) {
    const nowMs = 1000 + second * 1000;
    while (1000 + (given + 4) * trueMs < nowMs) {
      const arrivedMs = 1000 + (given + 4) * trueMs + random() * random() * 80;
      for (let n = 0; n < 3; n++) line.add(arrivedMs, unit(given++));
    }
    for (const { startMs, data } of line.takeUntil(nowMs - 500)) {
      // Before the first burst there was nothing.
      if (!isReal(data) && taken === 0) continue;
      assert.ok(isReal(data), 'no silence where there is sound');
      assert.deepEqual(data, unit(taken));
      assert.ok(startMs > lastMs);
      // The first window tells how late bursts are.
      if (second > 10) worstMs = Math.max(worstMs, Math.abs(startMs - (1000 + taken * trueMs)));
      lastMs = startMs;
      taken++;
    }
  }
  assert.ok(taken > 55_000);
  // Two units of each burst are early, chance, and what is left alone.
  assert.ok(worstMs < 40, `${worstMs} ms beside its time`);
});

test('a hole is silence, of any length; a cut gives each unit to one side', () => {
  const line = new AacLine(CONFIG, 16_000, 0);
  for (let n = 1; n <= 50; n++) line.add((n - 1) * UNIT_MS + MADE_MS, unit(n));
  const before = line.takeUntil(1000);
  const after = line.takeUntil(50 * UNIT_MS);
  assert.equal(before.length + after.length, 50);
  assert.ok(before.every(({ startMs }) => startMs < 1000) && after.every(({ startMs }) => startMs >= 1000));
  assert.equal(
    line.takeUntil(20_000).length,
    Math.floor((19_000 - 50 * UNIT_MS) / UNIT_MS),
    'all but the newest second',
  );
  line.add(30_000 + MADE_MS, unit(51));
  const late = line.finishUntil(40_000);
  const real = late.filter(({ data }) => isReal(data));
  assert.deepEqual(real, [{ startMs: 30_000, data: unit(51) }]);
  assert.ok(line.positionMs >= 40_000);
  for (const [n, { startMs }] of late.entries()) assert.ok(n === 0 || startMs - late[n - 1]!.startMs < 2 * UNIT_MS);
});

test('sound from before the first picture is left out', () => {
  const line = new AacLine(CONFIG, 16_000, 1000);
  for (let n = 1; n <= 40; n++) line.add((n - 1) * UNIT_MS + MADE_MS, unit(n));
  const taken = line.takeUntil(10_000).filter(({ data }) => isReal(data));
  assert.ok(Math.abs(taken[0]!.startMs - 1000) <= UNIT_MS);
  assert.ok(taken.length >= 23 && taken.length <= 25);
});
