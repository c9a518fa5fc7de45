// Run by onvif-peers.test.ts in a network namespace with one ordinary interface (10.77.0.1): searches by true multicast,
// ours and the `onvif` package's, and, when its path is given, a device that is not ours. Prints what was found as JSON.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import { askDevice, type DeviceOffer } from '../drivers/onvif/ask.ts';
import { type FoundDevice, searchDevices } from '../drivers/onvif/search.ts';
import { DISCOVERY_PORT } from '../drivers/onvif/wire.ts';
import { systemNet } from '../net/system-net.ts';
import { OnvifSimulator } from '../sim/onvif/simulator.ts';

const HOST = '10.77.0.1';
const PEER_PORT = 8080;
const { signal } = new AbortController();
const world = { net: systemNet, clock: systemClock, signal };

async function search(): Promise<FoundDevice[]> {
  const found: FoundDevice[] = [];
  for await (const device of searchDevices({ ...world, log: silentLogger, targets: [] })) found.push(device);
  return found.toSorted((a, b) => a.url.localeCompare(b.url));
}

/** The package's own search. It knows no target: multicast only. */
async function theirSearch(): Promise<string[]> {
  const { default: onvif } = await import('onvif');
  return new Promise((resolve, reject) => {
    onvif.Discovery.probe({ timeout: 1000 }, (error, cameras = []) => {
      const list = cameras as readonly { hostname: string; port: string; path: string }[];
      if (error) reject(error);
      else resolve(list.map(({ hostname, port, path }) => `${hostname}:${port}${path}`));
    });
  });
}

async function reachable(port: number): Promise<void> {
  for (;;) {
    const stream = await systemNet.streams.connect({ address: HOST, port }).catch(() => null);
    if (stream) return stream.close();
    await systemClock.sleep(20);
  }
}

async function askPeer(binary: string): Promise<{ devices: FoundDevice[]; offer: DeviceOffer; refusals: string[] }> {
  const streams = [`rtsp://${HOST}:554/main`, `rtsp://${HOST}:554/sub`];
  const peer = spawn(binary, [HOST, String(PEER_PORT), 'admin', 'pa55 wörd', ...streams], { stdio: 'ignore' });
  try {
    await Promise.race([
      reachable(PEER_PORT),
      once(peer, 'exit').then(() => Promise.reject(new Error('the peer ended'))),
    ]);
    const url = `http://${HOST}:${PEER_PORT}/onvif/device_service`;
    const offer = await askDevice({ url, credentials: { username: 'admin', password: 'pa55 wörd' } }, world);
    const refusals: string[] = [];
    for (const credentials of [null, { username: 'admin', password: 'wrong' }]) {
      await askDevice({ url, credentials }, world).catch((error: Error) => refusals.push(error.message));
    }
    return { devices: await search(), offer, refusals };
  } finally {
    peer.kill('SIGKILL');
  }
}

const [, , binary] = process.argv;
const profile = { token: 'p', name: 'p', codec: 'H264', width: 1, height: 1, frameRate: 1, bitRate: 1 } as const;
const sim = await OnvifSimulator.start({
  ...{ ...world, host: HOST, port: 8000, discoveryPort: DISCOVERY_PORT, auth: 'none' },
  profiles: [{ ...profile, url: `rtsp://${HOST}/` }],
});
const [found, theirs] = await Promise.all([search(), theirSearch()]);
await sim[Symbol.asyncDispose]();
const peer = binary ? await askPeer(binary) : null;
process.stdout.write(JSON.stringify({ found, theirs, peer }), () => process.exit(0));
