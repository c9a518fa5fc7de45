// Messages inside the PTCP stream: twelve octets of header, then a body (section 9). They may be split over segments and
// packed into one, so they are read from the stream; where segments began is kept as a hint for the types without length.

import { wireError } from './wire-error.ts';

/** Octets of a message's header. */
export const MESSAGE_HEADER_BYTES = 12;
/** Largest body that a message may announce. */
export const MAX_MESSAGE_BODY = 65_536;
/** Largest piece of TCP data in one message of ours. */
export const MAX_DATA_BYTES = 1280;

const DATA = 0x10;
const BIND = 0x11;
const STATUS = 0x12;
const HEARTBEAT = 0x13;
const SIGN_REQUEST = 0x17;
const SIGN = 0x18;
const SIGN_PRESENT = 0x19;
const SIGN_ACCEPTED = 0x1a;
const SIGN_DONE = 0x1b;
const SIGN_MIN_BYTES = 4;

/** One message. */
export type Message =
  | { readonly kind: 'data'; readonly realm: number; readonly data: Uint8Array }
  | { readonly kind: 'bind'; readonly realm: number; readonly port: number; readonly address: string }
  | { readonly kind: 'status'; readonly realm: number; readonly status: string }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'signRequest' }
  | { readonly kind: 'sign' | 'signPresent' | 'signAccepted'; readonly sign: Uint8Array }
  | { readonly kind: 'signDone' }
  /** `isDesync`: what followed in its segment was thrown away, so bytes of a realm may be missing. */
  | {
      readonly kind: 'unknown';
      readonly type: number;
      readonly realm: number;
      readonly data: Uint8Array;
      readonly isDesync: boolean;
    };

const signTypes = { sign: SIGN, signPresent: SIGN_PRESENT, signAccepted: SIGN_ACCEPTED } as const;
const signKinds: ReadonlyMap<number, keyof typeof signTypes> = new Map([
  [SIGN, 'sign'],
  [SIGN_PRESENT, 'signPresent'],
  [SIGN_ACCEPTED, 'signAccepted'],
] as const);

/** To the stream. `bindLength`: the length field of a bind, 0 as reference clients have it. */
export function encodeMessage(message: Message, bindLength: 0 | 8 = 0): Uint8Array {
  switch (message.kind) {
    case 'data':
      return build(DATA, message.data.length, message.realm, message.data);
    case 'bind': {
      const body = Buffer.alloc(8);
      body.writeUInt32BE(message.port, 0);
      body.set(message.address.split('.').map(Number), 4);
      return build(BIND, bindLength, message.realm, body);
    }
    case 'status':
      return build(STATUS, 0, message.realm, Buffer.from(message.status, 'latin1'));
    case 'heartbeat':
      return build(HEARTBEAT, 0, 0);
    case 'signRequest':
      return build(SIGN_REQUEST, 0, 0);
    case 'signDone':
      return build(SIGN_DONE, 0, 0);
    case 'unknown':
      return build(message.type, message.data.length, message.realm, message.data);
    default:
      return build(signTypes[message.kind], 0, 0, message.sign);
  }
}

function build(type: number, length: number, realm: number, body: Uint8Array = new Uint8Array()): Uint8Array {
  const out = Buffer.alloc(MESSAGE_HEADER_BYTES + body.length);
  out.writeUInt32BE(length, 0);
  out[0] = type;
  out.writeUInt32BE(realm >>> 0, 4);
  out.set(body, MESSAGE_HEADER_BYTES);
  return out;
}

/** Lengths of the data messages that carry one write. */
export function segmentation(length: number, max = MAX_DATA_BYTES): number[] {
  const whole = Array.from({ length: Math.floor(length / max) }, () => max);
  return length % max > 0 ? [...whole, length % max] : whole;
}

/** Reads exactly one message that will get no further octets. @throws NvrError `protocol` BAD_MESSAGE */
export function parseMessage(bytes: Uint8Array): Message {
  const reader = new MessageReader();
  const [message] = reader.push(bytes);
  if (!message || reader.waitingBytes > 0 || (message.kind === 'unknown' && message.isDesync)) {
    throw wireError('BAD_MESSAGE', 'A message that cannot be read');
  }
  return message;
}

