// Inverted STUN: RFC 5389 messages whose every octet is complemented (section 7). The address attribute is 0x0004 and clear.

import type { Endpoint } from '../../net/net.ts';
import { wireError } from './wire-error.ts';

const HEADER_BYTES = 20;
const ATTRIBUTE_ADDRESS = 0x0004;
const ATTRIBUTE_CONTROLLED = 0x8029;
const ATTRIBUTE_CONTROLLING = 0x802a;
const FAMILY_IPV4 = 1;
/** RFC 5389. Reference clients send four random octets; devices take both. */
export const STUN_COOKIE = Uint8Array.of(0x21, 0x12, 0xa4, 0x42);
/** Octets of a transaction id. */
export const STUN_ID_BYTES = 12;

const types = { request: 0x0001, success: 0x0101, error: 0x0111 } as const;
/** Class of a message. */
export type StunClass = keyof typeof types;

/** A binding message in clear values. */
export type StunMessage = {
  readonly cls: StunClass;
  readonly cookie: Uint8Array;
  readonly id: Uint8Array;
  readonly role: 'controlling' | 'controlled' | null;
  /** Identify of the sender. */
  readonly identify: Uint8Array | null;
  /** `null` in a confirmation. */
  readonly address: Endpoint | null;
};

/** To the wire. */
export function encodeStun(message: StunMessage): Uint8Array {
  const { cls, cookie, id, role, identify, address } = message;
  const clear = Buffer.alloc(HEADER_BYTES + (identify ? 12 : 0) + (address ? 12 : 0));
  clear.writeUInt16BE(types[cls], 0);
  clear.writeUInt16BE(clear.length - HEADER_BYTES, 2);
  clear.set(cookie, 4);
  clear.set(id, 8);
  let at = HEADER_BYTES;
  if (identify) {
    clear.writeUInt16BE(role === 'controlling' ? ATTRIBUTE_CONTROLLING : ATTRIBUTE_CONTROLLED, at);
    clear.writeUInt16BE(8, at + 2);
    clear.set(identify, at + 4);
    at += 12;
  }
  if (address) {
    clear.writeUInt16BE(ATTRIBUTE_ADDRESS, at);
    clear.writeUInt16BE(8, at + 2);
    clear.writeUInt16BE(FAMILY_IPV4, at + 4);
    clear.writeUInt16BE(address.port, at + 6);
    clear.set(address.address.split('.').map(Number), at + 8);
  }
  return inverted(clear);
}

/** @throws NvrError `protocol` BAD_STUN */
export function parseStun(bytes: Uint8Array): StunMessage {
  if (bytes.length < HEADER_BYTES) throw bad();
  const clear = inverted(bytes);
  const type = clear.readUInt16BE(0);
  const cls = (Object.keys(types) as StunClass[]).find((name) => types[name] === type);
  const end = HEADER_BYTES + clear.readUInt16BE(2);
  if (!cls || end > clear.length) throw bad();
  let role: StunMessage['role'] = null;
  let identify: Uint8Array | null = null;
  let address: Endpoint | null = null;
  for (let at = HEADER_BYTES; at < end; ) {
    if (at + 4 > end) throw bad();
    const attribute = clear.readUInt16BE(at);
    const length = clear.readUInt16BE(at + 2);
    const value = clear.subarray(at + 4, at + 4 + length);
    if (at + 4 + length > end) throw bad();
    if ((attribute === ATTRIBUTE_CONTROLLED || attribute === ATTRIBUTE_CONTROLLING) && length === 8) {
      role ??= attribute === ATTRIBUTE_CONTROLLING ? 'controlling' : 'controlled';
      identify ??= Uint8Array.from(value);
    } else if (attribute === ATTRIBUTE_ADDRESS && length === 8 && value.readUInt16BE(0) === FAMILY_IPV4) {
      address ??= { address: value.subarray(4, 8).join('.'), port: value.readUInt16BE(2) };
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return {
    ...{ cls, role, identify, address },
    cookie: Uint8Array.from(clear.subarray(4, 8)),
    id: Uint8Array.from(clear.subarray(8, HEADER_BYTES)),
  };
}

function inverted(bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  for (let n = 0; n < bytes.length; n++) out[n] = bytes[n]! ^ 0xff;
  return out;
}

const bad = () => wireError('BAD_STUN', 'A STUN message that cannot be read');
