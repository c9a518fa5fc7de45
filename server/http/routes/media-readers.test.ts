// Slow, stuck, leaving and pipelining readers, and the plain stream of true frames.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../core/manual-clock.ts';
import { STUCK_MS } from '../../live/stream-sink.ts';
import { fakeJpeg, LiveFixture } from '../../test/live/fixture.ts';
import { RawClient, until } from '../../test/live/raw-client.ts';

const FRAME_BYTES = 200_000;
/** More than any kernel buffers for one connection on loopback. */
const FLOOD_FRAMES = 150;

test('a client that reads slowly skips to the newest picture, and the others do not notice', async () => {
  // Time stands still, or a busy machine would make repeats of pictures that have no successor for 250 ms.
  await using perch = await LiveFixture.start(['porch'], new ManualClock());
  const path = `/cameras/porch/mjpeg?token=${perch.token}`;
  using slow = await RawClient.open(perch.port, path);
  using quick = await RawClient.open(perch.port, path);
  perch.camera.show(fakeJpeg(0, FRAME_BYTES));
  for (const client of [slow, quick]) {
    await client.head();
    await client.part();
    await client.part();
  }
  slow.socket.pause();
  for (let n = 1; n <= FLOOD_FRAMES; n++) {
    perch.camera.show(fakeJpeg(n, FRAME_BYTES));
    assert.deepEqual((await quick.part()).body.readUInt32BE(2), n);
  }
  slow.socket.resume();
  const seen: number[] = [];
  while (seen.at(-1) !== FLOOD_FRAMES) seen.push((await slow.part()).body.readUInt32BE(2));
  assert.ok(seen.length < FLOOD_FRAMES, `${seen.length} parts`);
  assert.ok(
    seen.every((n, i) => i === 0 || n >= seen[i - 1]!),
    'in order',
  );
});

test('a client that does not read at all is ended; its memory is one picture', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  using stuck = await RawClient.open(perch.port, `/cameras/porch/mjpeg?token=${perch.token}`);
  await stuck.head();
  stuck.socket.pause();
  for (let n = 0; n < FLOOD_FRAMES; n++) {
    perch.camera.show(fakeJpeg(n, FRAME_BYTES));
    await clock.advance(50);
  }
  assert.equal(perch.feeds.viewers, 1);
  for (let waited = 0; waited < STUCK_MS + 10_000; waited += 1000) await clock.advance(1000);
  await until(() => perch.feeds.viewers === 0 && perch.camera.hub.readers === 0, 'the stuck viewer is gone');
});

test('a client that leaves in the middle of a part is forgotten at once', async () => {
  await using perch = await LiveFixture.start();
  const client = await RawClient.open(perch.port, `/cameras/porch/mjpeg?token=${perch.token}`);
  perch.camera.show(fakeJpeg(1, FRAME_BYTES));
  await client.bytes(1000);
  assert.equal(perch.camera.hub.viewers, 1);
  client.socket.resetAndDestroy();
  await until(() => perch.camera.hub.viewers === 0 && perch.feeds.cameras === 0, 'nobody watches');
  perch.camera.show(fakeJpeg(2));
});

test('a second request behind an endless answer opens no second viewer', async () => {
  await using perch = await LiveFixture.start();
  perch.camera.show(fakeJpeg(1));
  const request = `GET /cameras/porch/mjpeg?token=${perch.token} HTTP/1.1\r\nHost: x\r\n\r\n`;
  using piped = await RawClient.open(perch.port, '/healthz', [], 'GET');
  piped.socket.write(request.repeat(20));
  await until(() => perch.feeds.viewers <= 1, 'at most one viewer');
  using later = await RawClient.open(perch.port, `/cameras/porch/mjpeg?token=${perch.token}`);
  await later.head();
  await later.part();
  later.socket.write(request);
  await later.end();
  await until(() => perch.feeds.viewers === 0, 'no viewer is left');
});

