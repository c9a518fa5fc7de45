// A network in memory: hosts by address, UDP carried by a Clock, seeded faults, cuts. No ICMP: nobody is told that a
// port is closed, as with a camera that left the WiFi.

import type { Clock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import { type Random, seededRandom } from '../core/random.ts';
import { type Datagram, type Faults, FaultyPath, noFaults } from './datagram-faults.ts';
import { MemoryUdpSocket } from './memory-net-socket.ts';
import type { Net, UdpOptions, UdpSocket } from './net.ts';
import type { StreamNet } from './stream.ts';
import { MemoryStreams } from './tcp-memory.ts';

/** Options of {@link MemoryNet}. */
export type MemoryNetOptions = {
  readonly clock: Clock;
  /** Seed of the faults. */
  readonly seed?: number;
  /** Faults of every path; per pair of hosts with {@link MemoryNet.setFaults}. */
  readonly faults?: Partial<Faults>;
};

/** What the net carried, for assertions. */
export type MemoryNetStats = { sent: number; delivered: number; cut: number; unreachable: number };

const ANY = '0.0.0.0';
const LIMITED_BROADCAST = '255.255.255.255';
/** Heard by every neighbor, as if all had joined. */
const MULTICAST = /^2(?:2[4-9]|3\d)\./;
const FIRST_EPHEMERAL_PORT = 49152;
const MAX_PORT = 65535;
/** Time for one datagram when nothing else is said: above zero, so that two hosts cannot answer each other for ever in no time. */
const DEFAULT_DELAY_MS = 0.1;
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Whether two addresses share a local network: the same /24, or both loopback. */
function areNeighbors(a: string, b: string): boolean {
  if (a.startsWith('127.') && b.startsWith('127.')) return true;
  return a.slice(0, a.lastIndexOf('.')) === b.slice(0, b.lastIndexOf('.'));
}

function isIpv4(text: string): boolean {
  return IPV4.test(text) && text.split('.').every((part) => Number(part) <= 255);
}

/** The whole network. `net.host('10.0.0.2')` is what one machine on it sees. */
export class MemoryNet {
  readonly stats: MemoryNetStats = { sent: 0, delivered: 0, cut: 0, unreachable: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  #faults: Faults;
  readonly #hosts = new Map<string, MemoryHost>();
  readonly #paths = new Map<string, FaultyPath>();
  readonly #cuts = new Set<string>();
  readonly #names = new Map<string, readonly string[]>();
  /** @internal for the hosts */
  readonly streams: MemoryStreams;

  constructor(options: MemoryNetOptions) {
    this.#clock = options.clock;
    this.#random = seededRandom(options.seed ?? 1);
    this.#faults = { ...noFaults, delayMs: DEFAULT_DELAY_MS, ...options.faults };
    this.streams = new MemoryStreams({ clock: options.clock, isCut: (from, to) => this.#isCut(from, to) });
  }

  /** The machine with that address (made at the first call); more addresses make it a machine with several networks. */
  host(address: string, ...more: string[]): MemoryHost {
    let host = this.#hosts.get(address);
    if (!host) {
      host = new MemoryHost(this, [address, ...more]);
      for (const each of host.addresses) this.#hosts.set(each, host);
    }
    return host;
  }

  /** Lets `resolve` find a host name, with one address or several. */
  setName(name: string, ...addresses: readonly string[]): void {
    this.#names.set(name, addresses);
  }

  /** Changes the faults of every path, or of the one direction from one address to another. */
  setFaults(faults: Partial<Faults>, from?: string, to?: string): void {
    if (from !== undefined && to !== undefined) {
      const path = this.#path(from, to);
      path.faults = { ...path.faults, ...faults };
      return;
    }
    this.#faults = { ...this.#faults, ...faults };
    for (const path of this.#paths.values()) path.faults = { ...path.faults, ...faults };
  }

  /** Nothing passes between the two addresses any more; without `b`, nothing to or from `a`. */
  cut(a: string, b = '*'): void {
    this.#cuts.add(`${a} ${b}`);
  }

  /** Undoes {@link cut} with the same arguments. */
  mend(a: string, b = '*'): void {
    this.#cuts.delete(`${a} ${b}`);
  }

  /** @internal for the sockets: one datagram leaves. The bytes are copied here; the sender may reuse them. */
  carry(datagram: Datagram): void {
    this.stats.sent += 1;
    const copy = { ...datagram, bytes: new Uint8Array(datagram.bytes) };
    this.#path(datagram.from.address, datagram.to.address).push(copy);
  }

  /** @internal for the hosts */
  addressesOf(name: string): readonly string[] {
    return isIpv4(name) ? [name] : (this.#names.get(name) ?? []);
  }

  #path(from: string, to: string): FaultyPath {
    const key = `${from} ${to}`;
    let path = this.#paths.get(key);
    if (!path) {
      path = new FaultyPath({
        faults: this.#faults,
        random: this.#random,
        clock: this.#clock,
        deliver: (datagram) => this.#deliver(datagram),
      });
      this.#paths.set(key, path);
    }
    return path;
  }

  #deliver(datagram: Datagram): void {
    const { from, to } = datagram;
    for (const [address, host] of this.#receivers(from.address, to.address)) {
      if (this.#isCut(from.address, address)) {
        this.stats.cut += 1;
        continue;
      }
      const isBroadcast = address !== to.address;
      const sockets = host
        .socketsOn(to.port)
        .filter(({ bound }) => bound === ANY || (!isBroadcast && bound === address));
      if (sockets.length === 0) this.stats.unreachable += 1;
      for (const socket of sockets) {
        this.stats.delivered += 1;
        socket.receive(isBroadcast ? datagram.bytes.slice() : datagram.bytes, from);
      }
    }
  }

  /** Who hears a datagram: one host, or for a broadcast every neighbor of the sender (the sender itself included). */
  #receivers(from: string, to: string): Array<readonly [string, MemoryHost]> {
    const host = this.#hosts.get(to);
    if (host) return [[to, host]];
    const isMulticast = to === LIMITED_BROADCAST || MULTICAST.test(to);
    const isBroadcast = isMulticast || to.endsWith('.255');
    if (!isBroadcast) {
      this.stats.unreachable += 1;
      return [];
    }
    return [...this.#hosts].filter(([address]) => areNeighbors(address, isMulticast ? from : to));
  }

  #isCut(a: string, b: string): boolean {
    return [`${a} *`, `${b} *`, `${a} ${b}`, `${b} ${a}`].some((key) => this.#cuts.has(key));
  }
}

/** One machine on a {@link MemoryNet}. */
export class MemoryHost implements Net {
  readonly addresses: readonly string[];
  readonly streams: StreamNet;
  readonly #net: MemoryNet;
  readonly #sockets = new Map<number, MemoryUdpSocket[]>();
  #nextPort = FIRST_EPHEMERAL_PORT;

  /** Made by {@link MemoryNet.host}. */
  constructor(net: MemoryNet, addresses: readonly string[]) {
    this.#net = net;
    this.addresses = addresses;
    this.streams = net.streams.host(addresses);
  }

  async openUdp(options: UdpOptions = {}): Promise<UdpSocket> {
    const bound = options.address ?? ANY;
    if (bound !== ANY && !this.addresses.includes(bound)) {
      throw new NvrError('unavailable', `${bound} is not an address of this host`, { context: { address: bound } });
    }
    const port = options.port ?? 0;
    if (port !== 0 && this.#isTaken(port, bound)) {
      throw new NvrError('conflict', `UDP port ${port} is in use`, { context: { address: bound, port } });
    }
    const socket = new MemoryUdpSocket({
      local: { address: bound, port: port === 0 ? this.#freePort(bound) : port },
      broadcast: options.broadcast ?? false,
      sourceFor: (address) => (bound === ANY ? this.#sourceFor(address) : bound),
      carry: (datagram) => this.#net.carry(datagram),
      onClose: () => this.#forget(socket),
    });
    const sockets = this.#sockets.get(socket.local.port) ?? [];
    this.#sockets.set(socket.local.port, [...sockets, socket]);
    return socket;
  }

  async localAddressFor(address: string): Promise<string> {
    if (!isIpv4(address))
      throw new NvrError('unavailable', `There is no route to ${address}`, { context: { address } });
    return this.#sourceFor(address);
  }

  async resolve(host: string): Promise<string> {
    return (await this.resolveAll(host))[0]!;
  }

  async resolveAll(host: string): Promise<readonly string[]> {
    const addresses = this.#net.addressesOf(host);
    if (addresses.length > 0) return addresses;
    throw new NvrError('unavailable', `The name ${host} does not resolve`, { context: { host } });
  }

  broadcastAddresses(): string[] {
    return this.addresses
      .filter((address) => !address.startsWith('127.'))
      .map((address) => `${address.slice(0, address.lastIndexOf('.'))}.255`);
  }

  /** @internal for the net */
  socketsOn(port: number): readonly MemoryUdpSocket[] {
    return this.#sockets.get(port) ?? [];
  }

  #sourceFor(address: string): string {
    return this.addresses.find((own) => areNeighbors(own, address)) ?? this.addresses[0]!;
  }

  #isTaken(port: number, address: string): boolean {
    return this.socketsOn(port).some(({ bound }) => bound === ANY || address === ANY || bound === address);
  }

  #freePort(address: string): number {
    for (let tries = FIRST_EPHEMERAL_PORT; tries <= MAX_PORT; tries++) {
      const port = this.#nextPort;
      this.#nextPort = port === MAX_PORT ? FIRST_EPHEMERAL_PORT : port + 1;
      if (!this.#isTaken(port, address)) return port;
    }
    throw new NvrError('unavailable', 'All ephemeral ports are in use');
  }

  #forget(socket: MemoryUdpSocket): void {
    const left = this.socketsOn(socket.local.port).filter((each) => each !== socket);
    if (left.length > 0) this.#sockets.set(socket.local.port, left);
    else this.#sockets.delete(socket.local.port);
  }
}
