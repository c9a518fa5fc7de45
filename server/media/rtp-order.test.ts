// Order, loss, wraps and patience.

import assert from 'node:assert/strict';
import test from 'node:test';
import { RtpClock, type RtpPacket, sequenceDistance } from './rtp.ts';
import { REORDER_MS, RtpOrder } from './rtp-order.ts';

const packet = (sequence: number, ssrc = 1): RtpPacket => {
  return { payloadType: 96, marker: false, sequence, timestamp: 0, ssrc, payload: Uint8Array.of(sequence & 255) };
};

/** What comes out, as `number` or `number after a loss of n`. */
function run(window: number, inputs: ReadonlyArray<readonly [sequence: number, nowMs?: number, ssrc?: number]>) {
  const given: string[] = [];
  const order = new RtpOrder(window, ({ sequence }, lost) =>
    given.push(lost > 0 ? `${sequence}-${lost}` : `${sequence}`),
  );
  for (const [sequence, nowMs = 0, ssrc] of inputs) order.push(packet(sequence, ssrc), nowMs);
  return { given: given.join(' '), order };
}

test('in order, over the wrap', () => {
  const { given, order } = run(4, [[65_534], [65_535], [0], [1]]);
  assert.equal(given, '65534 65535 0 1');
  assert.equal(order.highest, 65_536 + 1);
});

test('swapped and repeated packets are put right', () => {
  const { given, order } = run(4, [[1], [3], [2], [2], [5], [5], [4], [3]]);
  assert.equal(given, '1 2 3 4 5');
  assert.deepEqual([order.lost, order.late], [0, 3]);
});

test('a hole is given up when the window is full, or when it took too long', () => {
  assert.equal(run(2, [[1], [3], [4], [5]]).given, '1 3-1 4 5');
  assert.equal(run(32, [[1], [3, 10], [4, 20], [5, 10 + REORDER_MS]]).given, '1 3-1 4 5');
  assert.equal(run(32, [[1], [3, 10], [4, 20], [2, 30]]).given, '1 2 3 4');
});

test('without a window a hole is told at once', () => {
  assert.equal(run(0, [[1], [4], [3], [5]]).given, '1 4-2 5');
});

test('another sender and a far jump begin anew', () => {
  assert.equal(run(4, [[1], [2], [40_000, 0, 9], [40_001, 0, 9]]).given, '1 2 40000 40001');
  assert.equal(run(4, [[1], [20_000], [20_001]]).given, '1 20000-1 20001');
});

test('distance on the ring', () => {
  assert.deepEqual([sequenceDistance(65_535, 1), sequenceDistance(1, 65_535), sequenceDistance(5, 5)], [2, -2, 0]);
});

test('media time is unwrapped and may go back a little', () => {
  const clock = new RtpClock(90_000);
  const times = [2 ** 32 - 9000, 0, 18_000, 9000, 27_000].map((timestamp) => clock.toMs(timestamp));
  assert.deepEqual(times, [0, 100, 300, 200, 400]);
  assert.equal(new RtpClock(1000, 500).toMs(400), -100);
});
