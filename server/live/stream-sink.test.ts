// The sink on plain and on TLS connections: what a slow client costs, and what it is told.

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { testCertificate } from '../test/live/certificate.ts';
import { STUCK_MS, StreamSink } from './stream-sink.ts';

/** A server that hands each response to `take`, and a client with its request sent. */
async function pair(tls: boolean, take: (response: ServerResponse) => void): Promise<{ client: Socket } & Disposable> {
  const server = tls
    ? createTlsServer(testCertificate, (_request, response) => take(response))
    : createServer((_request, response) => take(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = tls ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  return {
    client,
    [Symbol.dispose]() {
      client.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}

for (const tls of [false, true]) {
  test(`a slow client: busy, then told that there is room, and nothing is lost (${tls ? 'TLS' : 'plain'})`, async () => {
    const chunk = Buffer.alloc(1_000_000, 'x');
    let written = 0;
    const room = Promise.withResolvers<void>();
    const full = Promise.withResolvers<StreamSink>();
    using both = await pair(tls, (response) => {
      const sink = new StreamSink(response);
      sink.open({ 'Content-Type': 'x/y' }, { onReady: () => room.resolve(), onClose: () => {} }, () =>
        sink.writeOne(chunk),
      );
      written = 1;
      const more = () => {
        for (; sink.idle && written < 60; written++) sink.writeOne(chunk);
        if (sink.idle) setImmediate(more);
        else full.resolve(sink);
      };
      more();
    });
    both.client.pause();
    const sink = await full.promise;
    assert.ok(written < 60, 'at some point the kernel takes no more');
    assert.equal(sink.endIfStuck(0), false);
    let received = 0;
    both.client.on('data', (bytes) => {
      received += bytes.length;
    });
    both.client.resume();
    await room.promise;
    assert.equal(sink.idle, true);
    assert.equal(sink.endIfStuck(STUCK_MS * 2), false, 'it has moved');
    sink.end();
    await new Promise((resolve) => both.client.once('close', resolve));
    assert.ok(
      received > written * chunk.length && received < written * chunk.length + 1000,
      `${received} of ${written} MB`,
    );
  });
}

test('a client that never reads is ended after its time, once', async () => {
  const full = Promise.withResolvers<StreamSink>();
  let closes = 0;
  using both = await pair(false, (response) => {
    const sink = new StreamSink(response);
    sink.open({}, { onReady: () => {}, onClose: () => closes++ }, () => sink.writeOne(Buffer.alloc(50_000_000)));
    full.resolve(sink);
  });
  both.client.pause();
  const sink = await full.promise;
  assert.deepEqual([sink.endIfStuck(1000), sink.endIfStuck(1000 + STUCK_MS - 1)], [false, false]);
  assert.equal(sink.endIfStuck(1000 + STUCK_MS), true);
  sink.destroy();
  assert.deepEqual([sink.closed, closes], [true, 1]);
});
