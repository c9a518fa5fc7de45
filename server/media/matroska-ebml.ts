// EBML (RFC 8794) grammar: headers of elements and values inside a buffer. For bytes that may be hostile.

/** An element's header. `size` is null when unknown (a live stream). */
export type ElementHeader = { readonly id: number; readonly size: number | null; readonly headerBytes: number };

/** Longest header: 4 bytes of id, 8 of size. */
export const MAX_HEADER_BYTES = 12;

/**
 * Reads an element's header at an offset.
 * @returns `null` when more bytes are needed, `'bad'` when this is no EBML
 */
export function parseElementHeader(bytes: Uint8Array, offset: number): ElementHeader | null | 'bad' {
  const first = bytes[offset];
  if (first === undefined) return null;
  const idLength = Math.clz32(first) - 23;
  if (idLength > 4) return 'bad';
  const marker = bytes[offset + idLength];
  if (marker === undefined) return null;
  const sizeLength = Math.clz32(marker) - 23;
  if (sizeLength > 8) return 'bad';
  const end = offset + idLength + sizeLength;
  if (end > bytes.length) return null;
  let id = 0;
  for (let i = 0; i < idLength; i++) id = id * 256 + bytes[offset + i]!;
  let size = marker & (0xff >> sizeLength);
  let unknown = size === 0xff >> sizeLength;
  for (let i = 1; i < sizeLength; i++) {
    const byte = bytes[offset + idLength + i]!;
    unknown &&= byte === 0xff;
    size = size * 256 + byte;
  }
  if (!unknown && !Number.isSafeInteger(size)) return 'bad';
  return { id, size: unknown ? null : size, headerBytes: idLength + sizeLength };
}

/** A child of a fully buffered element. */
export type Child = { readonly id: number; readonly body: Uint8Array };

/** The children of an element's body; stops silently where the grammar breaks. */
export function* children(body: Uint8Array): Generator<Child> {
  let offset = 0;
  while (offset < body.length) {
    const header = parseElementHeader(body, offset);
    if (header === null || header === 'bad' || header.size === null) return;
    const start = offset + header.headerBytes;
    if (start + header.size > body.length) return;
    yield { id: header.id, body: body.subarray(start, start + header.size) };
    offset = start + header.size;
  }
}

/** An unsigned integer value; `NaN` when it is longer than 8 bytes. */
export function parseUint(body: Uint8Array): number {
  if (body.length > 8) return Number.NaN;
  return body.reduce((value, byte) => value * 256 + byte, 0);
}

/** A float value of 4 or 8 bytes; `NaN` otherwise. */
export function parseFloatValue(body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (body.length === 4) return view.getFloat32(0);
  return body.length === 8 ? view.getFloat64(0) : Number.NaN;
}

/** Text without trailing zeros, bounded. */
export function parseText(body: Uint8Array, maxBytes = 1024): string {
  return new TextDecoder().decode(body.subarray(0, maxBytes)).replace(/\0+$/, '');
}
