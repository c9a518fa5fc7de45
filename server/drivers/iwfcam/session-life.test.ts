// The driver against the simulated camera, in memory: how sessions begin badly and how they end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError, type NvrError } from '../../core/nvr-error.ts';
import { CAMERA, IwfcamWorld, RECORDER } from '../../test/iwfcam-world.ts';
import { encodeCommand, encodeDeviceClosing } from './wire.ts';

/** What `open` throws, as code and cool-down. */
async function failure(world: IwfcamWorld, settings = {}): Promise<NvrError> {
  try {
    await world.open(settings);
  } catch (error) {
    if (isNvrError(error)) return error;
    throw error;
  }
  throw new Error('it opened');
}

test('a camera that never answers the login streams all the same: session 1, then the one in its media', async () => {
  const world = await IwfcamWorld.start({ loginResponse: false });
  const viewer = await world.open();
  assert.ok(world.clock.monoMs() >= 3000 && world.clock.monoMs() < 3500, `${world.clock.monoMs()}`);
  assert.equal(viewer.session.facts.sessionAssumed, true);
  await world.clock.advance(5000);
  assert.ok(viewer.pictures.length > 50);
  assert.equal((world.memory.saved as { session: number }).session, 1);
  await world.stop();
  assert.equal(world.simulator.slots.length, 0, 'the goodbye works too');
});

test('all slots taken: unavailable with a cool-down, and not one more packet', async () => {
  const world = await IwfcamWorld.start({ slots: 1 });
  const other = await world.open({}, { net: world.net.host('10.0.0.8') });
  const error = await failure(world);
  assert.equal(error.code, 'unavailable');
  assert.equal(error.coolDownMs, 7000);
  const heard = world.simulator.received.filter(({ from }) => from.address === RECORDER).length;
  await world.clock.advance(7000);
  assert.equal(world.simulator.received.filter(({ from }) => from.address === RECORDER).length, heard);
  assert.ok(other.isLive);
  await world.stop();
});

test('a wrong password is refused; the token goes instead of the password', async () => {
  const world = await IwfcamWorld.start({ password: 'secret' });
  const error = await failure(world);
  assert.equal(error.code, 'refused');
  assert.equal(error.coolDownMs, undefined);
  assert.ok((await world.open({ password: 'secret' })).session);
  await world.stop();
  const factory = await IwfcamWorld.start();
  assert.ok((await factory.open({ password: 'wrong', passwordToken: '9e8040834b3a' })).session);
  await factory.stop();
});

test('a camera with a cloud identity is logged in to with its own identity, once', async () => {
  const world = await IwfcamWorld.start({ cloudId: [7, 8, 9] });
  const viewer = await world.open();
  await world.clock.advance(2000);
  assert.ok(viewer.pictures.length > 15);
  await world.stop();
});

test('a camera that refuses its own identity too is given up with a clear message', async () => {
  const world = await IwfcamWorld.start({ cloudId: [7, 8, 9] });
  world.simulator.camera.behaviors.unshift({
    name: 'stubborn',
    answer: (request, camera) => {
      if (request.packet.kind !== 'loginRequest') return false;
      const { identity } = request.packet;
      (camera as { identity: typeof identity }).identity = [identity[0] + 1, 1, 1];
      return false;
    },
  });
  const error = await failure(world);
  assert.equal(error.code, 'unavailable');
  assert.match(error.message, /cloud/);
  await world.stop();
});

test('nobody answers: timeout after five requests; another camera at the address is named', async () => {
  const world = await IwfcamWorld.start();
  world.simulator.vanish();
  const error = await failure(world);
  assert.equal(error.code, 'timeout');
  assert.equal(error.coolDownMs, undefined);
  assert.ok(world.clock.monoMs() < 6000);
  world.simulator.comeBack();
  assert.match((await failure(world, { uid: 'OTHER' })).message, /UID SIMULAT-0123456789AB-000001/);
  await world.stop();
  assert.equal(world.clock.timers, 0);
});

test('the camera ends the session: answered, reported, the port free', async () => {
  const world = await IwfcamWorld.start();
  const viewer = await world.open();
  await world.clock.advance(1000);
  const slot = world.simulator.slots[0]!;
  world.simulator.camera.sendToClient(slot, encodeCommand(slot.session, 'close'));
  await world.clock.advance(50);
  assert.equal(viewer.end?.code, 'unavailable');
  const answer = world.simulator.received.findLast(({ packet }) => packet?.kind === 'answer');
  assert.ok(answer?.packet?.kind === 'answer' && answer.packet.type === 3);
  await world.stop();
});

