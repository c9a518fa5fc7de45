import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import type { Endpoint } from './net.ts';
import { systemNet } from './system-net.ts';

test('a datagram arrives with its sender, and keeps its bytes', async () => {
  await using receiver = await systemNet.openUdp({ address: '127.0.0.1', receiveBufferBytes: 1 << 20 });
  await using sender = await systemNet.openUdp({ address: '127.0.0.2' });
  const got: { bytes: Uint8Array; from: Endpoint }[] = [];
  const two = new Promise<void>((resolve) => {
    receiver.onDatagram((bytes, from) => {
      got.push({ bytes, from });
      if (got.length === 2) resolve();
    });
  });
  sender.send(Uint8Array.of(1, 2, 3), receiver.local);
  sender.send(Uint8Array.of(4), receiver.local);
  await two;
  assert.deepEqual([...got[0]!.bytes], [1, 2, 3]);
  assert.deepEqual([...got[1]!.bytes], [4]);
  assert.equal(got[0]!.from.address, '127.0.0.2');
  assert.equal(got[0]!.from.port, sender.local.port);
});

test('a taken port is a conflict, and is free after close', async () => {
  const first = await systemNet.openUdp({ address: '127.0.0.1' });
  const { port } = first.local;
  await assert.rejects(systemNet.openUdp({ address: '127.0.0.1', port }), (error) => isNvrError(error, 'conflict'));
  await first.close();
  await first.close();
  await using again = await systemNet.openUdp({ address: '127.0.0.1', port });
  assert.equal(again.local.port, port);
});

test('an address of another host cannot be bound', async () => {
  await assert.rejects(systemNet.openUdp({ address: '192.0.2.1' }), (error) => isNvrError(error, 'unavailable'));
});

test('sending nonsense is counted, never thrown; after close it is ignored', async () => {
  const socket = await systemNet.openUdp({ address: '127.0.0.1' });
  socket.send(Uint8Array.of(1), { address: '127.0.0.1', port: 0 });
  socket.send(Uint8Array.of(1), { address: '127.0.0.1', port: 70000 });
  socket.send(Uint8Array.of(1), { address: 'a.name', port: 9 });
  await socket.close();
  assert.ok(socket.sendErrors >= 2, `${socket.sendErrors}`);
  socket.send(Uint8Array.of(1), { address: '127.0.0.1', port: 9 });
});

test('the local address is chosen by route', async () => {
  assert.equal(await systemNet.localAddressFor('127.0.0.9'), '127.0.0.1');
  await assert.rejects(systemNet.localAddressFor('no address'), (error) => isNvrError(error, 'unavailable'));
});

test('addresses resolve to themselves, nonsense does not resolve', async () => {
  assert.equal(await systemNet.resolve('127.0.0.3'), '127.0.0.3');
  assert.equal(await systemNet.resolve('localhost'), '127.0.0.1');
  assert.deepEqual(await systemNet.resolveAll('127.0.0.3'), ['127.0.0.3']);
  assert.ok((await systemNet.resolveAll('localhost')).includes('127.0.0.1'));
  await assert.rejects(systemNet.resolve('no such host.invalid'), (error) => isNvrError(error, 'unavailable'));
});

test('broadcast addresses are dotted and never loopback', () => {
  for (const address of systemNet.broadcastAddresses()) {
    assert.match(address, /^\d+\.\d+\.\d+\.\d+$/);
    assert.ok(!address.startsWith('127.'));
  }
});

test('with only one peer the kernel keeps the others out of the receive buffer', async () => {
  await using socket = await systemNet.openUdp({ address: '127.0.0.1', receiveBufferBytes: 64 * 1024 });
  await using peer = await systemNet.openUdp({ address: '127.0.0.1' });
  await using stranger = await systemNet.openUdp({ address: '127.0.0.66' });
  const heard: string[] = [];
  let wake = () => {};
  socket.onDatagram((bytes, from) => {
    heard.push(`${from.address}:${from.port} ${bytes.length}`);
    wake();
  });
  const next = () => new Promise<void>((resolve) => (wake = resolve));
  const peerName = `127.0.0.1:${peer.local.port}`;
  socket.only(peer.local);
  peer.send(Buffer.alloc(1), socket.local);
  await next(); // it is connected by then
  // All in one turn, more than the buffer holds: nobody reads meanwhile.
  for (let n = 0; n < 2000; n++) stranger.send(Buffer.alloc(1000), socket.local);
  peer.send(Buffer.alloc(2), socket.local);
  await next();
  assert.deepEqual(heard, [`${peerName} 1`, `${peerName} 2`]);
  const answered = new Promise<number>((resolve) => peer.onDatagram((bytes) => resolve(bytes.length)));
  socket.send(Buffer.alloc(3), peer.local);
  socket.send(Buffer.alloc(3), stranger.local);
  assert.equal(await answered, 3);
  assert.equal(socket.sendErrors, 1, 'to others nothing is sent');
});