/** Cuts the stream into messages. Never throws, never holds more than one message. */
export class MessageReader {
  #pending: Uint8Array = new Uint8Array();
  /** Ends of the segments within `#pending`, in order. */
  #ends: number[] = [];

  /** Octets that wait for the rest of their message. */
  get waitingBytes(): number {
    return this.#pending.length;
  }

  /** @param octets the next octets of the stream, all of one segment; data in messages are views of them */
  push(octets: Uint8Array): Message[] {
    if (octets.length === 0) return [];
    const isFresh = this.#pending.length === 0;
    const bytes = isFresh ? octets : Buffer.concat([this.#pending, octets]);
    this.#ends = isFresh ? [octets.length] : [...this.#ends, bytes.length];
    const messages: Message[] = [];
    let at = 0;
    for (;;) {
      while (at < bytes.length && bytes[at] === 0) at++;
      const read = at < bytes.length ? this.#read(bytes, at) : null;
      if (!read) break;
      messages.push(read.message);
      at = read.end;
    }
    this.#pending = bytes.subarray(at);
    this.#ends = this.#ends.filter((end) => end > at).map((end) => end - at);
    return messages;
  }

  #read(bytes: Uint8Array, at: number): { message: Message; end: number } | null {
    const segmentEnd = this.#ends.find((end) => end > at) ?? bytes.length;
    const type = bytes[at]!;
    const isKnown = (type >= DATA && type <= HEARTBEAT) || (type >= SIGN_REQUEST && type <= SIGN_DONE);
    const from = at + MESSAGE_HEADER_BYTES;
    if (from > bytes.length) {
      // An unknown type shorter than a header cannot be followed into the next segment.
      return isKnown || segmentEnd === bytes.length ? null : this.#toSegmentEnd(bytes, at, segmentEnd);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, MESSAGE_HEADER_BYTES);
    const length = view.getUint32(0) & 0xffffff;
    const realm = view.getUint32(4);
    const take = (size: number, make: (body: Uint8Array) => Message) =>
      from + size > bytes.length ? null : { message: make(bytes.subarray(from, from + size)), end: from + size };
    switch (type) {
      case DATA:
        if (length > MAX_MESSAGE_BODY || view.getUint32(8) !== 0) return this.#toSegmentEnd(bytes, at, segmentEnd);
        return take(length, (data) => ({ kind: 'data', realm, data }));
      case BIND:
        return take(8, (body) => {
          const port = ((body[0]! << 24) | (body[1]! << 16) | (body[2]! << 8) | body[3]!) >>> 0;
          return { kind: 'bind', realm, port, address: Array.from(body.subarray(4)).join('.') };
        });
      case STATUS:
        return take(4, (body) => ({ kind: 'status', realm, status: String.fromCharCode(...body) }));
      case HEARTBEAT:
        return take(0, () => ({ kind: 'heartbeat' }));
      case SIGN_REQUEST:
        return take(0, () => ({ kind: 'signRequest' }));
      case SIGN_DONE:
        return take(0, () => ({ kind: 'signDone' }));
    }
    const signKind = signKinds.get(type);
    if (signKind) {
      const size = length > 0 ? length : Math.max(SIGN_MIN_BYTES, segmentEnd - from);
      if (size > MAX_MESSAGE_BODY) return this.#toSegmentEnd(bytes, at, segmentEnd);
      return take(size, (body) => ({ kind: signKind, sign: Uint8Array.from(body) }));
    }
    if (length < 1 || length > MAX_MESSAGE_BODY) return this.#toSegmentEnd(bytes, at, segmentEnd);
    return take(length, (data) => ({ kind: 'unknown', type, realm, data, isDesync: false }));
  }

  /** Nothing says where this message ends: its segment is the best guess. */
  #toSegmentEnd(bytes: Uint8Array, at: number, segmentEnd: number): { message: Message; end: number } {
    const type = bytes[at]!;
    const isLone = type !== DATA && segmentEnd - at === MESSAGE_HEADER_BYTES;
    const end = Math.max(segmentEnd, Math.min(bytes.length, at + MESSAGE_HEADER_BYTES));
    return { message: { kind: 'unknown', type, realm: 0, data: new Uint8Array(), isDesync: !isLone }, end };
  }
}
