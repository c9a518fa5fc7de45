// Connections of one address: who waits longest goes first, honest clients always get in.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { ManualClock } from '../../core/manual-clock.ts';
import { boundConnections, MAX_CONNECTIONS_PER_ADDRESS, MAX_WAITING_PER_ADDRESS } from './connections.ts';

class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly server: Server;
  readonly sockets: Socket[] = [];
  accepted = 0;

  private constructor(behindProxy: boolean) {
    this.server = createServer((request, response) => {
      response.writeHead(200);
      if (request.url === '/stream') response.write('for ever');
      else if (request.url !== '/never') response.end('ok');
    });
    boundConnections(this.server, { clock: this.clock, behindProxy });
    this.server.on('connection', () => this.accepted++);
  }

  static async start(behindProxy = false): Promise<World> {
    const world = new World(behindProxy);
    world.server.listen(0, '127.0.0.1');
    await once(world.server, 'listening');
    return world;
  }

  /** A connection that has reached the server, with these bytes sent. */
  async open(bytes = '', from = '127.0.0.1'): Promise<Socket> {
    const port = (this.server.address() as { port: number }).port;
    const before = this.accepted;
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    socket.on('error', () => {});
    this.sockets.push(socket);
    if (bytes) socket.write(bytes);
    while (this.accepted === before) await once(this.server, 'connection');
    return socket;
  }

  async many(count: number, bytes = '', from?: string): Promise<Socket[]> {
    const opened: Socket[] = [];
    for (let n = 0; n < count; n++) opened.push(await this.open(bytes, from));
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.closeAllConnections();
    this.server.close();
  }
}

const answered = async (socket: Socket) => /200 OK/.test(String((await once(socket, 'data'))[0]));
const HALF = 'POST /never HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhal';

test('beyond the bound the one that has waited longest goes, streams stay, an honest request is answered', async () => {
  await using world = await World.start();
  const stream = await world.open('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.ok(await answered(stream));
  const [idle, slow, ...rest] = [
    ...(await world.many(1)),
    ...(await world.many(1, HALF)),
    ...(await world.many(MAX_WAITING_PER_ADDRESS - 2, 'GET / HTTP/1.1\r\nHo')),
  ];
  await world.clock.advance(3000);
  const gone = [idle, slow].map((socket) => once(socket!, 'close'));
  assert.ok(await answered(await world.open('GET / HTTP/1.1\r\nHost: a\r\n\r\n')));
  await world.open();
  await world.open();
  await Promise.all(gone);
  assert.ok(!stream.destroyed && !rest.at(-1)!.destroyed);
});

test('a burst of honest clients is not cut down: the smaller bound holds after some patience only', async () => {
  await using world = await World.start();
  const burst = await world.many(MAX_WAITING_PER_ADDRESS + 50);
  for (const socket of burst) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.ok((await Promise.all(burst.map(answered))).every(Boolean));
});

test('slow senders of a burst are closed soon, a few at a time, without anybody else knocking', async () => {
  await using world = await World.start();
  const burst = await world.many(MAX_WAITING_PER_ADDRESS + 150, 'GET / HTTP/1.1\r\nHo');
  const open = () => new Promise<number>((resolve) => world.server.getConnections((_, count) => resolve(count)));
  await world.clock.advance(1900);
  assert.equal(await open(), burst.length, 'an honest burst has this long');
  await world.clock.advance(200);
  const first = await open();
  assert.ok(first < burst.length && first > MAX_WAITING_PER_ADDRESS, `${first}`);
  await world.clock.advance(1000);
  while ((await open()) > MAX_WAITING_PER_ADDRESS) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(world.clock.timers, 0, 'nothing is left to do');
  assert.ok(!burst.at(-1)!.destroyed);
});

test('an address has so many connections; other addresses still come in; all is forgotten at the end', async () => {
  await using world = await World.start();
  const streams = await world.many(MAX_CONNECTIONS_PER_ADDRESS, 'GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
  await Promise.all(streams.slice(-5).map(answered));
  const refused = await world.open('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(refused, 'close');
  assert.ok(await answered(await world.open('GET / HTTP/1.1\r\nHost: a\r\n\r\n', '127.0.0.9')));
  streams[0]!.destroy();
  while (!(await fits(world))) await new Promise((resolve) => setImmediate(resolve));
});

test('behind a proxy, which is everybody, busy connections are not counted', async () => {
  await using world = await World.start(true);
  const streams = await world.many(MAX_CONNECTIONS_PER_ADDRESS, 'GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
  await Promise.all(streams.slice(-5).map(answered));
  assert.ok(await answered(await world.open('GET / HTTP/1.1\r\nHost: a\r\n\r\n')));
});

async function fits(world: World): Promise<boolean> {
  const socket = await world.open('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return Promise.race([answered(socket), once(socket, 'close').then(() => false)]);
}
