// The life of a tunnel in memory: vanishing devices, dying relays, clouds that are away, strangers, realms that are refused,
// sharing, politeness, and a day in accelerated time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError } from '../../core/nvr-error.ts';
import { liveDahuaHours } from '../../test/dahua-day.ts';
import { CLOUD, DahuaWorld, DEVICE, hashOf, pattern, RECORDER } from '../../test/dahua-world.ts';
import { encodeMessage, encodeResponse, encodeSegment } from './wire.ts';

const codeOf = (error: unknown) => (isNvrError(error) ? error.code : String(error));

test('the device vanishes for a minute: readers end within 30 s and a bit, the next dial succeeds once it is back', async () => {
  const world = await DahuaWorld.start();
  const lease = await world.open();
  const client = await world.connect(lease);
  client.stream.write('SEND 2000000 1');
  await world.until(() => client.bytes > 50_000);
  const beganMs = world.clock.monoMs();
  await world.simulator.vanish();
  await world.until(() => client.isEnded);
  const tookMs = world.clock.monoMs() - beganMs;
  assert.ok(tookMs >= 10_000 && tookMs <= 32_000, `${tookMs}`);
  assert.equal(lease.tunnel.error?.context.reason, 'lost');
  await world.pass(lease.release());
  await assert.rejects(world.open(), (error) => ['timeout', 'unavailable'].includes(codeOf(error)));
  world.simulator.comeBack();
  await world.clock.advance(60_000);
  const again = await world.open();
  const other = await world.connect(again);
  other.stream.write('SEND 10000 2');
  await world.until(() => other.bytes === 10_000);
  await world.stop();
  assert.equal(world.clock.timers, 0);
});

test('the relay dies while pictures flow: the tunnel ends, another one is opened', async () => {
  const world = await DahuaWorld.start();
  const lease = await world.open({ relay: 'always' });
  const client = await world.connect(lease);
  client.stream.write('SEND 2000000 1');
  await world.until(() => client.bytes > 50_000);
  world.simulator.faults.isRelayDead = true;
  await world.until(() => client.isEnded);
  await world.pass(lease.release());
  world.simulator.faults.isRelayDead = false;
  const again = await world.open({ relay: 'always' });
  assert.equal(again.tunnel.facts.path, 'relay');
  await world.stop();
});

test('a lease that ends is a lost tunnel, and giving it back may be refused', async () => {
  const world = await DahuaWorld.start({ leaseSeconds: 60 });
  const lease = await world.open({ relay: 'always' });
  await world.clock.advance(100_000);
  assert.equal(lease.tunnel.isOpen, false);
  await world.pass(lease.release());
  await world.stop();
  assert.equal(world.clock.timers, 0);
});

for (const seconds of [2, 9, 20]) {
  test(`${seconds} s without any datagram: the same session goes on, exact`, async () => {
    const world = await DahuaWorld.start();
    const lease = await world.open();
    const client = await world.connect(lease);
    client.stream.write('SEND 400000 5');
    await world.until(() => client.bytes > 50_000);
    world.net.cut(RECORDER, DEVICE);
    await world.clock.advance(seconds * 1000);
    world.net.mend(RECORDER, DEVICE);
    await world.until(() => client.bytes >= 400_000);
    assert.equal(hashOf(client.received), hashOf(pattern(400_000, 5)));
    assert.equal(world.simulator.stats.attemptAtMs.length, 1);
    await world.stop();
  });
}

test('the cloud is away while a session lives: the stream goes on', async () => {
  const world = await DahuaWorld.start();
  const lease = await world.open();
  const client = await world.connect(lease);
  client.stream.write('SEND 500000 6');
  world.net.cut(CLOUD);
  await world.until(() => client.bytes >= 500_000);
  assert.equal(hashOf(client.received), hashOf(pattern(500_000, 6)));
  await world.stop();
});

test('sixteen cameras of one device share one attempt; fifty dials of a device that is away are few', async () => {
  const world = await DahuaWorld.start();
  const all = Array.from({ length: 16 }, () => world.tunnels.acquire(world.settings(), world.context(), null));
  await world.pass(Promise.all(all));
  const leases = await Promise.all(all);
  assert.equal(world.simulator.stats.attemptAtMs.length, 1);
  assert.equal(new Set(leases.map(({ tunnel }) => tunnel)).size, 1);
  for (const { release } of leases.slice(1)) await release();
  assert.ok(leases[0]?.tunnel.isOpen, 'one user is enough');
  await world.pass(leases[0]!.release());
  assert.equal(leases[0]?.tunnel.isOpen, false);

  world.simulator.faults.trying = 'only';
  const before = world.tunnels.counts.attempts;
  const beganMs = world.clock.monoMs();
  for (let n = 0; n < 50; n++) {
    const dial = world.tunnels.acquire(world.settings(), world.context(), null);
    dial.catch(() => {});
    await world.clock.advance(1000);
  }
  await world.clock.advance(60_000);
  const attempts = world.tunnels.counts.attempts - before;
  assert.ok(attempts <= 4, `${attempts} attempts`);
  assert.ok(world.clock.monoMs() - beganMs < 120_000);
  await world.stop();
  const at = world.simulator.stats.attemptAtMs;
  for (let n = 1; n < at.length; n++) assert.ok(at[n]! - at[n - 1]! >= 1000, 'at most one a second');
});