test('a close from elsewhere, or for another session, is ignored', async () => {
  const world = await IwfcamWorld.start();
  const viewer = await world.open();
  await world.clock.advance(500);
  const client = world.simulator.slots[0]!.client;
  await using spoofer = await world.net.host('10.0.0.66').openUdp();
  spoofer.send(encodeCommand(1, 'close'), client);
  await using neighbor = await world.net.host(CAMERA).openUdp();
  neighbor.send(encodeCommand(1, 'close'), client);
  world.simulator.camera.sendToClient(world.simulator.slots[0]!, encodeCommand(2, 'close'));
  await world.clock.advance(1000);
  assert.ok(viewer.isLive);
  await world.stop();
});

test('a closing notice alone is not believed; with silence it is', async () => {
  const world = await IwfcamWorld.start();
  const viewer = await world.open();
  await world.clock.advance(500);
  world.simulator.camera.sendToClient(world.simulator.slots[0]!, encodeDeviceClosing());
  await world.clock.advance(3000);
  assert.ok(viewer.isLive);
  world.simulator.camera.sendToClient(world.simulator.slots[0]!, encodeDeviceClosing(0x10));
  world.simulator.stall();
  await world.clock.advance(2000);
  assert.equal(viewer.end?.code, 'unavailable');
  await world.stop();
});

test('no media after the live request: timeout with a cool-down', async () => {
  const world = await IwfcamWorld.start();
  world.simulator.stall();
  const viewer = await world.open();
  await world.clock.advance(3600);
  assert.equal(viewer.end?.code, 'timeout');
  assert.equal(viewer.end?.coolDownMs, 7000);
  assert.equal(world.simulator.slots.length, 0, 'it said goodbye');
  await world.stop();
});

test('a stream that dries up: live request repeated after 5 s, given up after 9 s', async () => {
  const world = await IwfcamWorld.start({ fps: 10, audio: false });
  const viewer = await world.open();
  await world.clock.advance(3000);
  world.simulator.stall();
  const stalledMs = world.clock.monoMs();
  await world.clock.advance(12_000);
  assert.equal(viewer.end?.code, 'timeout');
  assert.ok(viewer.endMs - stalledMs >= 8800 && viewer.endMs - stalledMs <= 9700, `${viewer.endMs - stalledMs}`);
  await world.stop();
});

test('a camera that streams to another session only: the session ends after 3 s', async () => {
  const world = await IwfcamWorld.start();
  const viewer = await world.open();
  await world.clock.advance(1000);
  const before = world.clock.monoMs();
  (world.simulator.slots[0] as { session: number }).session = 2;
  await world.clock.advance(5000);
  assert.equal(viewer.end?.code, 'unavailable');
  assert.ok(viewer.endMs - before < 4000);
  assert.ok(viewer.count('wrongSession') > 20);
  await world.stop();
});

test('abort at any moment: open rejects as cancelled, nothing is left, a slot that was taken is given back', async () => {
  for (const delayMs of [0, 0.05, 0.15, 0.25, 0.35, 5, 15, 30]) {
    const world = await IwfcamWorld.start();
    const dial = world.dial();
    await world.clock.advance(delayMs);
    world.abort.abort();
    await world.clock.advance(1000);
    const outcome = await dial.then(
      (viewer) => viewer.end,
      (error: unknown) => error,
    );
    assert.ok(isNvrError(outcome, 'cancelled'), `${delayMs}: ${String(outcome)}`);
    assert.equal(world.simulator.slots.length, 0, `after ${delayMs} ms the slot is free`);
    await world.simulator.stop();
    assert.equal(world.clock.timers, 0);
  }
});

test('a signal that is aborted before the dial opens nothing', async () => {
  const world = await IwfcamWorld.start();
  world.abort.abort();
  assert.equal((await failure(world)).code, 'cancelled');
  assert.equal(world.simulator.stats.datagramsReceived, 0);
  await world.stop();
});

test('an old firmware that ignores the close: the goodbye still ends in time', async () => {
  const world = await IwfcamWorld.start({ ignoreClose: true });
  const viewer = await world.open();
  const begin = world.clock.monoMs();
  await world.pass(Promise.resolve(viewer.session[Symbol.asyncDispose]()));
  assert.ok(world.clock.monoMs() - begin < 400);
  await world.stop();
});

test('H.264 on a JPEG camera is reported after 30 pictures', async () => {
  const annexB = Buffer.concat([Buffer.from('0000000167640028', 'hex'), Buffer.alloc(3000, 5)]);
  const picture = { data: annexB, width: 640, height: 480 };
  const pictures = {
    width: 640,
    height: 480,
    reader: () => ({ next: () => picture }),
    async [Symbol.asyncDispose]() {},
  };
  const world = await IwfcamWorld.start({ pictures });
  const viewer = await world.open();
  await world.clock.advance(4000);
  assert.equal(viewer.end?.code, 'protocol');
  assert.match(viewer.end.message, /H\.264/);
  assert.equal(viewer.session.counters().framesDropped, 30);
  await world.stop();
});
