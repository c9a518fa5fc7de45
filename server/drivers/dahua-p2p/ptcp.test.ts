// The stream against the simulated device's own PseudoTCP: exact in both directions whatever the network does, or lost.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { seededRandom } from '../../core/random.ts';
import type { DahuaSimulatorOptions } from '../../sim/dahua-p2p/options.ts';
import { PseudoTcp } from '../../sim/dahua-p2p/pseudo-tcp.ts';
import { ptcpLimits } from './dialect.ts';
import { Ptcp, type PtcpOutput } from './ptcp.ts';
import { SendQueue } from './send-queue.ts';
import { encodeSegment, PTCP_CTL, PTCP_RST, parseSegment, SYN_BODY } from './wire.ts';

/** Events in order of time; enough of a Clock for the simulator. */
class Timeline {
  nowMs = 0;
  #events: { atMs: number; fn: () => void; isCancelled: boolean }[] = [];
  monoMs = () => this.nowMs;
  wallMs = () => this.nowMs;
  sleep = () => Promise.reject(new Error('not here'));
  after(delayMs: number, fn: () => void) {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), fn, isCancelled: false };
    const at = this.#events.findIndex(({ atMs }) => atMs > event.atMs);
    this.#events.splice(at < 0 ? this.#events.length : at, 0, event);
    return {
      cancel: () => {
        event.isCancelled = true;
      },
    };
  }
  step(): boolean {
    const event = this.#events.shift();
    if (!event) return false;
    this.nowMs = Math.max(this.nowMs, event.atMs);
    if (!event.isCancelled) event.fn();
    return true;
  }
}

type Bad = { loss: number; duplicate: number; reorder: number };
type Play = Bad & {
  seed: number;
  upBytes: number;
  downBytes: number;
  clientSeq?: number;
  deviceSeq?: number;
} & Partial<Pick<DahuaSimulatorOptions, 'window' | 'packing' | 'maxFlightBytes'>>;

const hash = (chunks: readonly Uint8Array[]) => createHash('sha1').update(Buffer.concat(chunks)).digest('hex');

/** Sends random octets both ways until all came or the session is lost. */
function play(options: Play) {
  const { seed, loss, duplicate, reorder } = options;
  const random = seededRandom(seed);
  const line = new Timeline();
  const bytes = (length: number) => Uint8Array.from({ length }, () => random() * 256);
  const cut = (whole: Uint8Array, most: number) => {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < whole.length; ) {
      const length = 1 + Math.floor(random() * most);
      pieces.push(whole.slice(at, at + length));
      at += length;
    }
    return pieces;
  };
  const up = cut(bytes(options.upBytes), 1292);
  const down = cut(bytes(options.downBytes), 1292);
  const sums = { up: hash(up), down: hash(down) };
  const whole = { up: Buffer.concat(up), down: Buffer.concat(down) };
  const gotUp: Uint8Array[] = [];
  const gotDown: Uint8Array[] = [];
  let gotUpBytes = 0;
  let gotDownBytes = 0;

  const carry = (datagram: Uint8Array, deliver: (bytes: Uint8Array) => void) => {
    const copies = random() < loss ? 0 : random() < duplicate ? 2 : 1;
    for (let n = 0; n < copies; n++) {
      const delayMs = 20 + (random() < reorder ? random() * 100 : 0);
      line.after(delayMs, () => deliver(datagram.slice()));
    }
  };

  const client = new Ptcp(() => up.shift() ?? null, options.clientSeq ?? 0);
  const device = new PseudoTcp({
    ...{ clock: line, window: options.window ?? 'constant', packing: options.packing ?? 'aligned' },
    ...{ maxFlightBytes: options.maxFlightBytes ?? 65_535, initialSeq: options.deviceSeq ?? 0, timestampMs: 5000 },
    send: (datagram) =>
      carry(datagram, (each) => {
        out(client.receive(each, line.nowMs));
        // As after each turn of the event loop: what came at the same instant may share an acknowledgement.
        line.after(0, () => out(client.acknowledge(line.nowMs)));
      }),
    onOctets: (octets) => {
      gotUp.push(octets.slice());
      gotUpBytes += octets.length;
    },
    onDead: () => {},
  });
  let timer: { cancel(): void } | null = null;
  const out = ({ datagrams, pieces }: PtcpOutput) => {
    for (const datagram of datagrams) carry(datagram, (each) => device.receive(each));
    for (const piece of pieces) {
      gotDown.push(piece.slice());
      gotDownBytes += piece.length;
    }
    timer?.cancel();
    const dueMs = client.dueMs(up.length > 0);
    timer = dueMs === null ? null : line.after(dueMs - line.nowMs, () => out(client.tick(line.nowMs)));
  };
  out(client.start(0));
  for (const message of down) device.write(message);

  let steps = 0;
  const isDone = () => gotUpBytes === options.upBytes && gotDownBytes === options.downBytes && client.isIdle;
  while (!isDone() && client.state !== 'lost' && line.step()) assert.ok(++steps < 400_000, 'endless');
  const isPrefix =
    whole.up.subarray(0, gotUpBytes).equals(Buffer.concat(gotUp)) &&
    whole.down.subarray(0, gotDownBytes).equals(Buffer.concat(gotDown));
  return { isPrefix, client, device, isDone: isDone(), sums, got: { up: hash(gotUp), down: hash(gotDown) } };
}

