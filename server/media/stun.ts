// STUN binding requests (RFC 8489) as ICE uses them (RFC 8445), from the side that only answers. Hostile input: a request
// counts only with a good MESSAGE-INTEGRITY; everything else is `null` and gets no answer.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

const HEAD_BYTES = 20;
const ATTRIBUTE_BYTES = 4;
const COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const USERNAME = 0x0006;
const MESSAGE_INTEGRITY = 0x0008;
const XOR_MAPPED_ADDRESS = 0x0020;
const USE_CANDIDATE = 0x0025;
const FINGERPRINT = 0x8028;
const FINGERPRINT_XOR = 0x5354554e;
const INTEGRITY_BYTES = 20;
const IPV4 = 1;
/** Ours are some hundred bytes. */
const MAX_BYTES = 1280;

/** A request that names somebody here; not yet believed. */
export type BindingRequest = {
  readonly bytes: Uint8Array;
  readonly transaction: Uint8Array;
  /** The receiver's name for itself, the first half of USERNAME. */
  readonly localName: string;
  readonly remoteName: string;
  /** Where MESSAGE-INTEGRITY begins. */
  readonly integrityAt: number;
  /** The caller has chosen this path. */
  readonly nominates: boolean;
};

/** Reads a request; `null` for anything else. */
export function parseBindingRequest(bytes: Uint8Array): BindingRequest | null {
  if (bytes.length < HEAD_BYTES || bytes.length > MAX_BYTES) return null;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.readUInt16BE(0) !== BINDING_REQUEST || view.readUInt32BE(4) !== COOKIE) return null;
  if (view.readUInt16BE(2) !== bytes.length - HEAD_BYTES) return null;
  let names: string[] = [];
  let nominates = false;
  for (let at = HEAD_BYTES; at + ATTRIBUTE_BYTES <= view.length; ) {
    const type = view.readUInt16BE(at);
    const length = view.readUInt16BE(at + 2);
    const start = at + ATTRIBUTE_BYTES;
    if (start + length > view.length) return null;
    if (type === USERNAME) names = view.toString('utf8', start, start + length).split(':');
    if (type === USE_CANDIDATE) nominates = true;
    if (type === MESSAGE_INTEGRITY) {
      const [localName, remoteName] = names;
      if (length !== INTEGRITY_BYTES || !localName || remoteName === undefined) return null;
      return { bytes, transaction: view.subarray(8, HEAD_BYTES), localName, remoteName, integrityAt: at, nominates };
    }
    at = start + Math.ceil(length / 4) * 4;
  }
  return null;
}

/** Whether the sender knows the password. */
export function isAuthentic({ bytes, integrityAt }: BindingRequest, password: string): boolean {
  const given = bytes.subarray(integrityAt + ATTRIBUTE_BYTES, integrityAt + ATTRIBUTE_BYTES + INTEGRITY_BYTES);
  return timingSafeEqual(given, integrityOf(bytes.subarray(0, integrityAt), password));
}

/** The answer: you are seen at this address (IPv4). */
export function encodeBindingSuccess(
  { transaction }: BindingRequest,
  from: { readonly address: string; readonly port: number },
  password: string,
): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES + ATTRIBUTE_BYTES + 8);
  head.writeUInt16BE(BINDING_SUCCESS, 0);
  head.writeUInt32BE(COOKIE, 4);
  head.set(transaction, 8);
  head.writeUInt16BE(XOR_MAPPED_ADDRESS, HEAD_BYTES);
  head.writeUInt16BE(8, HEAD_BYTES + 2);
  head[HEAD_BYTES + 5] = IPV4;
  head.writeUInt16BE(from.port ^ (COOKIE >>> 16), HEAD_BYTES + 6);
  const address = Buffer.from(from.address.split('.').map(Number)).readUInt32BE(0);
  head.writeUInt32BE((address ^ COOKIE) >>> 0, HEAD_BYTES + 8);
  const signed = Buffer.concat([head, attribute(MESSAGE_INTEGRITY, integrityOf(head, password))]);
  signed.writeUInt16BE(signed.length - HEAD_BYTES + ATTRIBUTE_BYTES + 4, 2);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((crc32(signed) ^ FINGERPRINT_XOR) >>> 0);
  return Buffer.concat([signed, attribute(FINGERPRINT, sum)]);
}

/** @param before the message up to the attribute; the length in its head counts as if it ended with the attribute */
function integrityOf(before: Uint8Array, password: string): Buffer {
  const covered = Buffer.from(before);
  covered.writeUInt16BE(before.length - HEAD_BYTES + ATTRIBUTE_BYTES + INTEGRITY_BYTES, 2);
  return createHmac('sha1', password).update(covered).digest();
}

function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(ATTRIBUTE_BYTES + value.length);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  bytes.set(value, ATTRIBUTE_BYTES);
  return bytes;
}
