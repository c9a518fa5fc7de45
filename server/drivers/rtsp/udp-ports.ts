// A pair of UDP ports for one track: RTP on an even port, RTCP on the next (RFC 3550 section 11).

import { isNvrError, NvrError } from '../../core/nvr-error.ts';
import type { Endpoint, Net, UdpSocket } from '../../net/net.ts';
import { limits } from './limits.ts';

/** Told of a datagram from the camera. */
export type PortHandler = (bytes: Uint8Array) => void;

/** Two sockets that listen to one address only. */
export class UdpPorts implements AsyncDisposable {
  readonly #rtp: UdpSocket;
  readonly #rtcp: UdpSocket;
  readonly #address: string;
  #server: readonly [number, number] | null = null;
  /** Datagrams of somebody else. */
  strangers = 0;

  /** @param address the camera's; datagrams from elsewhere are left out */
  static async open(net: Net, address: string): Promise<UdpPorts> {
    const receiveBufferBytes = limits.receiveBufferBytes;
    for (let tries = 0; tries < limits.portTries; tries++) {
      const rtp = await net.openUdp({ receiveBufferBytes });
      const { port } = rtp.local;
      try {
        if (port % 2 === 0 && port < 65_535) return new UdpPorts(rtp, await net.openUdp({ port: port + 1 }), address);
      } catch (error) {
        if (!isNvrError(error, 'conflict')) throw error;
      }
      await rtp.close();
    }
    throw new NvrError('unavailable', 'No free pair of UDP ports was found');
  }

  private constructor(rtp: UdpSocket, rtcp: UdpSocket, address: string) {
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.#address = address;
  }

  /** As in a Transport header. */
  get clientPorts(): string {
    return `${this.#rtp.local.port}-${this.#rtcp.local.port}`;
  }

  /** Begins to hand out datagrams. `server`: the camera's ports when it said them; then no others are heard. */
  start(server: readonly [number, number] | null, onRtp: PortHandler, onRtcp: PortHandler): void {
    this.#server = server;
    this.#rtp.onDatagram((bytes, from) => this.#take(bytes, from, server?.[0], onRtp));
    this.#rtcp.onDatagram((bytes, from) => this.#take(bytes, from, undefined, onRtcp));
    if (!server) return;
    // Opens the way back through our own firewall: an empty RTP packet and an empty receiver report.
    this.#rtp.send(Uint8Array.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), {
      address: this.#address,
      port: server[0],
    });
    this.sendRtcp(Uint8Array.from([0x80, 201, 0, 1, 0, 0, 0, 0]));
    // Last, because nothing more is sent here: a flood of others stays out of the receive buffer.
    this.#rtp.only({ address: this.#address, port: server[0] });
  }

  sendRtcp(bytes: Uint8Array): void {
    if (this.#server) this.#rtcp.send(bytes, { address: this.#address, port: this.#server[1] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#rtp.close(), this.#rtcp.close()]);
  }

  #take(bytes: Uint8Array, from: Endpoint, port: number | undefined, handler: PortHandler): void {
    if (from.address !== this.#address || (port !== undefined && from.port !== port)) this.strangers++;
    else handler(bytes);
  }
}
