import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError } from '../core/nvr-error.ts';
import { MemoryNet } from './memory-net.ts';
import type { Endpoint, UdpSocket } from './net.ts';

function inbox(socket: UdpSocket) {
  const arrived: Array<{ text: string; from: Endpoint }> = [];
  socket.onDatagram((bytes, from) => arrived.push({ text: Buffer.from(bytes).toString(), from }));
  return arrived;
}

test('a datagram goes from host to host and carries its source', async () => {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const a = await net.host('10.0.0.1').openUdp({ port: 1000 });
  const b = await net.host('10.0.0.2').openUdp();
  const arrived = inbox(b);
  const bytes = Buffer.from('hello');
  a.send(bytes, { address: '10.0.0.2', port: b.local.port });
  bytes.fill(0);
  assert.equal(arrived.length, 0, 'nothing arrives in no time');
  await clock.advance(1);
  assert.deepEqual(arrived, [{ text: 'hello', from: { address: '10.0.0.1', port: 1000 } }]);
});

test('a taken port is a conflict; the same port on another address or after close is free', async () => {
  const net = new MemoryNet({ clock: new ManualClock() });
  const host = net.host('127.0.0.1', '127.0.0.2');
  const first = await host.openUdp({ address: '127.0.0.1', port: 5000 });
  await assert.rejects(host.openUdp({ address: '127.0.0.1', port: 5000 }), (e) => isNvrError(e, 'conflict'));
  await assert.rejects(host.openUdp({ port: 5000 }), (e) => isNvrError(e, 'conflict'));
  await host.openUdp({ address: '127.0.0.2', port: 5000 });
  await first.close();
  await first.close();
  await host.openUdp({ address: '127.0.0.1', port: 5000 });
  await assert.rejects(host.openUdp({ address: '10.9.9.9' }), (e) => isNvrError(e, 'unavailable'));
});

test('any port gives different ports', async () => {
  const net = new MemoryNet({ clock: new ManualClock() });
  const ports = new Set<number>();
  for (let n = 0; n < 50; n++) ports.add((await net.host('10.0.0.1').openUdp()).local.port);
  assert.equal(ports.size, 50);
});

test('a cut loses everything between two hosts until it is mended', async () => {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const a = await net.host('10.0.0.1').openUdp();
  const b = await net.host('10.0.0.2').openUdp({ port: 7 });
  const arrived = inbox(b);
  for (const [cut, mend] of [
    [() => net.cut('10.0.0.1', '10.0.0.2'), () => net.mend('10.0.0.1', '10.0.0.2')],
    [() => net.cut('10.0.0.2'), () => net.mend('10.0.0.2')],
  ] as const) {
    cut();
    a.send(Buffer.from('lost'), { address: '10.0.0.2', port: 7 });
    await clock.advance(1);
    mend();
    a.send(Buffer.from('there'), { address: '10.0.0.2', port: 7 });
    await clock.advance(1);
  }
  assert.deepEqual(
    arrived.map(({ text }) => text),
    ['there', 'there'],
  );
  assert.equal(net.stats.cut, 2);
});

test('a closed port and an unknown host swallow datagrams silently', async () => {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const a = await net.host('10.0.0.1').openUdp();
  net.host('10.0.0.2');
  a.send(Buffer.from('x'), { address: '10.0.0.2', port: 9 });
  a.send(Buffer.from('x'), { address: '10.0.0.77', port: 9 });
  await clock.advance(1);
  assert.equal(net.stats.unreachable, 2);
  assert.equal(a.sendErrors, 0);
});

test('sending on a closed socket, to port 0, or a broadcast without permission counts as a send error', async () => {
  const net = new MemoryNet({ clock: new ManualClock() });
  const a = await net.host('10.0.0.1').openUdp();
  a.send(Buffer.from('x'), { address: '10.0.0.255', port: 9 });
  a.send(Buffer.from('x'), { address: '10.0.0.2', port: 0 });
  await a.close();
  a.send(Buffer.from('x'), { address: '10.0.0.2', port: 9 });
  assert.equal(a.sendErrors, 3);
  assert.equal(net.stats.sent, 0);
});

