import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { seededRandom } from '../core/random.ts';
import { type Faults, FaultyPath, noFaults } from './datagram-faults.ts';

const from = { address: '10.0.0.1', port: 1 };
const to = { address: '10.0.0.2', port: 2 };
const datagram = (n: number) => ({ bytes: Uint8Array.of(n & 0xff, n >> 8), from, to });
const numberOf = (bytes: Uint8Array) => bytes[0]! + bytes[1]! * 256;

async function carry(faults: Partial<Faults>, count: number, seed = 1) {
  const clock = new ManualClock();
  const arrived: Uint8Array[] = [];
  const path = new FaultyPath({
    faults: { ...noFaults, ...faults },
    random: seededRandom(seed),
    clock,
    deliver: ({ bytes }) => arrived.push(bytes),
  });
  for (let n = 0; n < count; n++) path.push(datagram(n));
  await clock.advance(10_000);
  return { arrived, clock };
}

test('without faults everything arrives at once and in order', async () => {
  const { arrived, clock } = await carry({}, 100);
  assert.deepEqual(
    arrived.map(numberOf),
    Array.from({ length: 100 }, (_, n) => n),
  );
  assert.equal(clock.timers, 0);
});

test('the same seed loses the same datagrams', async () => {
  const first = (await carry({ loss: 0.1 }, 1000, 5)).arrived.map(numberOf);
  const again = (await carry({ loss: 0.1 }, 1000, 5)).arrived.map(numberOf);
  const other = (await carry({ loss: 0.1 }, 1000, 6)).arrived.map(numberOf);
  assert.deepEqual(first, again);
  assert.notDeepEqual(first, other);
  assert.ok(Math.abs(first.length - 900) < 40, `${first.length} arrived`);
});

test('duplicates are separate copies', async () => {
  const { arrived } = await carry({ duplicate: 1 }, 10);
  assert.equal(arrived.length, 20);
  arrived[0]!.fill(9);
  assert.equal(numberOf(arrived[1]!), 0);
});

test('reordering loses nothing and moves a datagram back by at most the window', async () => {
  const { arrived, clock } = await carry({ reorder: 0.1, reorderWindow: 4 }, 1000);
  const order = arrived.map(numberOf);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, n) => n),
  );
  assert.notDeepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  let overtakers = 0;
  for (const [place, n] of order.entries()) {
    const later = order.slice(0, place).filter((earlier) => earlier > n).length;
    overtakers = Math.max(overtakers, later);
  }
  // Up to four pass it, and each of those may release another that was held.
  assert.ok(overtakers >= 1 && overtakers <= 8, `${overtakers} overtook one`);
  assert.equal(clock.timers, 0);
});

test('the last datagram of a burst is held for a bounded time only', async () => {
  const { arrived } = await carry({ reorder: 1 }, 3);
  assert.equal(arrived.length, 3);
});

test('delay and jitter keep the order', async () => {
  const clock = new ManualClock();
  const arrived: Array<{ n: number; at: number }> = [];
  const path = new FaultyPath({
    faults: { ...noFaults, delayMs: 20, jitterMs: 30 },
    random: seededRandom(1),
    clock,
    deliver: ({ bytes }) => arrived.push({ n: numberOf(bytes), at: clock.monoMs() }),
  });
  for (let n = 0; n < 50; n++) {
    path.push(datagram(n));
    await clock.advance(3);
  }
  await clock.advance(100);
  assert.deepEqual(
    arrived.map(({ n }) => n),
    Array.from({ length: 50 }, (_, n) => n),
  );
  for (const { n, at } of arrived) assert.ok(at - n * 3 >= 20 && at - n * 3 <= 50, `${n} took ${at - n * 3} ms`);
});

test('corruption flips a few bits and leaves the sender its bytes; garbage comes on top', async () => {
  const { arrived: corrupted } = await carry({ corrupt: 1 }, 50);
  assert.equal(corrupted.length, 50);
  assert.ok(corrupted.some((bytes, n) => numberOf(bytes) !== n));
  const { arrived: noisy } = await carry({ garbage: 1 }, 50);
  assert.equal(noisy.length, 100);
});

test('clear forgets what is under way', async () => {
  const clock = new ManualClock();
  let arrived = 0;
  const path = new FaultyPath({
    faults: { ...noFaults, delayMs: 5, reorder: 0.5 },
    random: seededRandom(1),
    clock,
    deliver: () => void arrived++,
  });
  for (let n = 0; n < 20; n++) path.push(datagram(n));
  path.clear();
  await clock.advance(1000);
  assert.equal(arrived, 0);
  assert.equal(clock.timers, 0);
});