const networks: Record<string, Bad> = {
  clean: { loss: 0, duplicate: 0, reorder: 0 },
  'loss 1 %': { loss: 0.01, duplicate: 0, reorder: 0 },
  'loss 5 %': { loss: 0.05, duplicate: 0, reorder: 0 },
  'loss 15 %': { loss: 0.15, duplicate: 0, reorder: 0 },
  'duplicates 20 %': { loss: 0, duplicate: 0.2, reorder: 0 },
  'reordered 30 %': { loss: 0, duplicate: 0, reorder: 0.3 },
  everything: { loss: 0.05, duplicate: 0.1, reorder: 0.2 },
};

for (const [name, network] of Object.entries(networks)) {
  for (const packing of ['aligned', 'packed'] as const) {
    test(`exact both ways: ${name}, ${packing}`, () => {
      for (let seed = 1; seed <= 8; seed++) {
        const played = play({ ...network, packing, seed, upBytes: 40_000, downBytes: 150_000 });
        assert.ok(played.isDone, `seed ${seed}: ${played.client.lostBecause}`);
        assert.deepEqual(played.got, played.sums);
        assert.equal(played.device.futureAcks, 0, 'never acknowledges what was not sent');
      }
    });
  }
}

test('at 30 % loss and more the stream is exact so far or the session is lost, never damaged', () => {
  let lost = 0;
  for (const loss of [0.3, 0.6, 0.9]) {
    for (let seed = 1; seed <= 10; seed++) {
      const played = play({ loss, duplicate: 0.1, reorder: 0.2, seed, upBytes: 20_000, downBytes: 40_000 });
      assert.ok(played.isPrefix, `seed ${seed}`);
      if (!played.isDone) lost++;
    }
  }
  assert.ok(lost > 0);
});

test('counters wrap at 2^32 in both directions', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const near = { clientSeq: 2 ** 32 - 5000 - seed, deviceSeq: 2 ** 32 - 7001 - seed };
    const played = play({ ...networks.everything!, ...near, seed, upBytes: 30_000, downBytes: 90_000 });
    assert.ok(played.isDone, played.client.lostBecause ?? '');
    assert.deepEqual(played.got, played.sums);
  }
});

test('a device that never reopens its window still takes 200 KB', () => {
  const played = play({ ...networks['loss 1 %']!, window: 'neverReopen', seed: 3, upBytes: 200_000, downBytes: 1000 });
  assert.ok(played.isDone, played.client.lostBecause ?? '');
  assert.deepEqual(played.got, played.sums);
  assert.ok(played.client.sendQueue.counts.windowProbes > 0);
});

test('in flight: eight kilobytes are enough', () => {
  const played = play({ ...networks.everything!, maxFlightBytes: 8192, seed: 9, upBytes: 10_000, downBytes: 200_000 });
  assert.ok(played.isDone);
  assert.deepEqual(played.got, played.sums);
});

const header = { ack: 4, control: 0, flags: 0, window: 65_535, tsval: 1, tsecr: 0 };
const syn = encodeSegment({ ...header, seq: 0, flags: PTCP_CTL, body: SYN_BODY });
const segment = (seq: number, body: string, changes = {}) =>
  encodeSegment({ ...header, seq, body: Buffer.from(body), ...changes });
const told = ({ pieces }: PtcpOutput) => Buffer.concat(pieces).toString();

function established(): Ptcp {
  const ptcp = new Ptcp(() => null);
  ptcp.start(0);
  const { datagrams } = ptcp.receive(syn, 10);
  assert.equal(datagrams.length, 1);
  const ack = parseSegment(datagrams[0]!);
  assert.deepEqual([ack.seq, ack.ack, ack.body.length], [4, 4, 0]);
  return ptcp;
}

