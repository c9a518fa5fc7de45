// Fleet, Supervisor, driver and simulator together over an in-memory network: hours pass in milliseconds.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Camera } from '../cameras/camera.ts';
import { Discovery } from '../cameras/discovery.ts';
import { Fleet } from '../cameras/fleet.ts';
import { CameraProbe } from '../cameras/probe.ts';
import { Bus } from '../core/bus.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { createDrivers } from '../drivers/all-drivers.ts';
import { MemoryNet } from '../net/memory-net.ts';
import type { IwfcamSimulatorOptions } from '../sim/iwfcam/options.ts';
import { IwfcamSimulator } from '../sim/iwfcam/simulator.ts';
import { CameraTable } from '../store/cameras.ts';
import { openDatabase } from '../store/database.ts';
import { Secrets } from '../store/secrets.ts';

const PERCH = '192.0.2.20';
const UID = 'PERCHAA-0123456789AB-000001';

function setUp(t: TestContext) {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock, seed: 1 });
  const bus = new Bus();
  const drivers = createDrivers();
  const db = openDatabase(':memory:');
  const secrets = Secrets.ephemeral();
  const common = { clock, net: net.host(PERCH), log: silentLogger };
  const makeFleet = () =>
    new Fleet({
      ...common,
      table: new CameraTable(db, secrets, (driver) => drivers.get(driver).secrets),
      drivers,
      bus,
      discoveryTargets: [],
      folderExists: () => false,
      random: () => 0.5,
    });
  const fleet = makeFleet();
  fleet.start();
  const simulate = (host: string, options: Partial<IwfcamSimulatorOptions> = {}) =>
    IwfcamSimulator.start({
      net: net.host(host),
      clock,
      host,
      port: 10104,
      uid: UID,
      fps: 10,
      audio: false,
      ...options,
    });
  const states: string[] = [];
  bus.on('camera.status', (fact) => {
    if (states.at(-1) !== fact.status.state) states.push(fact.status.state);
  });
  t.after(async () => {
    const stopped = fleet.stop();
    await clock.advance(20_000);
    await stopped;
  });
  return {
    clock,
    net,
    bus,
    fleet,
    states,
    simulate,
    discovery: new Discovery({ ...common, fleet, targets: [] }),
    probe: new CameraProbe({ ...common, fleet, drivers }),
    add: (settings: Record<string, unknown>) => fleet.add({ name: 'Door', driver: 'iwfcam', settings }),
  };
}

const isFlowing = (camera: Camera) => camera.status().state === 'live' && camera.status().frameRate > 5;

test('the address follows the camera: found by its UID on another host, stored, and live again', async (t) => {
  const { clock, simulate, add, fleet, bus } = setUp(t);
  const moved: string[] = [];
  bus.on('camera.moved', (fact) => moved.push(fact.host));
  const before = await simulate('192.0.2.10');
  const camera = await add({ uid: UID, host: '192.0.2.10', password: '8888' });
  await clock.advance(5000);
  assert.ok(isFlowing(camera));
  await before.stop();
  const after = await simulate('192.0.2.77');
  await clock.advance(3 * 60_000);
  assert.deepEqual(moved, ['192.0.2.77']);
  assert.equal(fleet.get('door').config.settings.host, '192.0.2.77');
  assert.equal(fleet.get('door').config.settings.password, '8888', 'nothing else changes');
  assert.ok(isFlowing(camera));
  await after.stop();
});

test('another camera on the old address is not taken for ours', async (t) => {
  const { clock, simulate, add, fleet } = setUp(t);
  const stranger = await simulate('192.0.2.10', { uid: 'PERCHBB-0123456789AB-000002' });
  const ours = await simulate('192.0.2.77');
  const camera = await add({ uid: UID, host: '192.0.2.10' });
  await clock.advance(3 * 60_000);
  assert.ok(isFlowing(camera));
  assert.equal(fleet.get('door').config.settings.host, '192.0.2.77');
  await stranger.stop();
  await ours.stop();
});

test('a camera known by its UID alone is found at the first dial', async (t) => {
  const { clock, simulate, add } = setUp(t);
  const simulator = await simulate('192.0.2.10');
  const camera = await add({ uid: UID });
  await clock.advance(10_000);
  assert.ok(isFlowing(camera));
  await simulator.stop();
});

