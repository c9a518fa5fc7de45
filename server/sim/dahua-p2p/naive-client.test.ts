// The simulator proved: a client as the public proofs of concept are (one datagram is one message, acknowledgement = sum of
// the lengths that came) works on a clean network and gets stuck or corrupt after one repeated datagram. If it survived that,
// the simulator would be too kind to prove anything about the driver.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../core/manual-clock.ts';
import {
  encodeMessage,
  encodeSegment,
  PTCP_CTL,
  parseMessage,
  parseSegment,
  SYN_BODY,
} from '../../drivers/dahua-p2p/wire.ts';
import { PseudoTcp } from './pseudo-tcp.ts';

const MESSAGES = 300;

async function run(
  repeatAt: number | null,
): Promise<{ received: string; retransmissions: number; futureAcks: number }> {
  const clock = new ManualClock();
  let sent = 0;
  let got = 0;
  let count = 0;
  let messages = 0;
  const received: number[] = [];
  const toDevice = (body: Uint8Array, flags = 0) => {
    const bytes = encodeSegment({
      seq: sent,
      ack: got,
      control: 0,
      flags,
      window: 0xffff - messages,
      tsval: count++,
      tsecr: 0,
      body,
    });
    sent += body.length;
    if (body.length > 0 && flags === 0) messages++;
    clock.after(10, () => device.receive(bytes));
  };
  const onDatagram = (bytes: Uint8Array) => {
    const { body, flags } = parseSegment(bytes);
    got += body.length;
    if (body.length === 0) return;
    toDevice(new Uint8Array());
    if (flags & PTCP_CTL) return;
    const message = parseMessage(body);
    if (message.kind === 'data') received.push(message.data[0]! * 256 + message.data[1]!);
  };
  let datagrams = 0;
  const device = new PseudoTcp({
    ...{ clock, window: 'neverReopen', packing: 'aligned', maxFlightBytes: 8192, initialSeq: 0, timestampMs: 0 },
    send: (bytes) => {
      const copies = datagrams++ === repeatAt ? 2 : 1;
      for (let n = 0; n < copies; n++) clock.after(10, () => onDatagram(bytes.slice()));
    },
    onOctets: () => {},
    onDead: () => {},
  });
  toDevice(SYN_BODY, PTCP_CTL);
  await clock.advance(100);
  for (let n = 0; n < MESSAGES; n++) {
    const data = new Uint8Array(1000);
    data[0] = n >> 8;
    data[1] = n;
    device.write(encodeMessage({ kind: 'data', realm: 1, data }));
    await clock.advance(5);
  }
  await clock.advance(120_000);
  device.close();
  return { received: received.join(), retransmissions: device.retransmissions, futureAcks: device.futureAcks };
}

const all = Array.from({ length: MESSAGES }, (_, n) => n).join();

test('a naive client works on a clean network', async () => {
  const { received, retransmissions } = await run(null);
  assert.equal(received, all);
  assert.equal(retransmissions, 0);
});

test('a naive client does not survive one repeated datagram', async () => {
  const { received, futureAcks } = await run(40);
  assert.notEqual(received, all);
  assert.ok(futureAcks > 0, 'it acknowledged what was never sent');
});