test('the stream ends when the token is taken back, when the camera is removed, and when Perch stops', async () => {
  await using perch = await LiveFixture.start(['porch', 'yard']);
  const user = perch.auth.accounts.all()[0]!;
  const token = perch.auth.apiTokens.add({ name: 't', scope: 'stream', cameras: null, expiresAt: null }, user.id);
  const open = async (path: string, secret = perch.token) => {
    const client = await RawClient.open(perch.port, `${path}?token=${secret}`);
    await client.head();
    return client;
  };
  perch.camera.show(fakeJpeg(1));
  const revoked = await open('/cameras/porch/mjpeg', token.secret);
  const removed = await open('/cameras/porch/frames');
  const stopped = await open('/cameras/yard/mjpeg');
  perch.auth.apiTokens.remove(token.token.id);
  await revoked.end();
  await until(() => perch.camera.hub.viewers === 1, 'one is left');
  perch.bus.publish('camera.removed', { camera: perch.camera.id, slug: 'porch', name: 'x' });
  await removed.end();
  await until(() => perch.camera.hub.viewers === 0, 'nobody watches the removed camera');
  await perch.app.close();
  await stopped.end();
  await until(() => perch.feeds.viewers === 0, 'nobody watches');
});

test('/frames is the true frames and nothing else, byte for byte, in order', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  const frames = Array.from({ length: 30 }, (_, n) => fakeJpeg(n, 1000 + n));
  perch.camera.show(frames[0]!);
  using client = await RawClient.open(perch.port, `/cameras/porch/frames?token=${perch.token}`);
  const { status, headers } = await client.head();
  assert.deepEqual(
    [status, headers['content-type'], headers['transfer-encoding']],
    [200, 'video/x-motion-jpeg', undefined],
  );
  for (const frame of frames.slice(1)) perch.camera.show(frame);
  const all = Buffer.concat(frames);
  assert.deepEqual(await client.bytes(all.length), all);
  await clock.advance(60_000);
  assert.equal(client.pending.length, 0, 'no card, no repeat');
  using late = await RawClient.open(perch.port, `/cameras/porch/frames?token=${perch.token}`);
  assert.equal((await late.head()).status, 200, 'headers at once, in an outage too');
  await clock.advance(300_000);
  perch.camera.show(frames[5]!);
  assert.deepEqual(await late.bytes(frames[5]!.length), frames[5], 'the old picture was not sent');
});

test('a slow reader of /frames loses frames of the past, and they are counted', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  using client = await RawClient.open(perch.port, `/cameras/porch/frames?token=${perch.token}`);
  await client.head();
  client.socket.pause();
  for (let n = 1; n <= FLOOD_FRAMES; n++) {
    perch.camera.show(fakeJpeg(n, FRAME_BYTES));
    await clock.advance(50);
  }
  client.socket.resume();
  const seen: number[] = [];
  while (seen.at(-1) !== FLOOD_FRAMES) seen.push((await client.bytes(FRAME_BYTES)).readUInt32BE(2));
  assert.ok(
    seen.every((n, i) => i === 0 || n > seen[i - 1]!),
    'in order, none twice',
  );
  assert.equal(perch.feeds.tally.get('framesSkipped'), FLOOD_FRAMES - seen.length);
});

test('a camera that changes to a codec that cannot be decoded is a card, and its readers stay', async () => {
  await using perch = await LiveFixture.start();
  using client = await RawClient.open(perch.port, `/cameras/porch/frames?token=${perch.token}`);
  await client.head();
  perch.camera.show(fakeJpeg(1), { width: 16, height: 16, codec: 'h264' });
  const reply = await fetch(perch.url(`/cameras/porch/snapshot.jpg?token=${perch.token}`));
  assert.deepEqual([reply.status, reply.headers.get('content-type')], [503, 'image/jpeg']);
  perch.camera.show(fakeJpeg(2));
  assert.deepEqual(await client.bytes(fakeJpeg(2).length), fakeJpeg(2));
});

test('who asks for a playlist and leaves before there is one is not waited for', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  const before = clock.timers;
  const client = await RawClient.open(perch.port, `/cameras/porch/hls/index.m3u8?token=${perch.token}`);
  // One for the wait; one keeps the fragments for the next request.
  await until(() => clock.timers === before + 2, 'the request waits for a segment');
  client[Symbol.dispose]();
  await until(() => clock.timers === before + 1, 'nobody waits');
});