test('released, the camera has a free slot for the app; afterwards Perch takes it back', async (t) => {
  const { clock, simulate, add, fleet, states } = setUp(t);
  const simulator = await simulate('192.0.2.10', { slots: 1 });
  const camera = await add({ host: '192.0.2.10' });
  await clock.advance(5000);
  const released = fleet.release('door', 5);
  await clock.advance(2000);
  await released;
  assert.equal(simulator.slots.length, 0);
  assert.equal(camera.status().coolDownReason, 'released');
  const heard = simulator.received.length;
  await clock.advance(4 * 60_000);
  assert.equal(simulator.received.length, heard, 'not one packet while it is released');
  await clock.advance(70_000);
  assert.ok(isFlowing(camera));
  assert.deepEqual(states, ['connecting', 'live', 'coolingDown', 'connecting', 'live']);
  await simulator.stop();
});

test('away for an hour and back: live again by itself within the longest back-off', async (t) => {
  const { clock, simulate, add } = setUp(t);
  const simulator = await simulate('192.0.2.10');
  const camera = await add({ uid: UID, host: '192.0.2.10' });
  await clock.advance(5000);
  simulator.vanish();
  await clock.advance(60 * 60_000);
  assert.notEqual(camera.status().state, 'live');
  assert.ok(camera.status().error);
  simulator.comeBack();
  await clock.advance(100_000);
  assert.ok(isFlowing(camera));
  assert.equal(camera.status().error, null);
  assert.ok(camera.status().reconnects >= 1);
  await simulator.stop();
});

test('a reboot, a stall, and a camera that closes are survived', async (t) => {
  const { clock, simulate, add } = setUp(t);
  const simulator = await simulate('192.0.2.10');
  const camera = await add({ host: '192.0.2.10' });
  await clock.advance(5000);
  const rebooted = simulator.reboot();
  await clock.advance(60_000);
  await rebooted;
  assert.ok(isFlowing(camera), 'after a reboot');
  simulator.stall();
  await clock.advance(30_000);
  assert.ok(!isFlowing(camera));
  simulator.stall(false);
  await clock.advance(60_000);
  assert.ok(isFlowing(camera), 'after a stall');
  await simulator.stop();
});

test('a wrong password waits for a change of settings', async (t) => {
  const { clock, simulate, add, fleet } = setUp(t);
  const simulator = await simulate('192.0.2.10', { password: 'sesame' });
  const camera = await add({ host: '192.0.2.10' });
  await clock.advance(10_000);
  assert.equal(camera.status().state, 'refused');
  assert.equal(camera.status().error?.code, 'refused');
  const heard = simulator.received.length;
  await clock.advance(10 * 60_000);
  assert.equal(simulator.received.length, heard);
  await fleet.change('door', { settings: { password: 'sesame' } });
  await clock.advance(5000);
  assert.ok(isFlowing(camera));
  await simulator.stop();
});

test('lost, doubled and reordered packets: true pictures go on, what is lost is counted', async (t) => {
  const { clock, net, simulate, add } = setUp(t);
  const simulator = await simulate('192.0.2.10');
  net.setFaults({ loss: 0.01, duplicate: 0.02, reorder: 0.02 });
  const camera = await add({ host: '192.0.2.10' });
  await clock.advance(60_000);
  const { state, framesReceived, framesDropped } = camera.status();
  assert.equal(state, 'live');
  assert.ok(framesReceived > 300, `${framesReceived} of about 600`);
  assert.ok(framesDropped > 0);
  await simulator.stop();
});

test('discovery finds each camera once and says which are added', async (t) => {
  const { clock, simulate, add, discovery } = setUp(t);
  const one = await simulate('192.0.2.10', { discoveryCopies: 3 });
  const two = await simulate('192.0.2.11', { uid: 'PERCHBB-0123456789AB-000002' });
  await add({ uid: UID, host: '192.0.2.10' });
  const run = discovery.run();
  await clock.advance(10_000);
  const found = await run;
  assert.deepEqual(found.map(({ settings, alreadyAdded }) => [settings.host, alreadyAdded]).sort(), [
    ['192.0.2.10', true],
    ['192.0.2.11', false],
  ]);
  await one.stop();
  await two.stop();
});

test('a camera test answers with a picture and leaves no slot behind', async (t) => {
  const { clock, simulate, probe } = setUp(t);
  const simulator = await simulate('192.0.2.10', { slots: 1 });
  const run = probe.run({ driver: 'iwfcam', settings: { host: '192.0.2.10' } });
  await clock.advance(5000);
  const result = await run;
  assert.ok(result.ok && result.snapshot?.startsWith('data:image/jpeg;base64,'));
  assert.equal(simulator.slots.length, 0);
  const wrong = probe.run({ driver: 'iwfcam', settings: { host: '192.0.2.99' } });
  await clock.advance(20_000);
  const failure = await wrong;
  assert.ok(!failure.ok && /timeout|unavailable/.test(failure.error.code), JSON.stringify(failure));
  await simulator.stop();
});
