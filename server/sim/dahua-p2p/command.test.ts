// The command's faults reach the simulated world: seen by the driver on real sockets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { silentLogger } from '../../core/logger.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import { readSettings } from '../../drivers/dahua-p2p/settings.ts';
import { Tunnels } from '../../drivers/dahua-p2p/tunnels.ts';
import { systemNet } from '../../net/system-net.ts';
import { parseOptions } from '../command-line.ts';
import { dahuaCommand } from './command.ts';

const HOST = '127.0.0.1';

/** Starts the command with a device that answers OPTIONS, and opens a tunnel to it. @returns `ok`, or why not */
async function outcome(args: readonly string[], changes = {}): Promise<unknown> {
  await using target = await systemNet.streams.listen({ address: HOST, port: 0 }, (stream) =>
    stream.onBytes(() => stream.write('RTSP/1.0 200 OK\r\n\r\n')),
  );
  const all = ['--port', '0', '--target', `${HOST}:${target.local.port}`, ...args];
  await using simulation = await dahuaCommand.start(parseOptions(dahuaCommand.options, all), () => {});
  const settings = readSettings({ ...simulation.cameras[0]!.settings, ...changes });
  const context = { net: systemNet, clock: systemClock, log: silentLogger, step: () => {} };
  try {
    const lease = await new Tunnels().acquire(settings, { ...context, signal: new AbortController().signal }, null);
    const { path } = lease.tunnel.facts;
    await lease.release();
    return path;
  } catch (error) {
    return isNvrError(error) ? error.context.reason : error;
  }
}

test('every fault of the list can be chosen', async () => {
  const found = await Promise.all([
    outcome([]),
    outcome(['--unknown']),
    outcome(['--unauthorized', '2', '--clock-offset', '3600', '--signalling-loss', '0.1', '--chatty']),
    outcome(['--device-auth', '--no-heartbeat', '--confirm-after', '300'], { relay: 'always' }),
    outcome(['--device-auth'], { password: 'wrong' }),
    outcome(['--refuse-realms', '1'], { relay: 'never' }),
  ]);
  assert.deepEqual(found, ['direct', 'unknownSerial', 'direct', 'relay', 'wrongPassword', 'noRtsp']);
});
