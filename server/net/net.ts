// The doors to the network as an interface with two implementations: the real one and one in memory with faults.

import type { StreamNet } from './stream.ts';

/** A UDP endpoint. */
export type Endpoint = { readonly address: string; readonly port: number };

/** Receives one datagram. The bytes belong to the receiver and are never reused. */
export type DatagramHandler = (bytes: Uint8Array, from: Endpoint) => void;

/** Options for {@link Net.openUdp}. */
export type UdpOptions = {
  /** Local address to bind; default all. */
  readonly address?: string;
  /** Local port; default any. */
  readonly port?: number;
  /** Bytes of kernel receive buffer asked for; best effort. */
  readonly receiveBufferBytes?: number;
  readonly broadcast?: boolean;
  /** Multicast leaves by the interface with this local address, and goes no further than its network. */
  readonly multicastFrom?: string;
  /** Hears what is sent to this multicast group on the interface of `multicastFrom`, or of the route. The port is shared. */
  readonly group?: string;
};

/** A bound UDP socket. Send errors are counted, never thrown: UDP promises nothing. */
export interface UdpSocket extends AsyncDisposable {
  readonly local: Endpoint;
  /** Datagrams that the operating system refused to send. */
  readonly sendErrors: number;
  /** One handler; set it before the first await after opening. */
  onDatagram(handler: DatagramHandler): void;
  send(bytes: Uint8Array, to: Endpoint): void;
  /**
   * From now on only this peer is heard, and only it is sent to. The kernel drops what others send before it takes room
   * in the receive buffer: the way to live through a flood. What is queued already may still come.
   */
  only(peer: Endpoint): void;
  /** Closes and resolves when the port is free. Idempotent. */
  close(): Promise<void>;
}

/** The network as drivers and simulators see it. */
export interface Net {
  /** @throws NvrError `conflict` when the port is taken, `unavailable` for other failures to bind */
  openUdp(options?: UdpOptions): Promise<UdpSocket>;
  /**
   * The local address from which the host reaches `address` (a connected UDP socket is asked; no packet is sent).
   * @throws NvrError `unavailable` when there is no route
   */
  localAddressFor(address: string): Promise<string>;
  /**
   * Host name or address to an IPv4 address.
   * @throws NvrError `unavailable` when it does not resolve
   */
  resolve(host: string): Promise<string>;
  /**
   * Like {@link resolve}, but every IPv4 address of a name, in the name server's order: for services that answer on some
   * of their addresses only.
   * @throws NvrError `unavailable` when there is none
   */
  resolveAll(host: string): Promise<readonly string[]>;
  /** TCP and TLS. */
  readonly streams: StreamNet;
  /** IPv4 broadcast addresses of the local networks, loopback left out. */
  broadcastAddresses(): string[];
}
