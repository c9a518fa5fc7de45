// Tunnels that other RTSP tools may use: off unless asked for, one steady port per device, and no way to crowd out Perch.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DahuaWorld, hashOf, type LocalClient, pattern } from '../../test/dahua-world.ts';
import { tunnelLimits } from './dialect.ts';
import { readMemory } from './memory.ts';
import { Tunnels } from './tunnels.ts';

const LOOPBACK = '127.0.0.1';
const options = { window: 'constant' } as const;

test('not published unless asked for', async () => {
  const world = await DahuaWorld.start();
  const lease = await world.open();
  assert.equal(lease.tunnel.exposed, null);
  assert.equal(world.tunnels.learned(world.settings())?.exposedPort, undefined);
  await world.stop();
});

test('published: bytes are exact, the port stays over reconnections and restarts, a second device gets the next one', async () => {
  const expose = { address: LOOPBACK, port: 15_540 };
  const world = await DahuaWorld.start(options, {}, new Tunnels(expose));
  const lease = await world.open();
  assert.deepEqual(lease.tunnel.exposed, expose);
  const guest = await world.connect(lease, lease.tunnel.exposed!);
  guest.stream.write('SEND 100000 3');
  await world.until(() => guest.bytes >= 100_000);
  assert.equal(hashOf(guest.received), hashOf(pattern(100_000, 3)));

  // Another user name: another tunnel, as for another device.
  const second = await world.open({ username: 'viewer', password: 'x' });
  assert.equal(second.tunnel.exposed?.port, 15_541);
  await world.pass(lease.release());
  assert.equal(lease.tunnel.exposed, null);
  const refused = world.recorder.streams.connect({ ...expose });
  await world.pass(refused);
  await assert.rejects(refused);
  const again = await world.open();
  assert.equal(again.tunnel.exposed?.port, 15_540);

  const kept = world.tunnels.learned(world.settings({ username: 'viewer', password: 'x' }));
  assert.equal(readMemory(JSON.parse(JSON.stringify(kept)))?.exposedPort, 15_541);
  await world.pass(Promise.all([second.release(), again.release()]));
  const restarted = new Tunnels(expose);
  const reopening = restarted.acquire(world.settings(), world.context(), kept);
  await world.pass(reopening);
  const reopened = await reopening;
  assert.equal(reopened.tunnel.exposed?.port, 15_541, 'the port of last time is preferred');
  await world.pass(reopened.release());
  await world.stop();
  assert.equal(world.clock.timers, 0);
});

test('an address that this machine does not have: the tunnel works, unpublished', async () => {
  const world = await DahuaWorld.start(options, {}, new Tunnels({ address: '192.0.2.1', port: null }));
  const lease = await world.open();
  assert.equal(lease.tunnel.exposed, null);
  assert.ok(lease.tunnel.isOpen);
  await world.stop();
});

test('guests who say nothing cost the device nothing and are sent away; many leave room for the cameras', async () => {
  const world = await DahuaWorld.start(options, {}, new Tunnels({ address: LOOPBACK, port: null }));
  const lease = await world.open();
  const bindsBefore = world.simulator.stats.binds;
  const guests: LocalClient[] = [];
  for (let n = 0; n < tunnelLimits.maxGuests + 4; n++) guests.push(await world.connect(lease, lease.tunnel.exposed!));
  await world.clock.advance(1000);
  assert.equal(guests.filter(({ isEnded }) => isEnded).length, 4, 'more than the limit are sent away at once');
  assert.equal(world.simulator.stats.binds, bindsBefore, 'nothing was asked of the device');
  guests[0]!.stream.write('SEND 5000 1');
  const camera = await world.connect(lease);
  camera.stream.write('SEND 50000 2');
  await world.until(() => camera.bytes >= 50_000 && guests[0]!.bytes >= 5000);
  await world.until(() => guests.slice(1).every(({ isEnded }) => isEnded), tunnelLimits.guestSilenceMs + 1000);
  assert.equal(guests[0]!.isEnded, false, 'who speaks may stay');
  for (let n = 0; n < 3; n++) {
    const late = await world.connect(lease, lease.tunnel.exposed!);
    late.stream.write('SEND 1000 1');
    await world.until(() => late.bytes === 1000);
    await late.stream.close();
  }
  await world.connect(lease, lease.tunnel.exposed!);
  await world.stop();
  assert.equal(world.clock.timers, 0, 'nothing waits for a guest of a closed tunnel');
});
