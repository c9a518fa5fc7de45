// The least that speaks to a camera: it sends what it is told and keeps what comes. For tests of the simulator, and to play
// the naive clients that the protocol description warns of. The driver shares no code with it except the wire.

import {
  type Control,
  credential,
  encodeDiscoveryRequest,
  encodeLoginRequest,
  type Identity,
  type LoginResponse,
  MAX_FRAGMENTS,
  mediaKind,
  newMediaPacket,
  type Packet,
  parseMedia,
  parsePacket,
  passwordToken,
  ZERO_IDENTITY,
} from '../../drivers/iwfcam/wire.ts';
import type { Endpoint, Net, UdpSocket } from '../../net/net.ts';

/** Something that arrived. */
export type Arrival = { readonly bytes: Uint8Array; readonly packet: Packet | null; readonly from: Endpoint };

/** Login fields that a test may set. */
export type LoginFields = {
  readonly password?: string;
  readonly identity?: Identity;
  /** The address claimed; default: its own. */
  readonly claim?: Endpoint;
};

/** A picture whose fragments all came. */
export type WholePicture = { readonly frameIndex: number; readonly data: Buffer; readonly timestampMs: number };

/** A client with one socket. */
export class BareClient implements AsyncDisposable {
  readonly arrivals: Arrival[] = [];
  readonly address: string;
  readonly #socket: UdpSocket;

  /** Opens a socket on `address`; port 0 = any. */
  static async open(net: Net, address: string, port = 0): Promise<BareClient> {
    return new BareClient(await net.openUdp({ address, port, receiveBufferBytes: 1 << 21 }), address);
  }

  private constructor(socket: UdpSocket, address: string) {
    this.#socket = socket;
    this.address = address;
    socket.onDatagram((bytes, from) => {
      const parsed = parsePacket(bytes);
      this.arrivals.push({ bytes, packet: typeof parsed === 'string' ? null : parsed, from });
    });
  }

  get local(): Endpoint {
    return { address: this.address, port: this.#socket.local.port };
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    this.#socket.send(bytes, to);
  }

  discover(camera: Endpoint): void {
    this.send(encodeDiscoveryRequest(), camera);
  }

  login(camera: Endpoint, { password = '8888', identity = ZERO_IDENTITY, claim = this.local }: LoginFields = {}): void {
    const request = encodeLoginRequest({
      identity,
      publicAddress: '0.0.0.0',
      publicPort: 0,
      lanPort: claim.port,
      lanAddress: claim.address,
      credential: credential(passwordToken(password)),
    });
    this.send(request, camera);
  }

  /** The port in the last discovery answer. */
  get mediaPort(): number | null {
    const answer = this.#packets('discoveryResponse').at(-1);
    return answer?.items[0]?.lanPort ?? null;
  }

  get logins(): LoginResponse[] {
    return this.#packets('loginResponse');
  }

  get commands(): Control[] {
    return this.#packets('command');
  }

  get answers(): Control[] {
    return this.#packets('answer');
  }

  /** Sound blocks, in order of arrival. */
  get audioBlocks(): Uint8Array[] {
    return this.#media(mediaKind.audio).map(({ bytes, media }) =>
      bytes.subarray(media.offset, media.offset + media.length),
    );
  }

  /** Every picture of its session of which all fragments came, in order of their first fragment. */
  get pictures(): WholePicture[] {
    const frames = new Map<number, { count: number; timestampMs: number; parts: Map<number, Uint8Array> }>();
    for (const { bytes, media } of this.#media(mediaKind.video)) {
      const frame = frames.get(media.frameIndex) ?? { count: 0, timestampMs: 0, parts: new Map() };
      frames.set(media.frameIndex, frame);
      if (media.hasHead && media.packetCount <= MAX_FRAGMENTS)
        Object.assign(frame, { count: media.packetCount, timestampMs: media.timestampMs });
      if (!frame.parts.has(media.packetIndex)) {
        frame.parts.set(media.packetIndex, bytes.subarray(media.offset, media.offset + media.length));
      }
    }
    const whole: WholePicture[] = [];
    for (const [frameIndex, { count, timestampMs, parts }] of frames) {
      const ordered = Array.from({ length: count }, (_, index) => parts.get(index)).filter(
        (part) => part !== undefined,
      );
      if (count === 0 || ordered.length !== count) continue;
      whole.push({ frameIndex, data: Buffer.concat(ordered), timestampMs });
    }
    return whole;
  }

  async close(): Promise<void> {
    await this.#socket.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #packets<K extends Packet['kind']>(kind: K): Array<Extract<Packet, { kind: K }>> {
    return this.arrivals.flatMap(({ packet }) =>
      packet?.kind === kind ? [packet as Extract<Packet, { kind: K }>] : [],
    );
  }

  /** Media of its own session: that of the last accepted login, else 1. */
  #media(kind: number) {
    const session = this.logins.findLast((login) => login.session > 0)?.session ?? 1;
    return this.arrivals.flatMap(({ bytes, packet }) => {
      const media = newMediaPacket();
      return packet?.kind === 'media' &&
        parseMedia(bytes, media) === null &&
        media.mediaKind === kind &&
        media.session === session
        ? [{ bytes, media }]
        : [];
    });
  }
}
