// Who reads the log may not learn what opens the device: serial number, user, password, tokens, proofs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DriverSettings } from '../../core/camera-config.ts';
import { silentLogger } from '../../core/logger.ts';
import { toNvrError } from '../../core/nvr-error.ts';
import { DahuaWorld } from '../../test/dahua-world.ts';
import { Tunnels } from './tunnels.ts';

const SERIAL = 'TESTSN0000000001';
const LOGIN = { username: 'gatekeeper', password: 'open sesame' };

test('serial, user, password, salt and tokens are in no line of the log and in no error, at any level', async () => {
  const lines: string[] = [];
  const note = (...said: unknown[]) => {
    for (const each of said) {
      const { err } = (each ?? {}) as { err?: unknown };
      const error = each instanceof Error ? each : err instanceof Error ? err : null;
      const whole = error ? { ...toNvrError(error).context, message: error.message, stack: error.stack } : null;
      lines.push(JSON.stringify(each), JSON.stringify(whole));
    }
  };
  const log = { ...silentLogger, trace: note, debug: note, info: note, warn: note, error: note, child: () => log };
  const secrets = [SERIAL, SERIAL.toLowerCase(), ...Object.values(LOGIN), 'a1b2c3d4e5f60718'];
  const worlds: Array<[options: object, settings: DriverSettings]> = [
    [{}, LOGIN],
    [{}, { ...LOGIN, relay: 'always' }],
    [{ password: 'another one' }, LOGIN],
    [{ faults: { isUnknown: true } }, LOGIN],
    [{ faults: { isDirectBlocked: true, isRelayDead: true } }, LOGIN],
    [{ keys: [] }, LOGIN],
    [{ dialect: 'sign' }, LOGIN],
  ];
  for (const [options, settings] of worlds) {
    const tunnels = new Tunnels({ address: '192.0.2.1', port: null });
    const device = { auth: 'required', randSalt: 'a1b2c3d4e5f60718', ...LOGIN, serial: SERIAL } as const;
    const world = await DahuaWorld.start({ ...device, ...options }, {}, tunnels);
    const opening = tunnels.acquire(world.settings(settings), { ...world.context(), log }, null);
    opening.catch(note);
    await world.pass(opening);
    const lease = await opening.catch(() => null);
    if (lease) note(lease.tunnel.facts, lease.tunnel.counts);
    await world.simulator.vanish();
    await world.clock.advance(60_000);
    if (lease?.tunnel.error) note(lease.tunnel.error);
    await world.pass(Promise.resolve(lease?.release()));
    await world.stop();
  }
  assert.ok(lines.length > 40, 'something was logged');
  for (const line of lines) {
    for (const secret of secrets) assert.ok(!line?.includes(secret), `${secret} in ${line}`);
    assert.doesNotMatch(line ?? '', /[0-9A-F]{32}-[0-9a-f]{32}|PasswordDigest|DevAuth/);
  }
});
