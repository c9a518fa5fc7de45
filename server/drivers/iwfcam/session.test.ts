// The driver against the simulated camera, in memory: the ordinary life of a session.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureNumber } from '../../sim/counted-pictures.ts';
import { CAMERA, IwfcamWorld, RECORDER } from '../../test/iwfcam-world.ts';

test('discovers, logs in, streams bit-exact pictures in order and sound; leaves politely', async () => {
  const world = await IwfcamWorld.start();
  const viewer = await world.open();
  assert.equal(world.clock.monoMs() < 100, true, `opened after ${world.clock.monoMs()} ms`);
  await world.clock.advance(5000);
  assert.ok(viewer.pictures.length >= 58, `${viewer.pictures.length} pictures`);
  viewer.pictures.forEach((frame, n) => {
    assert.deepEqual(Buffer.from(frame.data), world.pictures.picture(n).data);
    assert.equal(pictureNumber(frame.data), n % 64);
    assert.equal(frame.width, 640);
    assert.equal(frame.codec, 'mjpeg');
  });
  assert.ok(viewer.sounds.length >= 37);
  assert.equal(viewer.sounds[0]!.samples, 1024);
  assert.equal(viewer.sounds[0]!.data.length, 516);
  const media = viewer.pictures.map((frame) => frame.mediaMs!);
  assert.ok(media.every((ms, n) => n === 0 || ms > media[n - 1]!));
  assert.deepEqual(viewer.session.counters().framesDropped, 0);
  assert.equal(viewer.session.facts.session, 1);
  assert.equal(viewer.session.facts.uid, 'SIMULAT-0123456789AB-000001');
  assert.equal(viewer.session.facts.announcedIsOwn, true);
  assert.ok(world.simulator.stats.acks > 20);
  assert.equal(world.simulator.stats.naks, 0);

  const goodbye = Promise.resolve(viewer.session[Symbol.asyncDispose]());
  const begin = world.clock.monoMs();
  await world.pass(goodbye);
  assert.ok(world.clock.monoMs() - begin < 100);
  assert.equal(viewer.end?.code, 'cancelled');
  assert.equal(world.simulator.slots.length, 0, 'the slot is free');
  assert.deepEqual((world.memory.saved as { session: number }).session, 0);
  await world.stop();
  assert.equal(world.clock.timers, 0);
});

test('heartbeats: the live request twice every two seconds, mask 3, also through ten minutes', async () => {
  const world = await IwfcamWorld.start({ fps: 1 });
  const viewer = await world.open();
  await world.clock.advance(20_000);
  const live = world.simulator.received.filter(({ packet }) => packet?.kind === 'command' && packet.type === 0);
  const from = live.filter(({ atMs }) => atMs > 4000 && atMs < 18_000);
  assert.equal(from.length, 14);
  for (let n = 0; n < from.length; n += 2) assert.equal(Math.round(from[n + 1]!.atMs - from[n]!.atMs), 20);
  assert.ok(live.every(({ packet }) => packet?.kind === 'command' && packet.data[4] === 3));
  await world.clock.advance(60_000);
  assert.ok(viewer.isLive);
  await world.stop();
});

for (const faults of [
  { loss: 0.02 },
  { duplicate: 0.2 },
  { reorder: 0.05, reorderWindow: 4 },
  { loss: 0.02, duplicate: 0.05, reorder: 0.03, jitterMs: 15, delayMs: 5 },
]) {
  test(`a bad network ${JSON.stringify(faults)}: whole pictures only, in order, losses counted`, async () => {
    const world = await IwfcamWorld.start({ seed: 7 }, { seed: 3 });
    const viewer = await world.open();
    world.net.setFaults(faults, CAMERA, RECORDER);
    await world.clock.advance(30_000);
    const sent = world.simulator.stats.framesSent;
    const { framesDropped } = viewer.session.counters();
    let last = -1;
    for (const frame of viewer.pictures) {
      const number = pictureNumber(frame.data)!;
      assert.deepEqual(Buffer.from(frame.data), world.pictures.picture(number).data);
      const step = (number - last + 64) % 64;
      assert.ok(step >= 1 && step < 32, `picture ${number} after ${last}`);
      last = number;
    }
    assert.ok(viewer.isLive);
    assert.ok(
      Math.abs(viewer.pictures.length + framesDropped - sent) <= 2,
      `${viewer.pictures.length}+${framesDropped}≠${sent}`,
    );
    if (!('loss' in faults)) assert.ok(framesDropped <= 1, `${framesDropped} dropped without loss`);
    else assert.ok(framesDropped > 10 && viewer.pictures.length > sent / 2);
    await world.stop();
    assert.equal(world.clock.timers, 0);
  });
}

test('the counter wraps without a gap', async () => {
  const world = await IwfcamWorld.start({ firstFrameIndex: 0xfff0 });
  const viewer = await world.open();
  await world.clock.advance(4000);
  assert.ok(viewer.pictures.length >= 46);
  assert.equal(viewer.session.counters().framesDropped, 0);
  await world.stop();
});

test('a firmware without frame heads, other fragment sizes, no sound', async () => {
  for (const options of [{ frameHead: false }, { fragmentBytes: 1400 }, { audio: false }]) {
    const world = await IwfcamWorld.start(options);
    const viewer = await world.open();
    await world.clock.advance(3000);
    assert.ok(viewer.pictures.length >= 34, `${JSON.stringify(options)}: ${viewer.pictures.length}`);
    assert.deepEqual(Buffer.from(viewer.pictures[20]!.data), world.pictures.picture(20).data);
    await world.stop();
  }
});

test('a slow device that ignores messages is reached all the same', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const world = await IwfcamWorld.start({ slow: { ignore: 0.3, busyMs: 50 }, seed });
    const viewer = await world.open();
    await world.clock.advance(20_000);
    assert.ok(viewer.isLive);
    assert.ok(viewer.pictures.length > 150, `seed ${seed}: ${viewer.pictures.length}`);
    await world.stop();
  }
});

test('a hostile camera: every bad packet between good ones; the stream goes on', async () => {
  const world = await IwfcamWorld.start({ hostile: true });
  const viewer = await world.open();
  await world.clock.advance(10_000);
  assert.ok(viewer.isLive);
  assert.ok(viewer.pictures.length >= 100, `${viewer.pictures.length}`);
  for (const frame of viewer.pictures) {
    const number = pictureNumber(frame.data);
    assert.notEqual(number, null);
    assert.deepEqual(Buffer.from(frame.data), world.pictures.picture(number!).data);
  }
  await world.stop();
});

test('a reader that does not read loses the oldest, and the queue stays bounded', async () => {
  const world = await IwfcamWorld.start();
  const opening = world.driver.open(world.settings(), world.context());
  await world.pass(opening);
  const session = await opening;
  await world.clock.advance(20_000);
  const { framesDropped, details } = session.counters();
  assert.ok(framesDropped > 100);
  assert.equal(details.picturesNotRead, framesDropped);
  const frames = session.frames()[Symbol.asyncIterator]();
  const first = (await frames.next()).value;
  assert.ok(first.monoMs > 14_000, 'the oldest are gone');
  await world.stop();
});
