// One UDP socket of the in-memory network.

import type { Datagram } from './datagram-faults.ts';
import type { DatagramHandler, Endpoint, UdpSocket } from './net.ts';

/** What the socket's host provides. */
export type MemoryUdpSocketOptions = {
  readonly local: Endpoint;
  readonly broadcast: boolean;
  /** The address that datagrams to `address` come from. */
  readonly sourceFor: (address: string) => string;
  readonly carry: (datagram: Datagram) => void;
  readonly onClose: () => void;
};

const MAX_DATAGRAM_BYTES = 65507;

/** A {@link UdpSocket} on a `MemoryNet`. */
export class MemoryUdpSocket implements UdpSocket {
  readonly local: Endpoint;
  sendErrors = 0;
  readonly #options: MemoryUdpSocketOptions;
  #handler: DatagramHandler | null = null;
  #closed = false;
  #peer: Endpoint | null = null;

  /** Made by `MemoryHost.openUdp`. */
  constructor(options: MemoryUdpSocketOptions) {
    this.local = options.local;
    this.#options = options;
  }

  /** The address it is bound to; `0.0.0.0` for all. */
  get bound(): string {
    return this.local.address;
  }

  onDatagram(handler: DatagramHandler): void {
    this.#handler = handler;
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    const isBroadcast = to.address.endsWith('.255');
    const refused = this.#closed || to.port === 0 || bytes.length > MAX_DATAGRAM_BYTES;
    if (refused || (isBroadcast && !this.#options.broadcast) || !this.#hears(to)) {
      this.sendErrors += 1;
      return;
    }
    this.#options.carry({ bytes, from: { address: this.#options.sourceFor(to.address), port: this.local.port }, to });
  }

  only(peer: Endpoint): void {
    this.#peer ??= peer;
  }

  #hears({ address, port }: Endpoint): boolean {
    return this.#peer === null || (this.#peer.address === address && this.#peer.port === port);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#handler = null;
    this.#options.onClose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal for the net: a datagram arrived. */
  receive(bytes: Uint8Array, from: Endpoint): void {
    if (this.#hears(from)) this.#handler?.(bytes, from);
  }
}
