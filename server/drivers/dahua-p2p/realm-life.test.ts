// Realms that hang inside the device, and what the others feel of them (section 11.4); a service with mute addresses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError } from '../../core/nvr-error.ts';
import { CLOUD, DahuaWorld, DEVICE, hashOf, pattern, RECORDER } from '../../test/dahua-world.ts';

test('a realm that hangs in the device is closed alone; outages and silence of its owner are no reason', async () => {
  const world = await DahuaWorld.start({ window: 'constant' });
  const lease = await world.open();
  const silent = await world.connect(lease);
  const good = await world.connect(lease);
  await world.clock.advance(100);
  world.simulator.faults.muteRealms = 1;
  const hung = await world.connect(lease);
  await world.clock.advance(100);
  hung.stream.write('OPTIONS');
  await world.clock.advance(10_000);
  assert.equal(hung.isEnded, false, 'not yet');
  await world.until(() => hung.isEnded, 5000);
  assert.equal(lease.tunnel.counts.zombies, 1);
  // An outage stops everything for longer than a realm may be mute, but nobody can answer what was not heard.
  world.net.cut(RECORDER, DEVICE);
  good.stream.write('SEND 200000 5');
  await world.clock.advance(20_000);
  world.net.mend(RECORDER, DEVICE);
  await world.until(() => good.bytes >= 200_000 || good.isEnded);
  assert.equal(hashOf(good.received), hashOf(pattern(200_000, 5)));
  assert.equal(lease.tunnel.counts.zombies, 1);
  assert.equal(silent.isEnded, false, 'it was never asked anything');
  await world.stop();
  assert.equal(world.clock.timers, 0);
});

test('two realms in a row that hang: the session is lost, for a reason that says so', async () => {
  const world = await DahuaWorld.start();
  const lease = await world.open();
  world.simulator.faults.muteRealms = 2;
  const first = await world.connect(lease);
  first.stream.write('OPTIONS');
  await world.until(() => first.isEnded, 15_000);
  assert.ok(lease.tunnel.isOpen);
  const second = await world.connect(lease);
  second.stream.write('OPTIONS');
  await world.until(() => second.isEnded, 15_000);
  assert.match(lease.tunnel.error?.message ?? '', /hang/);
  assert.equal(lease.tunnel.isOpen, false);
  await world.stop();
});

test('a service of several addresses is reached at the first that answers', async () => {
  const world = await DahuaWorld.start();
  world.net.setName('cloud.test', '203.0.113.98', '203.0.113.99', CLOUD);
  const beganMs = world.clock.monoMs();
  const lease = await world.open();
  assert.ok(lease.tunnel.isOpen);
  assert.ok(world.clock.monoMs() - beganMs < 10_000, 'mute ones are not waited for to the end');
  await world.stop();
});

test('a service none of whose addresses answers is named as silent', async () => {
  const world = await DahuaWorld.start();
  world.net.setName('cloud.test', '203.0.113.98', '203.0.113.99');
  await assert.rejects(world.open(), (error) => isNvrError(error) && error.context.reason === 'serviceSilent');
  await world.stop();
});
