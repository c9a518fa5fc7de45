// JPEG from the outside: where a picture begins and ends and how big it is, without decoding. Bounded reads only.

const MARKER = 0xff;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
/** Shortest picture that can be: start and end marker. */
const MIN_JPEG_BYTES = 4;
/** Segments looked at before the size is given up; real pictures need fewer than twenty. */
const MAX_SEGMENTS = 64;
/** Of a frame header: precision (1), height (2), width (2). */
const SOF_SIZE_BYTES = 5;

/** Whether the bytes begin like a JPEG. */
export function startsLikeJpeg(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === MARKER && bytes[1] === SOI;
}

/**
 * The picture without the zeros that some cameras append, as a view on the same bytes.
 * @returns `null` when it does not begin with SOI or does not end with EOI
 */
export function trimJpeg(bytes: Uint8Array): Uint8Array | null {
  if (!startsLikeJpeg(bytes)) return null;
  let end = bytes.length;
  while (end > MIN_JPEG_BYTES && bytes[end - 1] === 0) end--;
  if (end < MIN_JPEG_BYTES || bytes[end - 2] !== MARKER || bytes[end - 1] !== EOI) return null;
  return end === bytes.length ? bytes : bytes.subarray(0, end);
}

/**
 * Pixels of a JPEG from its frame header (SOF), or `null` when there is none to read before the scan.
 * Looks at segment heads only, never at picture data.
 */
export function jpegSize(bytes: Uint8Array): { width: number; height: number } | null {
  if (!startsLikeJpeg(bytes)) return null;
  let at = 2;
  for (let segment = 0; segment < MAX_SEGMENTS; segment++) {
    if (at + 4 > bytes.length || bytes[at] !== MARKER) return null;
    const marker = bytes[at + 1]!;
    if (marker === MARKER) {
      at++; // a fill byte
      continue;
    }
    if (marker === SOS || marker === EOI || marker === 0) return null;
    const standsAlone = marker === 0x01 || (marker >= 0xd0 && marker <= SOI);
    if (standsAlone) {
      at += 2;
      continue;
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (length < 2) return null;
    // C4 (tables), C8 (reserved) and CC (conditioning) share the range of the frame headers.
    const isFrameHeader = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrameHeader) {
      if (length < 2 + SOF_SIZE_BYTES || at + 4 + SOF_SIZE_BYTES > bytes.length) return null;
      const height = (bytes[at + 5]! << 8) | bytes[at + 6]!;
      const width = (bytes[at + 7]! << 8) | bytes[at + 8]!;
      return width > 0 && height > 0 ? { width, height } : null;
    }
    at += 2 + length;
  }
  return null;
}
