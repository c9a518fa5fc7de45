// Looks for ONVIF devices: probes by multicast on each local network, or exactly the targets that are set.

import { randomUUID } from 'node:crypto';
import { isPrivateIpv4, isUnicastIpv4 } from '../../net/ipv4.ts';
import type { Endpoint, Net, UdpSocket } from '../../net/net.ts';
import type { DiscoveryContext } from '../driver.ts';
import { deviceAddress } from './addresses.ts';
import { MAX_DEVICES, MAX_TARGETS, SEARCH_INTERVAL_MS, SEARCH_ROUNDS } from './limits.ts';
import {
  DEVICE_TYPES,
  DISCOVERY_GROUP,
  DISCOVERY_PORT,
  encodeProbe,
  type ProbeMatch,
  parseProbeMatches,
  shownText,
} from './wire.ts';

/** A device that answered. */
export type FoundDevice = {
  /** Printable and bounded. */
  readonly name: string;
  /** The address that answered. */
  readonly address: string;
  /** Of its device service, at that address. */
  readonly url: string;
};

const MAX_PORT = 65_535;

/** One socket and where it sends its probes. */
type Way = { readonly socket: UdpSocket; readonly endpoints: readonly Endpoint[] };

/** Sends some rounds of probes and yields devices as they answer. Ends by itself or with the signal. */
export async function* searchDevices(context: DiscoveryContext): AsyncGenerator<FoundDevice, void> {
  const { clock, signal, log } = context;
  const ids = [randomUUID(), randomUUID()];
  const probes = Object.values(DEVICE_TYPES).map((type, n) => encodeProbe(ids[n]!, type));
  await using stack = new AsyncDisposableStack();
  const ways = await openWays(context, stack);
  if (ways.length === 0 || signal.aborted) return;
  const targets = new Set(ways.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)));
  const isExpected = (address: string) =>
    context.targets.length > 0 ? targets.has(address) : isPrivateIpv4(address) && isUnicastIpv4(address);

  const found = new Set<string>();
  const queue: FoundDevice[] = [];
  let wake = () => {};
  let rounds = 0;
  const hear = (bytes: Uint8Array, from: Endpoint) => {
    if (!isExpected(from.address)) return;
    for (const match of parseProbeMatches(bytes, ids)) {
      const url = deviceAddress(match.addresses, from.address);
      // One device may answer on several networks and for several types; one address may have several devices.
      const keys = [match.endpoint, url ?? ''].filter((key) => key !== '');
      if (url === null || keys.some((key) => found.has(key)) || queue.length + found.size > 2 * MAX_DEVICES) continue;
      for (const key of keys) found.add(key);
      queue.push({ name: nameOf(match, from.address), address: from.address, url });
      wake();
    }
  };
  for (const { socket } of ways) socket.onDatagram(hear);

  const round = (): void => {
    if (rounds++ < SEARCH_ROUNDS) {
      for (const { socket, endpoints } of ways) {
        for (const endpoint of endpoints) for (const probe of probes) socket.send(probe, endpoint);
      }
      timer = clock.after(SEARCH_INTERVAL_MS, round);
    }
    wake();
  };
  let timer = clock.after(0, round);
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);
  try {
    for (let told = 0; told < MAX_DEVICES; ) {
      const device = queue.shift();
      if (device) {
        told++;
        yield device;
      } else if (signal.aborted || rounds > SEARCH_ROUNDS) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    log.debug({ found: found.size }, 'ONVIF search ended');
  }
}

/** A socket for each local network, as multicast leaves by one of them only; or one for all targets. */
async function openWays({ net, targets, log }: DiscoveryContext, stack: AsyncDisposableStack): Promise<Way[]> {
  if (targets.length > 0) {
    const endpoints = await endpointsOf(targets, net);
    return endpoints.length === 0 ? [] : [{ socket: stack.use(await net.openUdp()), endpoints }];
  }
  const ways: Way[] = [];
  for (const address of await localAddresses(net)) {
    try {
      const socket = stack.use(await net.openUdp({ address, multicastFrom: address }));
      ways.push({ socket, endpoints: [{ address: DISCOVERY_GROUP, port: DISCOVERY_PORT }] });
    } catch (error) {
      log.debug({ err: error, address }, 'No multicast on this network');
    }
  }
  return ways;
}

/** Our own address on each local network: where the way to its last host begins. */
async function localAddresses(net: Net): Promise<Set<string>> {
  const own = await Promise.all(
    net.broadcastAddresses().map((broadcast) => {
      const parts = broadcast.split('.').map(Number);
      const last = [...parts.slice(0, -1), (parts.at(-1) ?? 1) - 1].join('.');
      return net.localAddressFor(last).catch(() => null);
    }),
  );
  return new Set(own.filter((address) => address !== null));
}

/** `address` or `address:port`; what does not resolve is left out. */
async function endpointsOf(targets: readonly string[], net: Net): Promise<Endpoint[]> {
  const endpoints = await Promise.all(
    targets.slice(0, MAX_TARGETS).map(async (target): Promise<Endpoint | null> => {
      const [host = '', port] = target.split(':');
      const number = port === undefined ? DISCOVERY_PORT : Number(port);
      if (!Number.isInteger(number) || number < 1 || number > MAX_PORT) return null;
      const address = await net.resolve(host).catch(() => null);
      return address === null ? null : { address, port: number };
    }),
  );
  return endpoints.filter((endpoint) => endpoint !== null);
}

/** What the device calls itself, with its model where that says more. */
function nameOf({ scopes }: ProbeMatch, address: string): string {
  const name = shownText(scopes.get('name') ?? '');
  const hardware = shownText(scopes.get('hardware') ?? '');
  if (name === '' && hardware === '') return `ONVIF camera ${address}`;
  const isMore = hardware !== '' && !name.toLowerCase().includes(hardware.toLowerCase());
  return shownText(isMore ? `${name} ${hardware}` : name);
}
