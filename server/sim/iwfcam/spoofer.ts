// Somebody else on the LAN who sends a client what looks like its camera's packets: from another address, from another
// port of the camera, or with another session. For tests that the client believes none of it.

import {
  encodeAudio,
  encodeCommand,
  encodeDeviceClosing,
  encodeLoginResponse,
  mediaKind,
  ZERO_IDENTITY,
} from '../../drivers/iwfcam/wire.ts';
import type { Endpoint, Net, UdpSocket } from '../../net/net.ts';
import type { Picture } from '../pictures.ts';
import { PreparedPicture } from './prepared-picture.ts';
import { toneBlock } from './tone.ts';

/** A media packet's claim to belong to a stream. */
export type SpoofedPoint = { readonly session: number; readonly frameIndex: number };

const VIDEO = { fragmentBytes: 1032, head: true, mediaKind: mediaKind.video };

/** A source of forged packets. */
export class Spoofer implements AsyncDisposable {
  readonly #socket: UdpSocket;

  /** Opens a socket; `address` may be the camera's own (another port then) or any other of this host. */
  static async open(net: Net, address: string): Promise<Spoofer> {
    return new Spoofer(await net.openUdp({ address }));
  }

  private constructor(socket: UdpSocket) {
    this.#socket = socket;
  }

  get local(): Endpoint {
    return this.#socket.local;
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    this.#socket.send(bytes, to);
  }

  /** A whole picture. */
  picture(picture: Picture, point: SpoofedPoint, to: Endpoint): void {
    for (const bytes of PreparedPicture.of(picture, VIDEO).datagrams({ ...point, timestampMs: 0 }))
      this.send(bytes, to);
  }

  sound(point: SpoofedPoint, to: Endpoint): void {
    this.send(encodeAudio({ ...point, timestampMs: 0, block: toneBlock(0) }), to);
  }

  /** "The session is over", in both forms that there are. */
  goodbye(session: number, to: Endpoint): void {
    this.send(encodeCommand(session, 'close'), to);
    this.send(encodeDeviceClosing(), to);
  }

  /** A login response with that result and session. */
  loginResponse(result: number, session: number, to: Endpoint): void {
    const { address, port } = this.local;
    const response = encodeLoginResponse({
      identity: ZERO_IDENTITY,
      result,
      session,
      publicAddress: '0.0.0.0',
      publicPort: 0,
      lanPort: port,
      lanAddress: address,
      online: 1,
      name: 'SPOOF',
      authorization: 1,
    });
    this.send(response, to);
  }

  async close(): Promise<void> {
    await this.#socket.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
