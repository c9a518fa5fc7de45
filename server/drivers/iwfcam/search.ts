// Looks for cameras: probes targets or broadcasts, yields each camera once. Source: protocols/iwfcam.md section 4.

import { isUnicastIpv4 } from '../../net/ipv4.ts';
import type { Endpoint, Net } from '../../net/net.ts';
import type { DiscoveryContext } from '../driver.ts';
import { limits, timing } from './dialect.ts';
import { DISCOVERY_PORT, encodeDiscoveryRequest, parsePacket } from './wire.ts';

/** A camera that answered. `uid` is bounded and printable; it may be empty. */
export type FoundCamera = { readonly uid: string; readonly address: string; readonly discoveryPort: number };

const MAX_PORT = 65535;

/** `address` or `address:port` to where a probe goes; what does not resolve is left out. */
async function endpointsOf(targets: readonly string[], net: Net): Promise<Endpoint[]> {
  const texts = targets.length > 0 ? targets.slice(0, limits.searchTargets) : net.broadcastAddresses();
  const endpoints = await Promise.all(
    texts.map(async (text): Promise<Endpoint | null> => {
      const [host = '', port] = text.split(':');
      const number = port === undefined ? DISCOVERY_PORT : Number(port);
      if (!Number.isInteger(number) || number < 1 || number > MAX_PORT) return null;
      const address = await net.resolve(host).catch(() => null);
      return address === null ? null : { address, port: number };
    }),
  );
  return endpoints.filter((endpoint) => endpoint !== null);
}

/** Sends three rounds of probes and yields answers as they come. Ends by itself or with the signal. */
export async function* searchCameras(context: DiscoveryContext): AsyncGenerator<FoundCamera, void> {
  const { net, clock, signal, log } = context;
  const endpoints = await endpointsOf(context.targets, net);
  if (endpoints.length === 0 || signal.aborted) return;
  const ports = new Set(endpoints.map((endpoint) => endpoint.port));
  const found = new Map<string, FoundCamera>();
  const queue: FoundCamera[] = [];
  let wake = () => {};
  let rounds = 0;
  await using socket = await net.openUdp({ broadcast: true });

  socket.onDatagram((bytes, from) => {
    if (found.size >= limits.foundCameras || !ports.has(from.port) || !isUnicastIpv4(from.address)) return;
    const packet = parsePacket(bytes);
    if (typeof packet === 'string' || packet.kind !== 'discoveryResponse') return;
    // A camera sends one item, its own; further ones are somebody's invention, so they are not added.
    const uid = packet.items[0]?.uid ?? '';
    const key = uid === '' ? `${from.address}:${from.port}` : uid;
    if (found.has(key)) return;
    const camera = { uid, address: from.address, discoveryPort: from.port };
    found.set(key, camera);
    queue.push(camera);
    wake();
  });

  const request = encodeDiscoveryRequest();
  const round = (): void => {
    if (rounds++ < timing.searchRounds) {
      for (const endpoint of endpoints) socket.send(request, endpoint);
      timer = clock.after(timing.discoveryIntervalMs, round);
    }
    wake();
  };
  let timer = clock.after(0, round);
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      const camera = queue.shift();
      if (camera) yield camera;
      else if (signal.aborted || rounds > timing.searchRounds) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    log.debug({ found: found.size }, 'IWFCam search ended');
  }
}
