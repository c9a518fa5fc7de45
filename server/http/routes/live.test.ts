// `WS /api/live` over real sockets, as `design/live-protocol.md` says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { ManualClock } from '../../core/manual-clock.ts';
import { fakeJpeg, LiveFixture, realJpeg } from '../../test/live/fixture.ts';
import { LiveClient } from '../../test/live/live-client.ts';
import { RawClient, until } from '../../test/live/raw-client.ts';

const OLD = 1;
const SHRUNK = 2;
const KEY = 4;

async function signedIn(perch: LiveFixture): Promise<LiveClient> {
  const client = await LiveClient.open(perch.port);
  client.send({ type: 'auth', token: perch.token });
  await client.text('hello');
  return client;
}

async function sessionCookie(perch: LiveFixture): Promise<string> {
  const { secret } = await perch.auth.authenticator.signIn('admin', 'correct horse', { address: '127.0.0.1' });
  return `perch_session=${secret}`;
}

test('many cameras over one socket: the newest picture at once, then each as it comes', async () => {
  await using perch = await LiveFixture.start(['a', 'b', 'c']);
  for (const [n, camera] of perch.cameras.entries()) camera.show(fakeJpeg(n), { width: 640, height: 480 });
  using client = await signedIn(perch);
  perch.cameras.forEach((camera, id) => {
    client.send({ type: 'subscribe', id, camera: camera.slug });
  });
  for (const [id, camera] of perch.cameras.entries()) {
    const subscribed = await client.text('subscribed', (text) => text.id === id);
    assert.deepEqual(subscribed.camera, { id: camera.id, slug: camera.slug, name: camera.config.name });
    const state = await client.text('state', (text) => text.id === id);
    assert.deepEqual([state.state, state.noSignal, state.error], ['live', false, null]);
    const { frame } = camera.hub.newestVideo!;
    assert.deepEqual(await client.picture(id), {
      kind: 1,
      flags: KEY,
      id,
      seq: 1,
      at: frame.at,
      skipped: 0,
      width: 640,
      height: 480,
      jpeg: fakeJpeg(id),
    });
  }
  for (let n = 10; n < 30; n++) {
    for (const [id, camera] of perch.cameras.entries()) {
      camera.show(fakeJpeg(n));
      const picture = await client.picture(id);
      assert.deepEqual([picture.jpeg, picture.skipped], [fakeJpeg(n), 0]);
      client.send({ type: 'ack', id, seq: picture.seq });
      await until(() => perch.cameras[id]!.hub.viewers === 1, 'the viewer is counted');
    }
  }
});

test('a client that does not acknowledge gets two pictures, then the newest when it does, and the count of the skipped', async () => {
  await using perch = await LiveFixture.start(['a', 'b']);
  using client = await signedIn(perch);
  client.send({ type: 'subscribe', id: 7, camera: 'a' });
  client.send({ type: 'subscribe', id: 8, camera: 'b' });
  await client.text('subscribed', (text) => text.id === 8);
  for (let n = 1; n <= 20; n++) perch.cameras[0]!.show(fakeJpeg(n));
  const [first, second] = [await client.picture(7), await client.picture(7)];
  assert.deepEqual([first.jpeg, second.jpeg], [fakeJpeg(1), fakeJpeg(2)]);
  perch.cameras[1]!.show(fakeJpeg(99));
  assert.deepEqual((await client.picture(8)).jpeg, fakeJpeg(99), 'the other camera is not held up');
  assert.equal(client.pictures.length, 0);
  client.send({ type: 'ack', id: 7, seq: second.seq });
  const third = await client.picture(7);
  assert.deepEqual([third.jpeg, third.seq, third.skipped], [fakeJpeg(20), 3, 17]);
});

test('acknowledgements of what was never sent mean nothing; the numbering goes on when an id is used again', async () => {
  await using perch = await LiveFixture.start(['a', 'b']);
  using client = await signedIn(perch);
  client.send({ type: 'ack', id: 1, seq: 5 });
  client.send({ type: 'subscribe', id: 1, camera: 'a' });
  await client.text('subscribed');
  client.send({ type: 'ack', id: 1, seq: 4_000_000_000 });
  perch.cameras[0]!.show(fakeJpeg(1));
  assert.equal((await client.picture(1)).seq, 1);
  client.send({ type: 'subscribe', id: 1, camera: 'b' });
  await client.text('subscribed');
  perch.cameras[1]!.show(fakeJpeg(2));
  const picture = await client.picture(1);
  assert.deepEqual([picture.seq, picture.jpeg], [2, fakeJpeg(2)]);
  assert.equal(perch.cameras[0]!.hub.viewers, 0);
  client.send({ type: 'unsubscribe', id: 1 });
  await until(() => perch.feeds.viewers === 0, 'nobody watches');
});

