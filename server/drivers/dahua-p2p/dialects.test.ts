// The two ways in which a direct session may begin (section 9.4), and what is kept about them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError } from '../../core/nvr-error.ts';
import { DahuaWorld, hashOf, pattern, RTSP_PORT } from '../../test/dahua-world.ts';
import { readMemory } from './memory.ts';

type Lease = Awaited<ReturnType<DahuaWorld['open']>>;

async function exact(world: DahuaWorld, lease: Lease, bytes = 100_000): Promise<void> {
  const client = await world.connect(lease);
  client.stream.write(`SEND ${bytes} 7`);
  await world.until(() => client.bytes >= bytes || client.isEnded);
  assert.equal(hashOf(client.received), hashOf(pattern(bytes, 7)));
}

async function clean(world: DahuaWorld): Promise<void> {
  await world.stop();
  assert.equal(world.simulator.agents, 0, 'agents are given back');
  assert.equal(world.clock.timers, 0);
}

for (const [name, settings, options, loss] of [
  ['type 0', {}, {}, 0],
  ['type 1', { username: 'admin', password: 'secret' }, { auth: 'required', randSalt: 'a1b2c3d4e5f60718' }, 0],
  ['type 0, 5 % loss', {}, {}, 0.05],
] as const) {
  test(`a device that wants a sign on the direct way gets one, and is remembered: ${name}`, async () => {
    const world = await DahuaWorld.start({ dialect: 'sign', ...options }, { seed: 3, faults: { delayMs: 10, loss } });
    const lease = await world.open(settings);
    assert.deepEqual([lease.tunnel.facts.path, lease.tunnel.facts.dialect], ['direct', 'sign']);
    await exact(world, lease);
    const { attemptAtMs } = world.simulator.stats;
    assert.ok(attemptAtMs.at(-1)! - attemptAtMs[0]! >= 1000, 'not more than one attempt a second');
    await world.pass(lease.release());

    const before = attemptAtMs.length;
    const again = await world.open(settings);
    assert.equal(again.tunnel.facts.dialect, 'sign');
    if (loss === 0) assert.equal(attemptAtMs.length - before, 1, 'the sign is asked for at once');
    const kept = world.tunnels.learned(world.settings(settings));
    assert.deepEqual(readMemory(JSON.parse(JSON.stringify(kept))), kept);
    await clean(world);
  });
}

test('a device that knows no signs is reached over the relay when the user insists on them', async () => {
  const world = await DahuaWorld.start({ dialect: 'plain' });
  const lease = await world.open({ advanced: { dialect: 'sign' } });
  assert.ok(world.simulator.stats.signs > 0);
  assert.equal(lease.tunnel.facts.path, 'relay');
  assert.equal(world.tunnels.learned(world.settings({ advanced: { dialect: 'sign' } }))?.dialect, 'plain');
  await exact(world, lease);
  await clean(world);
});

test('a plain device never hears of signs', async () => {
  const world = await DahuaWorld.start({ dialect: 'both' });
  const lease = await world.open();
  assert.deepEqual([lease.tunnel.facts.path, lease.tunnel.facts.dialect], ['direct', 'plain']);
  assert.equal(world.simulator.stats.signs, 0);
  await clean(world);
});

test('a sign that is not accepted: the relay carries it, with an agent of its own', async () => {
  const world = await DahuaWorld.start({ dialect: 'sign', faults: { isSignRefused: true } });
  const lease = await world.open();
  assert.equal(lease.tunnel.facts.path, 'relay');
  assert.ok(world.simulator.stats.agents >= 2, 'a paused relay session is not used');
  await exact(world, lease);
  await clean(world);
});

for (const settings of [{ advanced: { dialect: 'plain' } }, { relay: 'never' }]) {
  test(`no sign is asked for with ${JSON.stringify(settings)}`, async () => {
    const world = await DahuaWorld.start({ dialect: 'sign' });
    const isNever = 'relay' in settings;
    const opening = world.open(settings);
    if (isNever) await assert.rejects(opening, (error) => isNvrError(error) && error.context.reason === 'noRtsp');
    else assert.equal((await opening).tunnel.facts.path, 'relay');
    assert.equal(world.simulator.stats.signs, 0);
    await world.clock.advance(3000);
    await clean(world);
  });
}

test('a device without a video service is told as such, by any way', async () => {
  const world = await DahuaWorld.start({ targets: new Map([[RTSP_PORT, { address: '198.51.100.7', port: 1 }]]) });
  await assert.rejects(world.open(), (error) => isNvrError(error) && error.context.reason === 'noRtsp');
  await world.clock.advance(3000);
  await clean(world);
});
