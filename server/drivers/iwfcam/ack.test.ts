import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AckQueue } from './ack.ts';
import { timing } from './dialect.ts';
import { MAX_ACK_ITEMS, parsePacket } from './wire.ts';

function framesOf(bytes: Uint8Array | null): number[] {
  const packet = bytes && parsePacket(bytes);
  assert.ok(packet && typeof packet === 'object' && packet.kind === 'acknowledge');
  assert.equal(packet.session, 3);
  assert.equal(packet.fps, 0, 'any other value throttles the camera');
  assert.ok(packet.items.every((item) => item.ack && item.packet === 0xffff));
  return packet.items.map((item) => item.frame);
}

test('frames are acknowledged once per packet, in order', () => {
  const queue = new AckQueue();
  assert.equal(queue.take(3), null);
  for (const frame of [5, 6, 5, 0xffff]) queue.add(frame);
  assert.deepEqual(framesOf(queue.take(3)), [5, 6, 0xffff]);
  assert.equal(queue.take(3), null);
  queue.add(5);
  assert.deepEqual(framesOf(queue.take(3)), [5], 'again when it comes again');
});

test('one packet holds what the device reads, the rest is forgotten', () => {
  const queue = new AckQueue();
  for (let frame = 0; frame < 500; frame++) queue.add(frame);
  assert.equal(framesOf(queue.take(3)).length, MAX_ACK_ITEMS);
});

test('enough media packets ask for a flush, but only when there is something to say', () => {
  const queue = new AckQueue();
  const count = (packets: number) => Array.from({ length: packets }, () => queue.countPacket()).at(-1);
  assert.equal(count(timing.acknowledgePackets * 2), false);
  queue.add(1);
  assert.equal(queue.countPacket(), true);
  queue.take(3);
  queue.add(2);
  assert.equal(count(timing.acknowledgePackets - 1), false);
  assert.equal(queue.countPacket(), true);
});