test('what waited behind a hole does not count as a slow round trip', () => {
  const queue = new SendQueue(4);
  const body = new Uint8Array(100);
  queue.send(body, 0, 0);
  queue.send(body, 0, 0);
  queue.tick(1000);
  assert.equal(queue.takeAgain(1000, 1000).length, 1);
  queue.acknowledge({ ack: 204, window: 65_535, tsecr: 1000, isPureAck: true }, 1010, 1010);
  assert.equal(queue.srttMs, 10);
});

test('a repeated SYN is acknowledged and brings nothing', () => {
  const ptcp = established();
  const { datagrams, pieces } = ptcp.receive(syn, 20);
  assert.equal(parseSegment(datagrams[0]!).ack, 4);
  assert.deepEqual(pieces, []);
});

test('segments in order that come together share acknowledgements; anything else is acknowledged at once', () => {
  const ptcp = established();
  const acks = (bytes: Uint8Array) => ptcp.receive(bytes, 20).datagrams.map((each) => parseSegment(each).ack);
  assert.deepEqual(acks(segment(4, 'aa')), []);
  assert.deepEqual(acks(segment(6, 'bb')), []);
  assert.equal(ptcp.owesAck, true);
  assert.deepEqual(acks(segment(4, 'aa')), [8], 'a repeated one');
  assert.equal(ptcp.owesAck, false, 'one covers all');
  assert.deepEqual(ptcp.acknowledge(21).datagrams, []);
  assert.deepEqual(acks(segment(10, 'dd')), [8], 'a hole');
  assert.deepEqual(acks(segment(14, 'ff')), [8], 'another one');
  assert.deepEqual(acks(segment(8, 'cc')), [12], 'the first is filled, the second is not');
  assert.deepEqual(acks(segment(12, 'ee')), []);
  assert.deepEqual(
    [1, 2, 3].map((n) => acks(segment(14 + 2 * n, 'gg'))),
    [[], [], [22]],
    'not more than four',
  );
  assert.deepEqual(acks(segment(22, 'hh')), []);
  assert.equal(parseSegment(ptcp.acknowledge(22).datagrams[0]!).ack, 24);
});

test('an acknowledgement beyond what was sent is ignored, its body is not', () => {
  const ptcp = established();
  assert.equal(told(ptcp.receive(segment(4, 'ab', { ack: 5000 }), 20)), 'ab');
  assert.equal(ptcp.counts.futureAcks, 1);
  assert.equal(ptcp.state, 'established');
});

test('a notice that the sender gave up does not skip the hole', () => {
  const ptcp = established();
  assert.equal(told(ptcp.receive(segment(10, 'xx', { control: 1 }), 20)), '');
  assert.equal(ptcp.receiveStore?.rcvNxt, 4);
  assert.equal(ptcp.counts.gapNotices, 1);
});

test('a hole that nobody fills ends the session after 15 s', () => {
  const ptcp = established();
  ptcp.receive(segment(10, 'xx'), 100);
  for (let nowMs = 200; nowMs < 15_000; nowMs += 100) ptcp.receive(segment(12, 'yy'), nowMs);
  ptcp.tick(15_099);
  assert.equal(ptcp.state, 'established');
  assert.equal(ptcp.dueMs(false), 15_100);
  ptcp.tick(15_100);
  assert.equal(ptcp.state, 'lost');
});

test('a reset near the window ends the session, one from far away does not', () => {
  const ptcp = established();
  ptcp.receive(segment(2 ** 31, '', { flags: PTCP_RST }), 20);
  assert.equal(ptcp.state, 'established');
  ptcp.receive(segment(4, '', { flags: PTCP_RST }), 20);
  assert.equal(ptcp.state, 'lost');
});

test('the SYN is repeated at 0.5, 1.5, 3.5, 6.5 and 9.5 s and given up at 10 s', () => {
  const ptcp = new Ptcp(() => null);
  ptcp.start(0);
  const at: number[] = [];
  for (let nowMs = 0; nowMs <= 10_000 && ptcp.state === 'connecting'; nowMs += 100) {
    if (ptcp.tick(nowMs).datagrams.length > 0) at.push(nowMs);
  }
  assert.deepEqual(at, [500, 1500, 3500, 6500, 9500]);
  assert.equal(ptcp.state, 'lost');
});

test('what is never acknowledged ends the session within 30 s', () => {
  let isSent = false;
  const ptcp = new Ptcp(() => {
    const body = isSent ? null : Uint8Array.of(1);
    isSent = true;
    return body;
  });
  ptcp.start(0);
  ptcp.receive(syn, 0);
  let nowMs = 0;
  for (; ptcp.state === 'established' && nowMs < 60_000; nowMs += 50) {
    ptcp.tick(nowMs);
    ptcp.receive(segment(4, ''), nowMs);
  }
  assert.ok(nowMs <= ptcpLimits.noProgressMs + 100, `${nowMs}`);
});
