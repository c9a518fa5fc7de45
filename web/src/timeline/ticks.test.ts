// The reader's clock is set for the whole file: Berlin changes it on 2026-03-29 and 2026-10-25.
process.env.TZ = 'Europe/Berlin';

import assert from 'node:assert/strict';
import { test } from 'node:test';

const { chooseKeyStep, chooseSteps, chooseTicks, zoneName } = await import('./ticks.ts');
const { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } = await import('./scale.ts');

const view = (from: number, length: number) => ({ from, to: from + length });
const local = (...[year, month, day, hour = 0]: [number, number, number, number?]) =>
  new Date(year, month - 1, day, hour).getTime();

test('labels never stand closer than they are wide, at any zoom', () => {
  for (let length = 20 * SECOND_MS; length <= 31 * DAY_MS; length *= 1.7) {
    for (const width of [260, 1000, 2400]) {
      const { major, minor } = chooseSteps(view(0, length), width);
      assert.ok(minor < major && major % minor === 0, `${major} and ${minor}`);
      const pixels = (major / length) * width;
      assert.ok(pixels >= 76 || major === 7 * DAY_MS, `${pixels} pixels at ${length} ms on ${width}`);
      const ticks = chooseTicks(view(local(2026, 11, 21), length), width);
      assert.ok(ticks.length < 400, `${ticks.length} lines`);
    }
  }
});

test('round times of the local clock', () => {
  const day = chooseTicks(view(local(2026, 11, 21), DAY_MS), 1000);
  const labelled = day.filter(({ label }) => label !== '');
  assert.deepEqual(
    labelled.map(({ at }) => new Date(at).getHours()),
    [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22],
  );
  assert.equal(labelled[0]?.kind, 'day');
  assert.ok(day.every(({ at }, n) => n === 0 || at > (day[n - 1]?.at ?? 0)));
});

test('the night with 25 hours: the hour that comes twice is there twice, and says which one it is', () => {
  const ticks = chooseTicks(view(local(2026, 10, 25), 8 * HOUR_MS), 900).filter(({ kind }) => kind === 'major');
  const at = (hour: number) => ticks.filter((tick) => new Date(tick.at).getHours() === hour);
  assert.equal(at(2).length, 2);
  const [first, second] = at(2);
  assert.equal((second?.at ?? 0) - (first?.at ?? 0), HOUR_MS);
  assert.notEqual(first?.label, second?.label);
  assert.ok(first?.label.includes(zoneName(first.at)), first?.label);
  assert.equal(at(1).length, 1);
  assert.ok(!at(1)[0]?.label.includes(zoneName(at(1)[0]?.at ?? 0)));
});

test('the night with 23 hours: no line for an hour that never was', () => {
  const ticks = chooseTicks(view(local(2026, 3, 29), 6 * HOUR_MS), 800).filter(({ label }) => label !== '');
  assert.deepEqual(
    ticks.map(({ at }) => new Date(at).getHours()),
    [0, 1, 3, 4, 5, 6],
  );
});

test('days begin at local midnight, also across the change', () => {
  const ticks = chooseTicks(view(local(2026, 10, 20), 12 * DAY_MS), 1200).filter(({ kind }) => kind === 'day');
  assert.ok(ticks.length >= 10);
  for (const { at } of ticks) assert.equal(new Date(at).getHours(), 0);
});

test('arrow keys go by round steps that fit the zoom', () => {
  assert.equal(chooseKeyStep(view(0, MINUTE_MS)), SECOND_MS);
  assert.equal(chooseKeyStep(view(0, DAY_MS)), 30 * MINUTE_MS);
  assert.ok(chooseKeyStep(view(0, 31 * DAY_MS)) >= 6 * HOUR_MS);
});
