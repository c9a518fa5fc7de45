// Dahua in time that is told to pass: what is said when nobody answers, and that nothing at all is sent, looked up or opened
// while no Dahua camera is enabled.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import { createApp } from '../app.ts';
import { Discovery } from '../cameras/discovery.ts';
import type { Fleet } from '../cameras/fleet.ts';
import { CameraProbe } from '../cameras/probe.ts';
import { readConfig } from '../config.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import { createDahuaDriver } from '../drivers/dahua-p2p/index.ts';
import { DriverRegistry } from '../drivers/registry.ts';
import type { Net } from '../net/net.ts';
import { CLOUD, DahuaWorld } from './dahua-world.ts';

/** Four times the longest wait of the Supervisor. */
const LONG_MS = 60 * 60_000;

/** A network that writes down every way out that is tried, and has none. */
function watchedNet(): { net: Net; tried: string[] } {
  const tried: string[] = [];
  const refuse = (what: string): Promise<never> => {
    tried.push(what);
    return Promise.reject(new NvrError('unavailable', 'There is no network'));
  };
  const net: Net = {
    openUdp: () => refuse('openUdp'),
    resolve: (host) => refuse(`resolve ${host}`),
    resolveAll: (host) => refuse(`resolve ${host}`),
    localAddressFor: (address) => refuse(`route ${address}`),
    broadcastAddresses: () => [],
    streams: {
      connect: ({ address, port }) => refuse(`connect ${address}:${port}`),
      listen: () => refuse('listen'),
    },
  };
  return { net, tried };
}

test('a blocked network and an offline device are told apart, within the time of a test', async () => {
  await using world = Object.assign(await DahuaWorld.start(), {
    async [Symbol.asyncDispose](this: DahuaWorld) {
      await this.stop();
    },
  });
  const drivers = new DriverRegistry([createDahuaDriver()]);
  const { clock, recorder: net, simulator } = world;
  const probe = new CameraProbe({ fleet: {} as Fleet, drivers, clock, net, log: silentLogger });
  const attempt = async (serial: string) => {
    const steps: string[] = [];
    const began = clock.monoMs();
    const run = probe.run(
      { driver: 'dahua-p2p', settings: { ...simulator.settings, serial, server: 'cloud.test' } },
      { onStep: ({ id }) => steps.push(id) },
    );
    await world.pass(run);
    const result = await run;
    assert.equal(result.ok, false);
    assert.ok(clock.monoMs() - began < 15_000);
    return { steps, said: result.ok ? '' : result.error.message };
  };

  world.net.cut(CLOUD);
  const blocked = await attempt('BLOCKED000000001');
  assert.deepEqual(blocked.steps, []);
  assert.match(blocked.said, /UDP may be blocked/);
  world.net.mend(CLOUD);

  await simulator.vanish();
  const offline = await attempt(simulator.settings.serial);
  assert.deepEqual(offline.steps, ['service']);
  assert.match(offline.said, /seems to be offline/);
});

test('the whole app sends nothing without an enabled Dahua camera', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-test-'));
  const { net, tried } = watchedNet();
  const config = {
    ...readConfig({ PERCH_DATA_DIR: dataDir, PERCH_PORT: '0', PERCH_HOST: '127.0.0.1' }),
    ...{ rtspPort: null, webrtcPort: null },
  };
  const clock = new ManualClock();
  const app = createApp({ config, net, clock, log: pino({ level: 'silent' }) });
  try {
    await app.start();
    await clock.advance(LONG_MS);
    assert.deepEqual(tried, [], 'no camera at all');

    const drivers = new DriverRegistry([createDahuaDriver()]);
    const fleet = { drivers: () => drivers.all(), all: () => [] } as unknown as Fleet;
    const search = new Discovery({ fleet, clock, net, log: silentLogger, targets: [] }).run();
    await clock.advance(10_000);
    await search;
    assert.deepEqual(tried, [], 'a search for cameras');

    const settings = { serial: 'TESTSN0000000001', username: 'admin', password: 'secret' };
    await app.fleet.add({ name: 'Yard', driver: 'dahua-p2p', settings, enabled: false });
    await app.fleet.change('yard', { name: 'Court', settings: { channel: 2 } });
    assert.throws(() => app.fleet.restart('yard'), /disabled/);
    await clock.advance(LONG_MS);
    assert.deepEqual(tried, [], 'a disabled one');

    await app.fleet.change('yard', { enabled: true });
    await clock.advance(60_000);
    assert.ok(tried.length > 0, 'an enabled one tries');

    await app.fleet.change('yard', { enabled: false });
    await clock.advance(5000);
    tried.length = 0;
    await clock.advance(LONG_MS);
    assert.deepEqual(tried, [], 'disabled again');
  } finally {
    const stopped = app.stop();
    await clock.advance(30_000);
    await stopped;
    await rm(dataDir, { recursive: true, force: true });
  }
});
