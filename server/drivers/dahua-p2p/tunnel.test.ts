// The driver's tunnel against the simulated cloud and device, in memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DriverSettings } from '../../core/camera-config.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import { DahuaWorld, hashOf, pattern, TAKE_READY } from '../../test/dahua-world.ts';

const CREDENTIALS = { username: 'admin', password: 'secret' };
const SALT = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';

async function fetchPattern(
  world: DahuaWorld,
  lease: Awaited<ReturnType<DahuaWorld['open']>>,
  bytes: number,
  seed: number,
) {
  const client = await world.connect(lease);
  client.stream.write(`SEND ${bytes} ${seed}`);
  await world.until(() => client.bytes >= bytes || client.isEnded);
  assert.equal(hashOf(client.received), hashOf(pattern(bytes, seed)));
  return client;
}

const ways: Array<[name: string, settings: DriverSettings, options: object, path: string]> = [
  ['direct, type 0', {}, {}, 'direct'],
  ['relayed, type 0', { relay: 'always' }, {}, 'relay'],
  ['direct, type 1', CREDENTIALS, { auth: 'required', randSalt: SALT }, 'direct'],
  ['relayed, type 1', { ...CREDENTIALS, relay: 'always' }, { auth: 'required', randSalt: SALT }, 'relay'],
  ['direct blocked: relay', {}, { faults: { isDirectBlocked: true } }, 'relay'],
];
for (const [name, settings, options, path] of ways) {
  test(`${name}: exact bytes, goodbye, nothing left`, async () => {
    const world = await DahuaWorld.start(options);
    const lease = await world.open(settings);
    assert.equal(lease.tunnel.facts.path, path);
    await fetchPattern(world, lease, 300_000, 7);
    const goodbye = lease.release();
    const beganMs = world.clock.monoMs();
    await world.pass(goodbye);
    assert.ok(world.clock.monoMs() - beganMs < 2000);
    await world.clock.advance(1500);
    assert.equal(world.simulator.realms, 0, 'realms are closed');
    assert.equal(world.simulator.agents, 0, 'agents are given back');
    assert.equal(world.simulator.stats.futureAcks, 0);
    await world.stop();
    assert.equal(world.clock.timers, 0);
  });
}

for (const [name, faults] of Object.entries({
  'loss 1 %': { loss: 0.01 },
  'loss 5 %': { loss: 0.05 },
  'loss 15 %': { loss: 0.15 },
  'duplicates 10 %': { duplicate: 0.1 },
  'reorder 20 %': { reorder: 0.2 },
  everything: { loss: 0.05, duplicate: 0.05, reorder: 0.1 },
})) {
  for (const relay of ['never', 'always']) {
    test(`${name}, relay ${relay}: exact both ways`, async () => {
      const world = await DahuaWorld.start({ packing: 'packed' }, { seed: 5, faults: { delayMs: 10, ...faults } });
      const lease = await world.open({ relay });
      await fetchPattern(world, lease, 200_000, 3);
      const up = await world.connect(lease);
      up.stream.write('TAKE 50000');
      await world.until(() => up.bytes >= TAKE_READY.length);
      up.stream.write(pattern(50_000, 4));
      await world.until(() => up.bytes >= TAKE_READY.length + 41);
      assert.equal(up.received.toString(), `${TAKE_READY}${hashOf(pattern(50_000, 4))}\n`);
      await world.stop();
    });
  }
}

async function failure(
  options: object,
  settings: DriverSettings,
): Promise<{ reason: unknown; code: string; ms: number; world: DahuaWorld }> {
  const world = await DahuaWorld.start(options);
  const beganMs = world.clock.monoMs();
  try {
    await world.open(settings);
  } catch (error) {
    assert.ok(isNvrError(error), String(error));
    assert.ok(!error.message.includes('TESTSN') && !error.message.includes('secret'));
    const ms = world.clock.monoMs() - beganMs;
    await world.clock.advance(3000);
    await world.stop();
    assert.equal(world.clock.timers, 0, 'no timer is left');
    return { reason: error.context.reason, code: error.code, ms, world };
  }
  throw new Error('it opened');
}

