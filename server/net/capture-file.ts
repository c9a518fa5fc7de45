// From what a capture heard to the file that is handed out: secrets taken out, addresses filled in, packets written.

import type { CapturedPacket, Flow } from './capture.ts';
import type { Endpoint, Net } from './net.ts';
import {
  encodeCapturedPacket,
  encodeCaptureHead,
  encodeTcpPacket,
  encodeUdpPacket,
  MAX_STREAM_PIECE_BYTES,
  tcpFlags,
} from './pcapng.ts';
import { type Redactor, WINDOW_BYTES } from './redactor.ts';

const ANY = '0.0.0.0';
/** How much is written in one go. */
const CHUNK_BYTES = 256 * 1024;

/** One direction between two sockets, in the order of capture. The bytes may be changed. */
export type CapturedDatagrams = readonly Uint8Array[];

/**
 * Knows streams inside datagrams: hands each one, put together, to `redact`, and writes what came of it back into the
 * datagrams.
 */
export type DatagramScrubber = (
  datagrams: CapturedDatagrams,
  redact: (stream: Uint8Array) => Promise<void>,
) => Promise<void>;

/** What the file says of itself, and how. */
export type CaptureFileOptions = {
  readonly redactor: Redactor;
  readonly scrub?: DatagramScrubber | undefined;
  readonly net: Pick<Net, 'localAddressFor'>;
  /** For the head of the file. */
  readonly comment: string;
  /** Awaited now and then, so that others get their turn. */
  readonly breathe: () => Promise<void>;
};

/** Overwrites the secrets in the captured bytes. */
export async function redactCapture(
  packets: readonly CapturedPacket[],
  { redactor, scrub, breathe }: Pick<CaptureFileOptions, 'redactor' | 'scrub' | 'breathe'>,
): Promise<void> {
  const streams = new Map<Flow, { readonly in: Uint8Array[]; readonly out: Uint8Array[] }>();
  const datagrams = new Map<string, Uint8Array[]>();
  for (const packet of packets) {
    if (packet.kind === 'datagram') {
      const key = `${keyOf(packet.local)} ${keyOf(packet.remote)} ${packet.isOut}`;
      const list = datagrams.get(key) ?? [];
      datagrams.set(key, list);
      list.push(packet.bytes);
    } else if (packet.kind === 'bytes') {
      const both = streams.get(packet.flow) ?? { in: [], out: [] };
      streams.set(packet.flow, both);
      both[packet.isOut ? 'out' : 'in'].push(packet.bytes);
    }
  }
  for (const { in: received, out: sent } of streams.values()) {
    for (const pieces of [received, sent]) await redactor.redact(pieces, breathe);
  }
  for (const list of datagrams.values()) {
    await scrub?.(list, (stream) => redactor.redact([stream], breathe));
    let since = 0;
    for (const bytes of list) {
      await redactor.redact([bytes]);
      since += bytes.length;
      if (since < WINDOW_BYTES) continue;
      since = 0;
      await breathe();
    }
  }
}

/** The file in chunks. Call {@link redactCapture} first. */
export async function* encodeCaptureFile(
  packets: readonly CapturedPacket[],
  { net, comment, breathe }: Pick<CaptureFileOptions, 'net' | 'comment' | 'breathe'>,
): AsyncGenerator<Buffer, void> {
  const addressFor = await ownAddresses(packets, net);
  const writer = new FlowWriter();
  let chunk: Buffer[] = [encodeCaptureHead('Perch', comment)];
  let chunkBytes = 0;
  for (const packet of packets) {
    for (const bytes of packet.kind === 'datagram' ? datagramOf(packet, addressFor) : writer.packetsOf(packet)) {
      chunk.push(bytes);
      chunkBytes += bytes.length;
    }
    if (chunkBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(chunk);
    chunk = [];
    chunkBytes = 0;
    await breathe();
  }
  if (chunk.length > 0) yield Buffer.concat(chunk);
}

const keyOf = ({ address, port }: Endpoint) => `${address}:${port}`;

/** Sockets that are bound to every address: which one a peer saw. */
async function ownAddresses(
  packets: readonly CapturedPacket[],
  net: Pick<Net, 'localAddressFor'>,
): Promise<(remote: string) => string> {
  const found = new Map<string, string>();
  for (const packet of packets) {
    if (packet.kind !== 'datagram' || packet.local.address !== ANY || found.has(packet.remote.address)) continue;
    found.set(packet.remote.address, await net.localAddressFor(packet.remote.address).catch(() => ANY));
  }
  return (remote) => found.get(remote) ?? ANY;
}

function* datagramOf(
  { atMs, isOut, local, remote, bytes }: Extract<CapturedPacket, { kind: 'datagram' }>,
  addressFor: (remote: string) => string,
): Generator<Buffer, void> {
  const own = local.address === ANY ? { ...local, address: addressFor(remote.address) } : local;
  yield encodeCapturedPacket(
    atMs,
    encodeUdpPacket(...((isOut ? [own, remote] : [remote, own]) as [Endpoint, Endpoint]), bytes),
  );
}

type FlowPacket = Exclude<CapturedPacket, { kind: 'datagram' }>;
type Counters = { local: number; remote: number };

/** Gives streams the handshakes, numbers and goodbyes that the kernel kept for itself. */
class FlowWriter {
  readonly #flows = new Map<Flow, Counters>();

  *packetsOf(packet: FlowPacket): Generator<Buffer, void> {
    const { flow, isOut, atMs, bytes } = packet;
    const known = this.#flows.get(flow);
    const counters = known ?? { local: 1, remote: 1 };
    this.#flows.set(flow, counters);
    const write = (byUs: boolean, flags: number, payload: Uint8Array, comment?: string) => {
      const [from, to] = byUs ? [flow.local, flow.remote] : [flow.remote, flow.local];
      const [seq, ack] = byUs ? [counters.local, counters.remote] : [counters.remote, counters.local];
      const counted = payload.length + ((flags & (tcpFlags.syn | tcpFlags.fin)) === 0 ? 0 : 1);
      if (byUs) counters.local += counted;
      else counters.remote += counted;
      const place = { seq, ack: (flags & tcpFlags.ack) === 0 ? 0 : ack, flags };
      return encodeCapturedPacket(atMs, encodeTcpPacket(from, to, place, payload), comment);
    };
    const none = new Uint8Array();
    if (packet.kind === 'opened') {
      counters.local = 0;
      counters.remote = 0;
      yield write(flow.isOurs, tcpFlags.syn, none, flow.isTls ? 'TLS: what is inside is not captured' : undefined);
      yield write(!flow.isOurs, tcpFlags.syn | tcpFlags.ack, none);
      yield write(flow.isOurs, tcpFlags.ack, none);
    } else if (packet.kind === 'closed') {
      yield write(isOut, tcpFlags.fin | tcpFlags.ack, none);
      yield write(!isOut, tcpFlags.fin | tcpFlags.ack, none);
      yield write(isOut, tcpFlags.ack, none);
    } else {
      for (let at = 0; at < bytes.length; at += MAX_STREAM_PIECE_BYTES) {
        yield write(isOut, tcpFlags.push | tcpFlags.ack, bytes.subarray(at, at + MAX_STREAM_PIECE_BYTES));
      }
    }
  }
}
