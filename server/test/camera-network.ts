// Run by camera-network.test.ts in a network namespace: what only a real network says. Prints the errors as JSON.

import { readFileSync } from 'node:fs';
import { systemClock } from '../core/clock.ts';
import { type NvrError, toNvrError } from '../core/nvr-error.ts';
import { createRtspDriver } from '../drivers/rtsp/index.ts';
import { systemNet } from '../net/system-net.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { driverContext, madeClip } from './source-world.ts';

const [, , folder = ''] = process.argv;
const driver = createRtspDriver();
const tls = { key: readFileSync(`${folder}/key.pem`, 'utf8'), cert: readFileSync(`${folder}/cert.pem`, 'utf8') };

async function opened(url: string): Promise<Pick<NvrError, 'code' | 'message'> | null> {
  try {
    await using _session = await driver.open({ url }, driverContext(systemClock, systemNet));
    return null;
  } catch (error) {
    const { code, message } = toNvrError(error);
    return { code, message };
  }
}

async function secured(host: string) {
  await using sim = await RtspSimulator.start({
    net: systemNet,
    clock: systemClock,
    host,
    port: 0,
    clip: madeClip(10, 5),
    tls,
  });
  return await opened(sim.url);
}

const answers = {
  privateTls: await secured('10.77.0.1'),
  publicTls: await secured('203.0.113.5'),
  noHost: await opened('rtsp://10.88.0.9/x'),
  noNetwork: await opened('rtsp://198.51.100.7/x'),
  refused: await opened('rtsp://10.77.0.1:9/x'),
};
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