const failures: Array<[reason: string, options: object, settings: DriverSettings, code: string]> = [
  ['unknownSerial', { faults: { isUnknown: true } }, {}, 'unavailable'],
  ['serviceSilent', { faults: { isCloudAway: true } }, {}, 'timeout'],
  ['serviceRefuses', { keys: [] }, {}, 'unavailable'],
  ['passwordNeeded', { auth: 'required', randSalt: SALT }, {}, 'refused'],
  ['wrongPassword', { auth: 'required', randSalt: SALT }, { ...CREDENTIALS, password: 'wrong' }, 'refused'],
  ['offline', { faults: { trying: 'only' } }, {}, 'timeout'],
  ['noPath', { faults: { isDirectBlocked: true } }, { relay: 'never' }, 'unavailable'],
  ['noPath', { faults: { isDirectBlocked: true, isRelayDead: true } }, {}, 'unavailable'],
  ['noPath', { faults: { isDirectBlocked: true, isDispatcherSilent: true } }, {}, 'unavailable'],
];
for (const [reason, options, settings, code] of failures) {
  test(`fails with ${reason} ${JSON.stringify(options)}`, async () => {
    const found = await failure(options, settings);
    assert.equal(found.reason, reason);
    assert.equal(found.code, code);
  });
}

const tolerated: Array<[name: string, options: object, settings?: DriverSettings]> = [
  ['401, 401, then 200', { faults: { unauthorized: 2 } }],
  ['a clock that is an hour off', { faults: { clockOffsetSeconds: 3600 } }],
  ['100 missing', { faults: { trying: 'none' } }],
  ['100 five times', { faults: { trying: 'five' } }],
  ['a dead agent', { faults: { deadAgents: 1 } }, { relay: 'always' }],
  ['a late confirmation, twice', { faults: { confirmAfterMs: 3000, confirmTimes: 2 } }, { relay: 'always' }],
  ['a confirmation after ten seconds', { faults: { confirmAfterMs: 10_000 } }, { relay: 'always' }],
  ['no info', { info: 'empty' }],
  ['garbage for info', { info: 'garbage' }],
  [
    'a nonce refused once',
    { auth: 'required', randSalt: SALT, faults: { invalidNonces: 1 } },
    { ...CREDENTIALS, relay: 'always' },
  ],
  ['no salt published, none used', { auth: 'required', info: 'empty' }, CREDENTIALS],
  ['no confirmation of STUN', { faults: { stunConfirmations: 0 } }],
  ['seven confirmations of STUN', { faults: { stunConfirmations: 7 } }],
  ['only the older app key', { keys: [{ username: 'P2PClient', userkey: 'YXQ3Mahe-5H-R1Z_' }] }],
  [
    'a salt that changed since it was read',
    { auth: 'required', randSalt: SALT, faults: { wrongSalts: 1 } },
    CREDENTIALS,
  ],
  [
    'a salt that is published at the second try',
    { auth: 'required', randSalt: SALT, faults: { saltlessInfos: 1 } },
    CREDENTIALS,
  ],
  ['a chatty device', { faults: { isChatty: true } }],
  ['a late CONN', { faults: { connAfterMs: 3000 } }],
  ['counters near their wrap', { initialSeq: 2 ** 32 - 100_000 }],
];
for (const [name, options, settings = {}] of tolerated) {
  test(`tolerates ${name}`, async () => {
    const world = await DahuaWorld.start(options);
    const lease = await world.open(settings);
    await fetchPattern(world, lease, 150_000, 11);
    await world.stop();
    assert.equal(world.clock.timers, 0);
  });
}

test('a slow cloud: the second refusal of a question that was repeated is not the answer to the next one', async () => {
  const world = await DahuaWorld.start({ auth: 'required', info: 'empty' }, { faults: { delayMs: 300 } });
  const lease = await world.open(CREDENTIALS);
  assert.ok((world.simulator.stats.rejected.DevPwd_InvalidSalt ?? 0) > 2, 'refused more often than asked');
  await fetchPattern(world, lease, 20_000, 11);
  await world.stop();
});