test('an outage is told 10 s after the last picture, and its end with the first new one', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['a'], clock);
  const camera = perch.camera;
  camera.show(fakeJpeg(1));
  const { at } = camera.hub.newestVideo!.frame;
  using client = await signedIn(perch);
  client.send({ type: 'subscribe', id: 0, camera: 'a' });
  await client.text('subscribed');
  assert.equal((await client.text('state')).noSignal, false);
  await client.picture();
  await clock.advance(9900);
  assert.equal(client.texts.length, 0);
  await clock.advance(200);
  const lost = await client.text('state');
  assert.deepEqual([lost.noSignal, lost.lastFrameAt], [true, new Date(at).toISOString()]);
  camera.state = 'backingOff';
  camera.error = { code: 'timeout', message: 'The camera is silent', at: 0 };
  const status = camera.status() as never;
  perch.bus.publish('camera.status', { camera: camera.id, slug: 'a', status });
  perch.bus.publish('camera.status', { camera: camera.id, slug: 'a', status });
  const away = await client.text('state');
  assert.deepEqual([away.state, away.error], ['backingOff', { code: 'timeout', message: 'The camera is silent' }]);
  using late = await signedIn(perch);
  late.send({ type: 'subscribe', id: 0, camera: 'a' });
  assert.equal((await late.text('state')).noSignal, true);
  assert.deepEqual([(await late.picture()).flags], [KEY | OLD], 'the last picture, to be dimmed');
  camera.state = 'live';
  camera.error = null;
  camera.show(fakeJpeg(2));
  assert.equal((await client.text('state')).noSignal, false);
  assert.deepEqual((await client.picture()).jpeg, fakeJpeg(2));
  assert.equal(client.texts.length, 0, 'each change is told once');
});

test('width and fps are per subscription', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['a'], clock);
  const picture = await realJpeg(640, 480);
  using client = await signedIn(perch);
  client.send({ type: 'subscribe', id: 0, camera: 'a', width: 160, fps: 2 });
  await client.text('subscribed');
  perch.camera.show(picture, { width: 640, height: 480 });
  const small = await client.picture();
  assert.deepEqual([small.flags, small.width, (await sharp(small.jpeg).metadata()).width], [KEY | SHRUNK, 160, 160]);
  client.send({ type: 'ack', id: 0, seq: small.seq });
  perch.camera.show(await realJpeg(640, 480, '#aa3322'), { width: 640, height: 480 });
  await clock.advance(400);
  assert.equal(client.pictures.length, 0, 'not before half a second');
  await clock.advance(120);
  assert.equal((await client.picture()).seq, 2);
});

test('who may: cookie, Bearer, Basic and a token in the first message; not ?token=, not a page of another origin', async () => {
  await using perch = await LiveFixture.start(['a']);
  const cookie = await sessionCookie(perch);
  const own = `http://127.0.0.1:${perch.port}`;
  const basic = `Basic ${Buffer.from('admin:correct horse').toString('base64')}`;
  const good: Record<string, string>[] = [
    { cookie },
    { cookie, origin: own },
    { authorization: `Bearer ${perch.token}`, origin: 'http://elsewhere.example' },
    { authorization: basic },
  ];
  for (const headers of good) {
    using client = await LiveClient.open(perch.port, headers);
    await client.text('hello');
  }
  const bad: Record<string, string>[] = [
    {},
    { cookie, origin: 'http://elsewhere.example' },
    { cookie, origin: `http://127.0.0.1:${perch.port + 1}` },
    { cookie, origin: 'null' },
    { authorization: basic, origin: 'http://elsewhere.example' },
    { cookie: 'perch_session=nonsense' },
  ];
  for (const headers of bad) {
    using client = await LiveClient.open(perch.port, headers);
    client.send({ type: 'subscribe', id: 0, camera: 'a' });
    assert.equal(await client.end(), 4401, JSON.stringify(headers));
  }
  using wrong = await LiveClient.open(perch.port);
  wrong.send({ type: 'auth', token: 'A'.repeat(43) });
  assert.equal(await wrong.end(), 4401);
  using foreign = await LiveClient.open(perch.port, { cookie, origin: 'http://elsewhere.example' });
  foreign.send({ type: 'auth', token: perch.token });
  await foreign.text('hello');
});

test('a caller sees only its cameras, and is out at once when its token is taken back', async () => {
  await using perch = await LiveFixture.start(['a', 'b']);
  const user = perch.auth.accounts.all()[0]!;
  const made = perch.auth.apiTokens.add({ name: 't', scope: 'stream', cameras: ['cam_b'], expiresAt: null }, user.id);
  using client = await LiveClient.open(perch.port);
  client.send({ type: 'auth', token: made.secret });
  client.send({ type: 'subscribe', id: 0, camera: 'a' });
  client.send({ type: 'subscribe', id: 1, camera: 'b' });
  const ended = await client.text('ended');
  assert.deepEqual([ended.id, ended.code], [0, 'not_found']);
  await client.text('subscribed', (text) => text.id === 1);
  perch.auth.apiTokens.remove(made.token.id);
  assert.equal(await client.end(), 4401);
  await until(() => perch.feeds.viewers === 0, 'nobody watches');
  assert.equal(perch.auth.revocations.size, 0);
});

