// The real network: the only file that opens UDP sockets.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { NvrError } from '../core/nvr-error.ts';
import { isPrivateIpv4 } from './ipv4.ts';
import type { DatagramHandler, Endpoint, Net, UdpOptions, UdpSocket } from './net.ts';
import { systemStreams } from './tcp-streams.ts';

/** Longest wait for a name server. */
const RESOLVE_TIMEOUT_MS = 5000;
/** Any port: connecting a UDP socket sends nothing. */
const ROUTE_PROBE_PORT = 9;

/** Addresses are literal by the time they are sent to, so the resolver's detour per packet is skipped. */
function literalLookup(
  address: string,
  _family: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  if (isIPv4(address)) callback(null, address, 4);
  else callback(Object.assign(new Error(`not an IPv4 address: ${address}`), { code: 'EINVAL' }), '', 4);
}

class SystemUdpSocket implements UdpSocket {
  readonly local: Endpoint;
  readonly #socket: Socket;
  readonly #onSent: (error: Error | null) => void;
  #handler: DatagramHandler | null = null;
  #closing: Promise<void> | null = null;
  #sendErrors = 0;
  #peer: Endpoint | null = null;
  #isConnected = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.local = { address: socket.address().address, port: socket.address().port };
    this.#onSent = (error) => {
      if (error) this.#sendErrors++;
    };
    socket.on('message', (bytes: Uint8Array, from: RemoteInfo) => this.#handler?.(bytes, from));
    socket.on('error', () => this.#sendErrors++);
  }

  get sendErrors(): number {
    return this.#sendErrors;
  }

  onDatagram(handler: DatagramHandler): void {
    this.#handler = handler;
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (this.#closing) return;
    const { address, port } = this.#peer ?? to;
    if (address !== to.address || port !== to.port) {
      this.#sendErrors++;
      return;
    }
    try {
      if (this.#isConnected) this.#socket.send(bytes, 0, bytes.length, this.#onSent);
      else this.#socket.send(bytes, 0, bytes.length, to.port, to.address, this.#onSent);
    } catch {
      this.#sendErrors++; // a port or address that no socket takes
    }
  }

  only(peer: Endpoint): void {
    if (this.#peer || this.#closing) return;
    this.#peer = peer;
    this.#socket.connect(peer.port, peer.address, (error?: Error) => {
      this.#isConnected = !error;
    });
  }

  close(): Promise<void> {
    this.#handler = null;
    this.#closing ??= new Promise((resolve) => this.#socket.close(() => resolve()));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function bindError(error: unknown, options: UdpOptions): NvrError {
  const code = (error as NodeJS.ErrnoException).code;
  const where = `${options.address ?? '0.0.0.0'}:${options.port ?? 0}`;
  const taken = code === 'EADDRINUSE';
  const message = taken ? `UDP port ${where} is in use` : `UDP port ${where} cannot be opened (${code ?? 'unknown'})`;
  return new NvrError(taken ? 'conflict' : 'unavailable', message, { cause: error, context: { port: options.port } });
}

async function openUdp(options: UdpOptions = {}): Promise<UdpSocket> {
  const { multicastFrom, group } = options;
  const socket = createSocket({ type: 'udp4', lookup: literalLookup, reuseAddr: group !== undefined });
  try {
    const listening = once(socket, 'listening');
    socket.bind({
      port: options.port ?? 0,
      exclusive: group === undefined,
      ...(options.address && { address: options.address }),
    });
    await listening;
    if (options.broadcast) socket.setBroadcast(true);
    if (multicastFrom !== undefined) {
      socket.setMulticastInterface(multicastFrom);
      socket.setMulticastTTL(1);
    }
    if (group !== undefined) socket.addMembership(group, multicastFrom);
    if (options.receiveBufferBytes) growReceiveBuffer(socket, options.receiveBufferBytes);
    return new SystemUdpSocket(socket);
  } catch (error) {
    socket.on('error', () => {});
    socket.close();
    throw bindError(error, options);
  }
}

/** Best effort: the kernel clips to its own limit (`net.core.rmem_max`) and some systems refuse. */
function growReceiveBuffer(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    // the default buffer works, it only loses bursts sooner
  }
}

async function localAddressFor(address: string): Promise<string> {
  const socket = createSocket({ type: 'udp4', lookup: literalLookup });
  try {
    const connected = once(socket, 'connect');
    socket.connect(ROUTE_PROBE_PORT, address);
    await connected;
    return socket.address().address;
  } catch (error) {
    throw new NvrError('unavailable', `There is no route to ${address}`, { cause: error, context: { address } });
  } finally {
    socket.on('error', () => {});
    socket.close();
  }
}

async function resolve(host: string): Promise<string> {
  return (await resolveAll(host))[0]!;
}

async function resolveAll(host: string): Promise<readonly string[]> {
  if (isIPv4(host)) return [host];
  let giveUp: NodeJS.Timeout | undefined;
  try {
    const timeout = new Promise<never>((_, reject) => {
      giveUp = setTimeout(() => reject(new Error('the name server did not answer')), RESOLVE_TIMEOUT_MS);
    });
    const found = await Promise.race([lookup(host, { family: 4, all: true }), timeout]);
    if (found.length === 0) throw new Error('no address');
    return found.map(({ address }) => address);
  } catch (error) {
    throw new NvrError('unavailable', `The name ${host} does not resolve to an IPv4 address`, {
      cause: error,
      context: { host },
    });
  } finally {
    clearTimeout(giveUp);
  }
}

/** Only private networks: a probe never leaves for the Internet. */
function broadcastAddresses(): string[] {
  const found = new Set<string>();
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { family, internal, address, netmask } of addresses ?? []) {
      if (family !== 'IPv4' || internal || !isPrivateIpv4(address)) continue;
      const mask = netmask.split('.').map(Number);
      const broadcast = address.split('.').map((part, i) => Number(part) | (~(mask[i] ?? 255) & 255));
      if (mask[3] !== 255) found.add(broadcast.join('.'));
    }
  }
  return [...found];
}

/** The network of this host. */
export const systemNet: Net = {
  openUdp,
  localAddressFor,
  resolve,
  resolveAll,
  broadcastAddresses,
  streams: systemStreams,
};
