// Captures as files: pcapng (draft-ietf-opsawg-pcapng) with one interface of raw IPv4, and the IPv4, UDP and TCP headers that
// our sockets never showed us. Bytes only.

import type { Endpoint } from './net.ts';

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LINK_TYPE_IPV4 = 228;
const UNKNOWN_LENGTH = 0xffffffff;
const OPTION_COMMENT = 1;
const OPTION_APPLICATION = 4;
const IP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const TCP_HEADER_BYTES = 20;
const TIME_TO_LIVE = 64;
const UDP = 17;
const TCP = 6;
const U32 = 2 ** 32;
/** A receive window that fits what we claim to have taken. */
const WINDOW = 0xffff;

/** Largest piece of a stream in one packet: well within what an IPv4 packet can hold. */
export const MAX_STREAM_PIECE_BYTES = 16 * 1024;

/** TCP flags. */
export const tcpFlags = { fin: 1, syn: 2, reset: 4, push: 8, ack: 16 } as const;

const padded = (length: number) => (length + 3) & ~3;

function block(type: number, body: Uint8Array): Buffer {
  const length = 12 + padded(body.length);
  const out = Buffer.alloc(length);
  out.writeUInt32LE(type, 0);
  out.writeUInt32LE(length, 4);
  out.set(body, 8);
  out.writeUInt32LE(length, length - 4);
  return out;
}

function options(list: ReadonlyArray<readonly [code: number, text: string]>): Buffer {
  if (list.length === 0) return Buffer.alloc(0);
  const parts = list.map(([code, text]) => {
    const bytes = Buffer.from(text, 'utf8');
    const out = Buffer.alloc(4 + padded(bytes.length));
    out.writeUInt16LE(code, 0);
    out.writeUInt16LE(bytes.length, 2);
    out.set(bytes, 4);
    return out;
  });
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

/** What a file begins with. */
export function encodeCaptureHead(application: string, comment: string): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  section.writeUInt16LE(1, 4);
  section.writeUInt32LE(UNKNOWN_LENGTH, 8);
  section.writeUInt32LE(UNKNOWN_LENGTH, 12);
  const about = options([
    [OPTION_COMMENT, comment],
    [OPTION_APPLICATION, application],
  ]);
  const link = Buffer.alloc(8);
  link.writeUInt16LE(LINK_TYPE_IPV4, 0);
  return Buffer.concat([block(SECTION_HEADER, Buffer.concat([section, about])), block(INTERFACE_DESCRIPTION, link)]);
}

/** One packet. @param atMs wall-clock time */
export function encodeCapturedPacket(atMs: number, packet: Uint8Array, comment?: string): Buffer {
  const us = BigInt(Math.round(atMs * 1000));
  const head = Buffer.alloc(20);
  head.writeUInt32LE(Number(us >> 32n), 4);
  head.writeUInt32LE(Number(us & 0xffffffffn), 8);
  head.writeUInt32LE(packet.length, 12);
  head.writeUInt32LE(packet.length, 16);
  const fill = Buffer.alloc(padded(packet.length) - packet.length);
  const more = options(comment === undefined ? [] : [[OPTION_COMMENT, comment]]);
  return block(ENHANCED_PACKET, Buffer.concat([head, packet, fill, more]));
}

/** A datagram with its headers. */
export function encodeUdpPacket(from: Endpoint, to: Endpoint, payload: Uint8Array): Buffer {
  const out = ipPacket(UDP, from, to, UDP_HEADER_BYTES + payload.length);
  out.writeUInt16BE(from.port, 20);
  out.writeUInt16BE(to.port, 22);
  out.writeUInt16BE(UDP_HEADER_BYTES + payload.length, 24);
  out.set(payload, IP_HEADER_BYTES + UDP_HEADER_BYTES);
  // A checksum of zero means none (RFC 768); a computed zero is sent as all ones.
  out.writeUInt16BE(checksumOf(out, UDP) || 0xffff, 26);
  return out;
}

/** A piece of a stream with its headers; `seq` and `ack` wrap. */
export function encodeTcpPacket(
  from: Endpoint,
  to: Endpoint,
  place: { readonly seq: number; readonly ack: number; readonly flags: number },
  payload: Uint8Array,
): Buffer {
  const out = ipPacket(TCP, from, to, TCP_HEADER_BYTES + payload.length);
  out.writeUInt16BE(from.port, 20);
  out.writeUInt16BE(to.port, 22);
  out.writeUInt32BE(place.seq % U32, 24);
  out.writeUInt32BE(place.ack % U32, 28);
  out[32] = (TCP_HEADER_BYTES / 4) << 4;
  out[33] = place.flags;
  out.writeUInt16BE(WINDOW, 34);
  out.set(payload, IP_HEADER_BYTES + TCP_HEADER_BYTES);
  out.writeUInt16BE(checksumOf(out, TCP), 36);
  return out;
}

function ipPacket(protocol: number, from: Endpoint, to: Endpoint, dataBytes: number): Buffer {
  const out = Buffer.alloc(IP_HEADER_BYTES + dataBytes);
  out[0] = 0x45;
  out.writeUInt16BE(out.length, 2);
  out[8] = TIME_TO_LIVE;
  out[9] = protocol;
  out.set(addressBytes(from.address), 12);
  out.set(addressBytes(to.address), 16);
  out.writeUInt16BE(fold(sum(out, 0, IP_HEADER_BYTES)), 10);
  return out;
}

/** IPv4 only; anything else (there is none today) is shown as 0.0.0.0. */
function addressBytes(address: string): number[] {
  const parts = address
    .replace(/^::ffff:/i, '')
    .split('.', 5)
    .map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part <= 255) ? parts : [0, 0, 0, 0];
}

/** The checksum of TCP and UDP: pseudo header and data (RFC 9293). */
function checksumOf(packet: Buffer, protocol: number): number {
  return fold(sum(packet, 12, packet.length) + protocol + packet.length - IP_HEADER_BYTES);
}

function sum(bytes: Buffer, from: number, to: number): number {
  let total = 0;
  for (let at = from; at + 1 < to; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  return (to - from) % 2 === 0 ? total : total + (bytes[to - 1]! << 8);
}

function fold(total: number): number {
  let folded = total;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