test('a camera that is removed ends its subscription only; a stop of Perch ends the socket with 1001', async () => {
  await using perch = await LiveFixture.start(['a', 'b']);
  using client = await signedIn(perch);
  client.send({ type: 'subscribe', id: 0, camera: 'a' });
  client.send({ type: 'subscribe', id: 1, camera: 'b' });
  await client.text('subscribed', (text) => text.id === 1);
  perch.bus.publish('camera.removed', { camera: 'cam_a', slug: 'a', name: 'a' });
  assert.deepEqual((await client.text('ended')).code, 'not_found');
  perch.cameras[1]!.show(fakeJpeg(1));
  await client.picture(1);
  const closing = perch.app.close();
  assert.equal(await client.end(), 1001);
  await closing;
});

test('hostile messages end the socket and nothing else', async () => {
  await using perch = await LiveFixture.start(['a']);
  const hostile: (object | string)[] = [
    'no json',
    '[]',
    'null',
    '7',
    { type: 'dance' },
    { type: 'subscribe', id: -1, camera: 'a' },
    { type: 'subscribe', id: 1.5, camera: 'a' },
    { type: 'subscribe', id: 1, camera: 'x'.repeat(1000) },
    { type: 'subscribe', id: 1, camera: { toString: 'a' } },
    { type: 'subscribe', id: 1, camera: 'a', kind: 'gif' },
    { type: 'subscribe', id: 1, camera: 'a', width: 1e9 },
    { type: 'subscribe', id: 1, camera: 'a', fps: -1 },
    { type: 'ack', id: 1, seq: 1e99 },
    { type: 'auth', token: perch.token },
    'x'.repeat(5000),
  ];
  for (const message of hostile) {
    using client = await signedIn(perch);
    client.send(message);
    assert.equal(await client.end(), 4400, JSON.stringify(message).slice(0, 80));
  }
  using binary = await signedIn(perch);
  binary.sendBytes(new Uint8Array(10));
  assert.equal(await binary.end(), 4400);
  using huge = await signedIn(perch);
  huge.send('x'.repeat(100_000));
  assert.equal(await huge.end(), 1009);
  using flood = await signedIn(perch);
  for (let n = 0; n < 20_100; n++) flood.send({ type: 'ack', id: 0, seq: 1 });
  assert.equal(await flood.end(), 4429);
  using greedy = await signedIn(perch);
  for (let id = 0; id < 65; id++) greedy.send({ type: 'subscribe', id, camera: 'a' });
  const ended = await greedy.text('ended');
  assert.deepEqual([ended.id, ended.code], [64, 'exhausted']);
  greedy.close();
  await until(() => perch.feeds.viewers === 0 && perch.camera.hub.readers === 0, 'nothing is left behind');
});

test('a socket that does not sign in, and one that falls silent, are ended', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['a'], clock);
  const handshake = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  using unknown = await RawClient.open(perch.port, '/api/live', handshake);
  assert.equal((await unknown.head()).status, 101);
  await clock.advance(8000);
  assert.deepEqual([...(await unknown.bytes(4))].slice(2), [4401 >> 8, 4401 & 0xff]);
  await clock.advance(4000);
  await unknown.end();
  using silent = await RawClient.open(perch.port, '/api/live', [...handshake, `Authorization: Bearer ${perch.token}`]);
  assert.equal((await silent.head()).status, 101);
  await clock.advance(25_000);
  await until(() => silent.pending.includes(Buffer.from([0x89, 0])), 'a ping');
  await clock.advance(25_000);
  await silent.end();
  await until(() => clock.timers === 0, 'no timer is left');
});

test('a client that does not read holds one picture, is not sent more, and is ended', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['a'], clock);
  using client = await signedIn(perch);
  client.send({ type: 'subscribe', id: 0, camera: 'a' });
  await client.text('subscribed');
  using stuck = await RawClient.open(perch.port, '/api/live', [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Authorization: Bearer ${perch.token}`,
  ]);
  await stuck.head();
  stuck.socket.pause();
  // 64 subscriptions with two unacknowledged pictures each are more than the kernel takes: the rest must wait outside.
  for (let id = 0; id < 64; id++) stuck.socket.write(masked({ type: 'subscribe', id, camera: 'a' }));
  await until(() => perch.camera.hub.viewers === 65, 'all subscriptions are there');
  for (let n = 0; n < 4; n++) perch.camera.show(fakeJpeg(n, 1_000_000));
  assert.equal((await client.picture()).jpeg.length, 1_000_000);
  for (let waited = 0; waited < 40_000; waited += 2000) {
    await clock.advance(2000);
    client.send({ type: 'ack', id: 0, seq: 0 });
  }
  await until(() => perch.camera.hub.viewers <= 1, 'the stuck socket is gone');
});

/** One masked text frame, as clients must send it. */
function masked(message: object): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
