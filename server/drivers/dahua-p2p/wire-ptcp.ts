// PTCP segments: the header of libjingle's PseudoTCP with "PTCP" as its conversation (section 8.2), and arithmetic on its
// 32-bit counters.

import { wireError } from './wire-error.ts';

/** Octets of a segment's header. */
export const SEGMENT_HEADER_BYTES = 24;
/** Largest body that is sent. */
export const MAX_SEGMENT_BODY = 1292;
/** Flags: control (SYN) and reset. */
export const PTCP_CTL = 0x02;
export const PTCP_RST = 0x04;
/** Octets of the SYN's body: control CONNECT, window scale 0. They use sequence numbers. */
export const SYN_BODY = Uint8Array.of(0, 3, 1, 0);
/** The flags of a SYN as devices send and expect them. */
export const SYN_FLAGS = PTCP_CTL;
const MAGIC = 0x50544350;

/** One datagram. */
export type Segment = {
  readonly seq: number;
  readonly ack: number;
  readonly control: number;
  readonly flags: number;
  readonly window: number;
  readonly tsval: number;
  readonly tsecr: number;
  readonly body: Uint8Array;
};

/** To the wire. */
export function encodeSegment(segment: Segment): Uint8Array {
  const out = Buffer.allocUnsafe(SEGMENT_HEADER_BYTES + segment.body.length);
  out.writeUInt32BE(MAGIC, 0);
  out.writeUInt32BE(segment.seq >>> 0, 4);
  out.writeUInt32BE(segment.ack >>> 0, 8);
  out[12] = segment.control;
  out[13] = segment.flags;
  out.writeUInt16BE(segment.window, 14);
  out.writeUInt32BE(segment.tsval >>> 0, 16);
  out.writeUInt32BE(segment.tsecr >>> 0, 20);
  out.set(segment.body, SEGMENT_HEADER_BYTES);
  return out;
}

/** The body is a view of `bytes`. @throws NvrError `protocol` BAD_SEGMENT */
export function parseSegment(bytes: Uint8Array): Segment {
  if (!isSegment(bytes)) throw wireError('BAD_SEGMENT', 'Not a PTCP segment');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    control: view.getUint8(12),
    flags: view.getUint8(13),
    window: view.getUint16(14),
    tsval: view.getUint32(16),
    tsecr: view.getUint32(20),
    body: bytes.subarray(SEGMENT_HEADER_BYTES),
  };
}

function isSegment(bytes: Uint8Array): boolean {
  return bytes.length >= SEGMENT_HEADER_BYTES && isMagic(bytes);
}

const isMagic = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x54 && bytes[2] === 0x43 && bytes[3] === 0x50;

/** Signed distance from `b` to `a` on the circle of 32 bits. */
export const seqDelta = (a: number, b: number) => (a - b) | 0;
/** Sum on the circle. */
export const seqAdd = (a: number, length: number) => (a + length) >>> 0;
/** Whether an acknowledgement is news: beyond what is acknowledged, not beyond what was sent. */
export const ackAdvances = (sndUna: number, sndNxt: number, ack: number) =>
  seqDelta(ack, sndUna) > 0 && seqDelta(ack, sndNxt) <= 0;

/** What a datagram is, by its first octets. */
export type DatagramClass = 'ptcp' | 'dh-response' | 'dh-request' | 'stun-inverted' | 'stun-plain' | 'unknown';

const MIN_STUN_BYTES = 20;

/** See {@link DatagramClass}. Never throws. */
export function classifyDatagram(bytes: Uint8Array): DatagramClass {
  const [a, b, c, d] = bytes;
  if (bytes.length < 4) return 'unknown';
  if (isMagic(bytes)) return 'ptcp';
  if (a === 0x48 && b === 0x54 && c === 0x54 && d === 0x50) return 'dh-response';
  if ((a === 0x44 && b === 0x48) || (a === 0x4e && b === 0x46))
    return c === 0x47 || c === 0x50 ? 'dh-request' : 'unknown';
  if (bytes.length < MIN_STUN_BYTES) return 'unknown';
  if ((a === 0xff || a === 0xfe) && (b === 0xfe || b === 0xee)) return 'stun-inverted';
  const hasCookie = bytes[4] === 0x21 && bytes[5] === 0x12 && bytes[6] === 0xa4 && bytes[7] === 0x42;
  return (a === 0 || a === 1) && hasCookie ? 'stun-plain' : 'unknown';
}
