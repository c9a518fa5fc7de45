// Bytes shared by all IWFCam packets: the 8-byte header, little-endian numbers, addresses, bounded text.
// Source: protocols/iwfcam.md sections 0-2. Pure; reads past the end never happen because callers check lengths first.

/** Length of the header that every packet begins with. */
export const HEADER_BYTES = 8;
/** Largest media payload of one datagram that is believed (the vendor cuts at 1032; 1472 is what Ethernet carries). */
export const MAX_PAYLOAD_BYTES = 1472;
/** Most fragments of one picture (the vendor's receiver takes 2048). */
export const MAX_FRAGMENTS = 2048;

/** First four bytes as a little-endian number: `1TEG`, session set-up. */
export const SETUP_SIGNATURE = 0x47455431;
/** `2TEG`, traffic between client and camera. */
export const PEER_SIGNATURE = 0x47455432;
/** Set-up signature of the older Linux cameras of the vendor (appendix A); only their discovery request is built. */
export const SIBLING_SETUP_SIGNATURE = 0x99aaee01;

/** Why a datagram was not believed; the names appear in the statistics of a camera. */
export type DropReason =
  | 'short'
  | 'signature'
  | 'length'
  | 'command'
  | 'fields'
  | 'mediaKind'
  | 'mediaLength'
  | 'mediaOffset'
  | 'packetIndex'
  | 'audioBlock';

/** Three numbers that a camera gets from its cloud; zeros on a camera that never reached it (section 6.4). */
export type Identity = readonly [number, number, number];

/** What every login tries first. */
export const ZERO_IDENTITY: Identity = [0, 0, 0];

/** Unsigned 16-bit, little-endian. Like all readers here: the caller has checked the length. */
export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** Ports travel in network order. */
export function u16be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** Unsigned 32-bit, little-endian. */
export function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Writes the low 16 bits, little-endian. */
export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

/** Writes a port, network order. */
export function putU16be(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes 32 bits, little-endian. */
export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Four bytes in reading order as dotted text. */
export function ipv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** Dotted text to four bytes; what is not a dotted address stays zero (encoders never throw). */
export function putIpv4(bytes: Uint8Array, at: number, address: string): void {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return;
  for (let i = 0; i < 4; i++) bytes[at + i] = Number(parts[i]);
}

/** Reads the three numbers of an identity. */
export function identityAt(bytes: Uint8Array, at: number): Identity {
  return [u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8)];
}

/** Writes the three numbers of an identity. */
export function putIdentity(bytes: Uint8Array, at: number, identity: Identity): void {
  for (let i = 0; i < 3; i++) putU32(bytes, at + 4 * i, identity[i]!);
}

/** NUL-terminated text of at most `size` bytes; everything that is not printable ASCII becomes `?`. */
export function textAt(bytes: Uint8Array, at: number, size: number): string {
  let text = '';
  for (let i = at; i < at + size && i < bytes.length; i++) {
    const code = bytes[i]!;
    if (code === 0) break;
    text += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '?';
  }
  return text;
}

/** Writes at most `size` bytes of ASCII; the rest of the field stays zero. */
export function putText(bytes: Uint8Array, at: number, size: number, text: string): void {
  for (let i = 0; i < Math.min(size, text.length); i++) bytes[at + i] = text.charCodeAt(i) & 0x7f;
}

/** A zeroed packet with its header: `dataBytes` follow the header and are announced; `extraBytes` follow unannounced. */
export function newPacket(signature: number, command: number, dataBytes: number, extraBytes = 0): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + dataBytes + extraBytes);
  putU32(bytes, 0, signature);
  putU16(bytes, 4, command);
  putU16(bytes, 6, dataBytes);
  return bytes;
}
