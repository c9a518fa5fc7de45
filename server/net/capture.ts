// Listening in on one camera's sockets. A tap lies between a driver and the network and does nothing until a capture is put
// on it; then every datagram and every byte of a stream is copied, up to a bound, after which the capture is over.

import type { Clock } from '../core/clock.ts';
import type { DatagramHandler, Endpoint, Net, UdpSocket } from './net.ts';
import type { ByteStream, StreamEnd } from './stream.ts';

/** What a packet costs beside its bytes, roughly: many small ones must not fill the memory either. */
const PACKET_COST_BYTES = 128;

/** A connection, as far as a capture tells it from others. */
export type Flow = {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** We connected, not the other side. */
  readonly isOurs: boolean;
  /** Inside TLS: our sockets see only what is decrypted, and that is not captured. */
  readonly isTls: boolean;
};

/** Something that happened on a socket. The bytes are the capture's own. */
export type CapturedPacket =
  | {
      readonly kind: 'datagram';
      readonly atMs: number;
      readonly isOut: boolean;
      readonly local: Endpoint;
      readonly remote: Endpoint;
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: 'bytes' | 'opened' | 'closed';
      readonly atMs: number;
      readonly isOut: boolean;
      readonly flow: Flow;
      readonly bytes: Uint8Array;
    };

type Unfilled<P> = P extends unknown ? Omit<P, 'bytes'> : never;

const NOTHING = new Uint8Array();

/** What was heard so far, bounded. */
export class Capture {
  readonly packets: CapturedPacket[] = [];
  readonly #full = Promise.withResolvers<void>();
  readonly #limitBytes: number;
  #bytes = 0;
  #isOver = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Resolves when the bound is reached. */
  get full(): Promise<void> {
    return this.#full.promise;
  }

  /** Whether something was left out because of the bound. */
  get isCutShort(): boolean {
    return this.#isOver;
  }

  /** Takes a packet, or ends the capture when it does not fit any more. @param bytes copied */
  add(packet: Unfilled<CapturedPacket>, bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#bytes += bytes.length + PACKET_COST_BYTES;
    if (this.#bytes > this.#limitBytes) {
      this.#isOver = true;
      this.#full.resolve();
      return;
    }
    const own = bytes.length === 0 ? NOTHING : Uint8Array.from(bytes);
    this.packets.push({ ...packet, bytes: own } as CapturedPacket);
  }
}

/** Where captures are put on. One per camera. */
export class CaptureTap {
  readonly #clock: Clock;
  #captures: readonly Capture[] = [];
  #sockets = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sockets and streams that were opened through this tap and are not closed. */
  get openSockets(): number {
    return this.#sockets;
  }

  /** Whether anybody listens; what is asked for every packet. */
  get isOn(): boolean {
    return this.#captures.length > 0;
  }

  /** Listens; returns the way to stop. */
  attach(capture: Capture): () => void {
    this.#captures = [...this.#captures, capture];
    return () => {
      this.#captures = this.#captures.filter((each) => each !== capture);
    };
  }

  /** @internal for the wrappers */
  count(change: 1 | -1): void {
    this.#sockets += change;
  }

  /** @internal for the wrappers */
  datagram(local: Endpoint, remote: Endpoint, isOut: boolean, bytes: Uint8Array): void {
    const atMs = this.#clock.wallMs();
    for (const capture of this.#captures) capture.add({ kind: 'datagram', atMs, isOut, local, remote }, bytes);
  }

  /** @internal for the wrappers */
  stream(kind: 'bytes' | 'opened' | 'closed', flow: Flow, isOut: boolean, bytes: Uint8Array = NOTHING): void {
    if (flow.isTls && kind === 'bytes') return;
    const atMs = this.#clock.wallMs();
    for (const capture of this.#captures) capture.add({ kind, atMs, isOut, flow }, bytes);
  }
}

/** The network through a tap. */
export function tappedNet(net: Net, tap: CaptureTap): Net {
  return {
    resolve: (host) => net.resolve(host),
    resolveAll: (host) => net.resolveAll(host),
    localAddressFor: (address) => net.localAddressFor(address),
    broadcastAddresses: () => net.broadcastAddresses(),
    openUdp: async (options) => new TappedUdpSocket(await net.openUdp(options), tap),
    streams: {
      connect: async (options) =>
        new TappedStream(await net.streams.connect(options), tap, { isOurs: true, isTls: options.tls !== undefined }),
      listen: (options, onStream) =>
        net.streams.listen(options, (stream) => {
          // Its other end is on this machine and, when it is ours, captured there.
          const isTwice = stream.remote.address.startsWith('127.');
          const about = { isOurs: false, isTls: options.tls !== undefined };
          onStream(isTwice ? stream : new TappedStream(stream, tap, about));
        }),
    },
  };
}

class TappedUdpSocket implements UdpSocket {
  readonly local: Endpoint;
  readonly #socket: UdpSocket;
  readonly #tap: CaptureTap;
  #isClosed = false;

  constructor(socket: UdpSocket, tap: CaptureTap) {
    this.#socket = socket;
    this.#tap = tap;
    this.local = socket.local;
    tap.count(1);
  }

  get sendErrors(): number {
    return this.#socket.sendErrors;
  }

  onDatagram(handler: DatagramHandler): void {
    const tap = this.#tap;
    this.#socket.onDatagram((bytes, from) => {
      if (tap.isOn) tap.datagram(this.local, from, false, bytes);
      handler(bytes, from);
    });
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (this.#tap.isOn) this.#tap.datagram(this.local, to, true, bytes);
    this.#socket.send(bytes, to);
  }

  only(peer: Endpoint): void {
    this.#socket.only(peer);
  }

  close(): Promise<void> {
    if (!this.#isClosed) this.#tap.count(-1);
    this.#isClosed = true;
    return this.#socket.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

class TappedStream implements ByteStream {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #stream: ByteStream;
  readonly #tap: CaptureTap;
  readonly #flow: Flow;
  #isOver = false;

  constructor(stream: ByteStream, tap: CaptureTap, about: { readonly isOurs: boolean; readonly isTls: boolean }) {
    this.#stream = stream;
    this.#tap = tap;
    this.local = stream.local;
    this.remote = stream.remote;
    this.#flow = { local: stream.local, remote: stream.remote, ...about };
    tap.count(1);
    if (tap.isOn) tap.stream('opened', this.#flow, about.isOurs);
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes;
  }

  onBytes(handler: (bytes: Uint8Array) => void): void {
    const tap = this.#tap;
    this.#stream.onBytes((bytes) => {
      if (tap.isOn) tap.stream('bytes', this.#flow, false, bytes);
      handler(bytes);
    });
  }

  onEnd(handler: (end: StreamEnd) => void): void {
    this.#stream.onEnd((end) => {
      this.#ended(false);
      handler(end);
    });
  }

  onDrain(handler: () => void): void {
    this.#stream.onDrain(handler);
  }

  write(bytes: Uint8Array | string): void {
    if (this.#tap.isOn) this.#tap.stream('bytes', this.#flow, true, Buffer.from(bytes as Uint8Array));
    this.#stream.write(bytes);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(): Promise<void> {
    this.#ended(true);
    return this.#stream.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ended(byUs: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tap.count(-1);
    if (this.#tap.isOn) this.#tap.stream('closed', this.#flow, byUs);
  }
}