test('a broadcast reaches the neighbors that listen on all addresses', async () => {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const asker = net.host('10.0.0.1');
  const a = await asker.openUdp({ broadcast: true });
  const neighbor = inbox(await net.host('10.0.0.2').openUdp({ port: 10104 }));
  const bound = inbox(await net.host('10.0.0.3').openUdp({ port: 10104, address: '10.0.0.3' }));
  const stranger = inbox(await net.host('10.0.1.2').openUdp({ port: 10104 }));
  assert.deepEqual(asker.broadcastAddresses(), ['10.0.0.255']);
  assert.deepEqual(net.host('127.0.0.1').broadcastAddresses(), []);
  for (const address of ['10.0.0.255', '255.255.255.255']) a.send(Buffer.from('?'), { address, port: 10104 });
  await clock.advance(1);
  assert.equal(neighbor.length, 2);
  assert.equal(bound.length, 0);
  assert.equal(stranger.length, 0);
});

test('a host with two networks answers from the one that the peer is on', async () => {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const both = net.host('10.0.0.1', '192.168.1.1');
  const arrived = inbox(await net.host('192.168.1.9').openUdp({ port: 5 }));
  const socket = await both.openUdp();
  assert.equal(await both.localAddressFor('192.168.1.9'), '192.168.1.1');
  assert.equal(await both.localAddressFor('10.0.0.9'), '10.0.0.1');
  socket.send(Buffer.from('x'), { address: '192.168.1.9', port: 5 });
  await clock.advance(1);
  assert.equal(arrived[0]?.from.address, '192.168.1.1');
});

test('names resolve when they were given, addresses always', async () => {
  const net = new MemoryNet({ clock: new ManualClock() });
  net.setName('camera.lan', '10.0.0.2');
  const host = net.host('10.0.0.1');
  assert.equal(await host.resolve('camera.lan'), '10.0.0.2');
  assert.equal(await host.resolve('10.0.0.3'), '10.0.0.3');
  net.setName('service.lan', '10.0.0.4', '10.0.0.5');
  assert.deepEqual(await host.resolveAll('service.lan'), ['10.0.0.4', '10.0.0.5']);
  assert.equal(await host.resolve('service.lan'), '10.0.0.4');
  await assert.rejects(host.resolve('nobody.lan'), (e) => isNvrError(e, 'unavailable'));
  await assert.rejects(host.localAddressFor('not an address'), (e) => isNvrError(e, 'unavailable'));
});

test('faults can be set for all paths, for one direction, and are the same for the same seed', async () => {
  async function run(seed: number) {
    const clock = new ManualClock();
    const net = new MemoryNet({ clock, seed, faults: { loss: 0.3 } });
    const a = await net.host('10.0.0.1').openUdp();
    const b = await net.host('10.0.0.2').openUdp({ port: 7 });
    const arrived = inbox(b);
    for (let n = 0; n < 100; n++) a.send(Buffer.from(String(n)), { address: '10.0.0.2', port: 7 });
    await clock.advance(5);
    return { net, a, arrived, clock };
  }
  const { net, a, arrived, clock } = await run(3);
  assert.deepEqual(arrived, (await run(3)).arrived);
  assert.notEqual(arrived.length, 100);
  net.setFaults({ loss: 0 });
  arrived.length = 0;
  for (let n = 0; n < 100; n++) a.send(Buffer.from('x'), { address: '10.0.0.2', port: 7 });
  await clock.advance(5);
  assert.equal(arrived.length, 100);
  net.setFaults({ loss: 1 }, '10.0.0.1', '10.0.0.2');
  a.send(Buffer.from('x'), { address: '10.0.0.2', port: 7 });
  await clock.advance(5);
  assert.equal(arrived.length, 100);
});
