// The Wireshark dissector reads what driver and simulator say to each other; checked with tshark, where it is installed.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Endpoint, Net } from '../../net/net.ts';
import { DahuaWorld } from '../../test/dahua-world.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../../tools/wireshark/dahua.lua', import.meta.url));
const hasTshark = await run('tshark', ['--version']).then(
  () => true,
  () => false,
);

/** One datagram as a pcap record of raw IPv4. */
function record(bytes: Uint8Array, from: Endpoint, to: Endpoint, ms: number): Buffer {
  const length = 28 + bytes.length;
  const out = Buffer.alloc(16 + length);
  out.writeUInt32LE(Math.floor(ms / 1000), 0);
  out.writeUInt32LE(Math.floor((ms % 1000) * 1000), 4);
  out.writeUInt32LE(length, 8);
  out.writeUInt32LE(length, 12);
  const ip = out.subarray(16);
  ip[0] = 0x45;
  ip.writeUInt16BE(length, 2);
  ip[8] = 64;
  ip[9] = 17;
  ip.set(from.address.split('.').map(Number), 12);
  ip.set(to.address.split('.').map(Number), 16);
  ip.writeUInt16BE(from.port, 20);
  ip.writeUInt16BE(to.port, 22);
  ip.writeUInt16BE(8 + bytes.length, 24);
  ip.set(bytes, 28);
  return out;
}

function tapped(net: Net, own: string, nowMs: () => number, records: Buffer[]): Net {
  return {
    streams: net.streams,
    localAddressFor: (address) => net.localAddressFor(address),
    resolve: (host) => net.resolve(host),
    resolveAll: (host) => net.resolveAll(host),
    broadcastAddresses: () => [],
    openUdp: async (options) => {
      const socket = await net.openUdp(options);
      const local = { address: own, port: socket.local.port };
      return {
        local: socket.local,
        sendErrors: 0,
        onDatagram: (handler) =>
          socket.onDatagram((bytes, from) => {
            records.push(record(bytes, from, local, nowMs()));
            handler(bytes, from);
          }),
        send: (bytes, to) => {
          records.push(record(bytes, local, to, nowMs()));
          socket.send(bytes, to);
        },
        only: (peer) => socket.only(peer),
        close: () => socket.close(),
        [Symbol.asyncDispose]: () => socket.close(),
      };
    },
  };
}

test('the dissector names every datagram', { skip: !hasTshark && 'tshark is not installed' }, async () => {
  const world = await DahuaWorld.start();
  const records: Buffer[] = [];
  const net = tapped(world.recorder, '10.0.0.9', () => world.clock.monoMs(), records);
  for (const relay of ['never', 'always']) {
    const opening = world.tunnels.acquire(world.settings({ relay }), { ...world.context(), net }, null);
    await world.pass(opening);
    const lease = await opening;
    const client = await world.connect(lease);
    client.stream.write('SEND 20000 1');
    await world.until(() => client.bytes === 20_000);
    await world.clock.advance(6000);
    await world.pass(lease.release());
  }
  await world.stop();

  const folder = await mkdtemp(join(tmpdir(), 'perch-dissector-'));
  try {
    const head = Buffer.alloc(24);
    head.writeUInt32LE(0xa1b2c3d4, 0);
    head.writeUInt16LE(2, 4);
    head.writeUInt16LE(4, 6);
    head.writeUInt32LE(65_535, 16);
    head.writeUInt32LE(101, 20);
    const file = join(folder, 'dahua.pcap');
    await writeFile(file, Buffer.concat([head, ...records]));
    const { stdout } = await run(
      'tshark',
      [
        '-r',
        file,
        '-X',
        `lua_script:${script}`,
        '-T',
        'fields',
        '-e',
        '_ws.col.Protocol',
        '-e',
        '_ws.col.Info',
        '-e',
        'dahua_p2p.message.status',
      ],
      { maxBuffer: 1 << 24 },
    );
    const lines = stdout.trim().split('\n');
    assert.equal(lines.length, records.length);
    const foreign = lines.filter((line) => !line.startsWith('DAHUA'));
    assert.deepEqual(foreign, []);
    for (const wanted of [
      /PTCP SYN/,
      /PTCP data/,
      /bind/,
      /status.*CONN/,
      /status.*DISC/,
      /heartbeat/,
      /inverted STUN request/,
      /inverted STUN success/,
      /p2p-channel/,
      /relay\/unbind/,
      /100 Trying/,
    ]) {
      assert.ok(
        lines.some((line) => wanted.test(line)),
        String(wanted),
      );
    }
    assert.ok(!stdout.includes('TESTSN0000000001'), 'serial numbers are masked in the list');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
