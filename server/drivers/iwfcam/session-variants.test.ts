// The driver against cameras that differ from the ordinary one, in memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IwfcamSimulatorOptions } from '../../sim/iwfcam/options.ts';
import { CAMERA, IwfcamWorld, RECORDER } from '../../test/iwfcam-world.ts';

const variants: Partial<IwfcamSimulatorOptions>[] = [
  { acks: 'vendor' },
  { acks: 'vendor', fps: 25 },
  { liveAnswer: false },
  { liveParamsOnLogin: false },
  { discoveryCopies: 3, broadcastReplies: true },
  { streamToSource: true },
  { slots: 8 },
  { unknownAnswer: false },
  { renewMediaPort: true },
];

for (const options of variants) {
  test(`streams from a camera with ${JSON.stringify(options)}, twice`, async () => {
    const world = await IwfcamWorld.start(options);
    for (let life = 0; life < 2; life++) {
      const viewer = await world.open();
      await world.clock.advance(5000);
      assert.ok(viewer.isLive);
      const expected = (options.fps ?? 12) * 5 - 4;
      assert.ok(viewer.pictures.length >= expected, `${viewer.pictures.length} of ${expected} pictures`);
      assert.equal(viewer.session.counters().framesDropped, 0);
      await world.pass(Promise.resolve(viewer.session[Symbol.asyncDispose]()));
      assert.equal(world.simulator.slots.length, 0);
    }
    await world.stop();
    assert.equal(world.clock.timers, 0);
  });
}

test('a device that keeps account of acknowledgements loses none over a bad network', async () => {
  const world = await IwfcamWorld.start({ acks: 'vendor' }, { seed: 5 });
  const viewer = await world.open();
  world.net.setFaults({ loss: 0.02 });
  await world.clock.advance(30_000);
  assert.ok(viewer.isLive);
  assert.ok(viewer.pictures.length > 150, `${viewer.pictures.length}`);
  await world.stop();
});

test('media goes to the advertised address; the facts say that it is not the route’s', async () => {
  const world = await IwfcamWorld.start();
  const net = world.net.host('10.0.0.30', '10.0.0.31');
  const viewer = await world.open({ advertiseAddress: '10.0.0.31' }, { net });
  await world.clock.advance(500);
  assert.equal(viewer.session.facts.announcedAddress, '10.0.0.31');
  assert.equal(viewer.session.facts.announcedIsOwn, false);
  assert.equal(world.simulator.slots[0]!.client.address, '10.0.0.31');
  await world.stop();
});

test('an advertised address at which nobody is: no media, a timeout that says where it was expected', async () => {
  const world = await IwfcamWorld.start();
  const viewer = await world.open({ advertiseAddress: '10.0.0.99' });
  await world.clock.advance(4000);
  assert.equal(viewer.end?.code, 'timeout');
  assert.match(viewer.end.message, /10\.0\.0\.99/);
  await world.stop();
});

test('the camera steals the slot for another viewer: our session ends and can begin again', async () => {
  const world = await IwfcamWorld.start({ slots: 1, whenFull: 'steal' });
  const viewer = await world.open();
  await world.clock.advance(1000);
  const other = await world.open({}, { net: world.net.host('10.0.0.8') });
  await world.clock.advance(10_000);
  assert.equal(viewer.end?.code, 'timeout');
  assert.ok(other.isLive);
  await world.stop();
});

test('the camera vanishes and comes back: the watchdog ends the session, the next one works', async () => {
  const world = await IwfcamWorld.start();
  const viewer = await world.open();
  await world.clock.advance(1000);
  world.net.cut(CAMERA, RECORDER);
  await world.clock.advance(11_000);
  assert.equal(viewer.end?.code, 'timeout');
  world.net.mend(CAMERA, RECORDER);
  const again = await world.open();
  await world.clock.advance(1000);
  assert.ok(again.pictures.length > 5);
  await world.stop();
});