test('a wrong password is not tried again, a corrected one at once', async () => {
  const world = await DahuaWorld.start({ auth: 'required', randSalt: 'a1b2c3d4' });
  const wrong = { username: 'admin', password: 'wrong' };
  await assert.rejects(world.open(wrong), (error) => codeOf(error) === 'refused');
  const asked = world.simulator.stats.rejected.DevPwd_InvalidDigest;
  await world.clock.advance(60_000);
  await assert.rejects(world.open(wrong), (error) => codeOf(error) === 'refused');
  assert.equal(world.simulator.stats.rejected.DevPwd_InvalidDigest, asked);
  await world.open({ username: 'admin', password: 'secret' });
  await world.stop();
});

test('leaving while it dials: nothing is left, and the next dial is not spoiled', async () => {
  const world = await DahuaWorld.start();
  for (const ms of [0, 5, 15, 30, 60, 90, 130]) {
    const abort = new AbortController();
    const dial = world.tunnels.acquire(world.settings(), { ...world.context(), signal: abort.signal }, null);
    dial.catch(() => {});
    await world.clock.advance(ms);
    abort.abort();
    const next = world.open();
    const lease = await next;
    assert.ok(lease.tunnel.isOpen);
    await world.pass(
      Promise.resolve(dial).then(
        ({ release }) => release(),
        () => {},
      ),
    );
    await world.pass(lease.release());
  }
  await world.clock.advance(3000);
  assert.equal(world.simulator.realms, 0);
  await world.stop();
  assert.equal(world.clock.timers, 0);
});

test('a refused realm, one without answer and one that lies end alone', async () => {
  const world = await DahuaWorld.start({ window: 'constant' });
  const lease = await world.open();
  const good = await world.connect(lease);
  good.stream.write('SEND 2000000 8');
  await world.until(() => good.bytes > 10_000);
  world.simulator.faults.refuseBinds = 1;
  const refused = await world.connect(lease);
  await world.until(() => refused.isEnded);
  world.simulator.faults.isBindSilent = true;
  const silent = await world.connect(lease);
  await world.clock.advance(9000);
  assert.equal(silent.isEnded, false);
  await world.until(() => silent.isEnded, 5000);
  world.simulator.faults.isBindSilent = false;
  await world.until(() => good.bytes >= 2_000_000);
  assert.equal(hashOf(good.received), hashOf(pattern(2_000_000, 8)));
  await world.stop();
});

test('lying lengths: whoever gets wrong bytes is closed or the session ends; no reader gets a longer stream than was sent', async () => {
  const world = await DahuaWorld.start({ window: 'constant', faults: { lieAfterMessages: 20 } });
  const lease = await world.open();
  const client = await world.connect(lease);
  client.stream.write('SEND 300000 8');
  await world.clock.advance(60_000);
  assert.ok(client.bytes <= 300_000 + 65_536 + 12);
  await world.stop();
});

test('forged datagrams of strangers change nothing', async () => {
  const world = await DahuaWorld.start();
  const lease = await world.open();
  const client = await world.connect(lease);
  client.stream.write('SEND 300000 9');
  const stranger = await world.net.host('192.0.2.66').openUdp();
  const disc = encodeMessage({ kind: 'status', realm: 1, status: 'DISC' });
  const header = { control: 0, window: 65_535, tsval: 1, tsecr: 0, ack: 4 };
  for (let port = 49_152; port < 49_160; port++) {
    const to = { address: RECORDER, port };
    stranger.send(encodeSegment({ ...header, seq: 4, flags: 4, body: disc }), to);
    stranger.send(encodeResponse(403, 'Forbidden', [['CSeq', '5']], '<body></body>'), to);
  }
  await world.until(() => client.bytes >= 300_000);
  assert.equal(hashOf(client.received), hashOf(pattern(300_000, 9)));
  await stranger.close();
  await world.stop();
});

test('a public cloud cannot send us to private addresses', async () => {
  const world = await DahuaWorld.start({}, {});
  // The default profiles are public names: here they lead to a private address, and what it names is refused.
  const inside = await DahuaWorld.start({ net: world.net.host('10.0.0.77'), host: '10.0.0.77', clock: world.clock });
  world.net.setName('www.easy4ipcloud.com', '10.0.0.77');
  const opening = world.tunnels.acquire(
    {
      ...world.settings(),
      hasOwnServer: false,
      relay: 'always',
      profiles: [{ ...world.settings().profiles[0]!, server: 'www.easy4ipcloud.com' }],
    },
    world.context(),
    null,
  );
  opening.catch(() => {});
  await world.pass(opening.catch(() => {}));
  await assert.rejects(opening, (error) => isNvrError(error) && error.context.reason === 'noPath');
  assert.equal(inside.simulator.stats.agents, 0);
  await inside.stop();
  await world.stop();
});

test('four hours in accelerated time: leases end every 30 minutes, nothing grows (a day: npm run soak)', async () => {
  const { heapGrowthBytes, reconnects, mostTimers, mostSockets, ...left } = await liveDahuaHours(4);
  assert.ok(reconnects >= 7 && reconnects <= 10, `${reconnects}`);
  assert.ok(mostTimers < 50, `${mostTimers} timers`);
  assert.ok(mostSockets <= 4, `${mostSockets} sockets`);
  assert.deepEqual(left, { socketsLeft: 0, realmsLeft: 0, timersLeft: 0, damaged: 0 });
  assert.ok(heapGrowthBytes < 3e6, `${heapGrowthBytes} bytes`);
});
