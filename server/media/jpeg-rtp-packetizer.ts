// A JPEG to RTP packets (RFC 2435). The receiver builds the headers again from a few bytes, so only pictures fit that look
// as it builds them: baseline, 8 bits, three components with 4:2:2 or 4:2:0, the standard Huffman tables, at most 2040
// pixels a side.

import { standardHuffmanTable } from './jpeg-rtp.ts';
import { sameBytes } from './nal.ts';
import { MAX_PAYLOAD_BYTES, PacketTrain, type Payload } from './packet-train.ts';

const SOI_BYTES = 2;
const MARKER = {
  sof0: 0xc0,
  sofLast: 0xcf,
  dht: 0xc4,
  jpg: 0xc8,
  dac: 0xcc,
  eoi: 0xd9,
  sos: 0xda,
  dqt: 0xdb,
  dri: 0xdd,
};
const MAX_SEGMENTS = 64;
/** Sides are sent in units of 8 pixels, in one byte. */
const MAX_SIDE = 255 * 8;
const MAX_SCAN_BYTES = 0xffffff;
const HUFFMAN_COUNTS = 16;
/** "The tables are in the packet", for every picture. */
const TABLES_IN_PACKET = 255;
const WITH_RESTARTS = 64;
/** First and last packet of a restart interval, count unknown: pictures are only decoded whole. */
const WHOLE_PICTURE = 0xffff;

/** What a picture is made of, as far as the packets say it. */
export type RtpJpeg = {
  readonly type: 0 | 1;
  readonly width: number;
  readonly height: number;
  /** Of luma and chroma, one after the other. */
  readonly tables: Uint8Array;
  /** Bit 0 and 1: the first and second table have 16-bit values. */
  readonly precision: number;
  readonly restartInterval: number;
  readonly scan: Uint8Array;
};

type Tables = Map<number, { readonly bytes: Uint8Array; readonly wide: boolean }>;
type Sizes = Pick<RtpJpeg, 'type' | 'width' | 'height'> & { readonly luma: number; readonly chroma: number };

/** Takes a picture apart; `null` when RFC 2435 cannot carry it. */
export function parseRtpJpeg(jpeg: Uint8Array): RtpJpeg | null {
  const tables: Tables = new Map();
  let sizes: Sizes | null = null;
  let restartInterval = 0;
  let at = SOI_BYTES;
  for (let segment = 0; segment < MAX_SEGMENTS && at + 4 <= jpeg.length && jpeg[at] === 0xff; segment++) {
    const marker = jpeg[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const end = at + 2 + ((jpeg[at + 2]! << 8) | jpeg[at + 3]!);
    const body = jpeg.subarray(at + 4, end);
    if (end > jpeg.length || end < at + 4) return null;
    at = end;
    if (marker === MARKER.dqt) {
      if (!readTables(body, tables)) return null;
    } else if (marker === MARKER.dht) {
      if (!isStandard(body)) return null;
    } else if (marker === MARKER.dri) restartInterval = ((body[0] ?? 0) << 8) | (body[1] ?? 0);
    else if (marker === MARKER.sos) return sizes && whole(jpeg.subarray(at), body, sizes, tables, restartInterval);
    else if (marker === MARKER.sof0) {
      sizes = readSizes(body);
      if (!sizes) return null;
    } else if (marker > MARKER.sof0 && marker <= MARKER.sofLast && marker !== MARKER.jpg) return null; // DAC, too
  }
  return null;
}

function readTables(body: Uint8Array, tables: Tables): boolean {
  for (let at = 0; at < body.length; ) {
    const wide = body[at]! >> 4 !== 0;
    const end = at + 1 + (wide ? 128 : 64);
    if (end > body.length) return false;
    tables.set(body[at]! & 15, { bytes: body.subarray(at + 1, end), wide });
    at = end;
  }
  return true;
}

function isStandard(body: Uint8Array): boolean {
  for (let at = 0; at < body.length; ) {
    const counts = body.subarray(at + 1, at + 1 + HUFFMAN_COUNTS);
    const end = at + 1 + HUFFMAN_COUNTS + counts.reduce((sum, count) => sum + count, 0);
    const standard = standardHuffmanTable(body[at]!);
    if (!standard || end > body.length || !sameBytes(standard, body.subarray(at + 1, end))) return false;
    at = end;
  }
  return true;
}

function readSizes(body: Uint8Array): Sizes | null {
  const [precision, h1 = 0, h0 = 0, w1 = 0, w0 = 0, components] = body;
  const width = (w1 << 8) | w0;
  const height = (h1 << 8) | h0;
  if (precision !== 8 || components !== 3 || body.length < 15) return null;
  if (width === 0 || height === 0 || width > MAX_SIDE || height > MAX_SIDE) return null;
  const sampling = body[7];
  const isPlain = body[10] === 0x11 && body[13] === 0x11 && body[11] === body[14];
  if (!isPlain || (sampling !== 0x21 && sampling !== 0x22)) return null;
  return { type: sampling === 0x21 ? 0 : 1, width, height, luma: body[8]!, chroma: body[11]! };
}

function whole(
  rest: Uint8Array,
  head: Uint8Array,
  sizes: Sizes,
  tables: Tables,
  restartInterval: number,
): RtpJpeg | null {
  const luma = tables.get(sizes.luma);
  const chroma = tables.get(sizes.chroma);
  // One scan of all three, with the Huffman tables where the receiver puts them.
  if (!luma || !chroma || head[0] !== 3 || head[2] !== 0x00 || head[4] !== 0x11 || head[6] !== 0x11) return null;
  let end = rest.length;
  while (end > 2 && rest[end - 1] === 0) end--;
  const hasEnd = end >= 2 && rest[end - 2] === 0xff && rest[end - 1] === MARKER.eoi;
  const scan = rest.subarray(0, hasEnd ? end - 2 : rest.length);
  if (scan.length === 0 || scan.length > MAX_SCAN_BYTES) return null;
  const { type, width, height } = sizes;
  const precision = (luma.wide ? 1 : 0) | (chroma.wide ? 2 : 0);
  const both = Buffer.concat([luma.bytes, chroma.bytes]);
  return { type, width, height, tables: both, precision, restartInterval, scan };
}

/** The packets of a picture; `null` when RFC 2435 cannot carry it. */
export function packetizeJpeg(jpeg: Uint8Array): PacketTrain | null {
  const picture = parseRtpJpeg(jpeg);
  if (!picture) return null;
  const { type, width, height, tables, precision, restartInterval, scan } = picture;
  const restarts = restartInterval > 0 ? [restartInterval >> 8, restartInterval & 255, WHOLE_PICTURE >> 8, 0xff] : [];
  const quantizers = Buffer.concat([Uint8Array.of(0, precision, tables.length >> 8, tables.length & 255), tables]);
  const kind = type | (restartInterval > 0 ? WITH_RESTARTS : 0);
  const payloads: Payload[] = [];
  for (let at = 0; at < scan.length; ) {
    const sides = [Math.ceil(width / 8), Math.ceil(height / 8)];
    const head = Uint8Array.of(0, at >> 16, (at >> 8) & 255, at & 255, kind, TABLES_IN_PACKET, ...sides, ...restarts);
    const first = at === 0 ? quantizers : new Uint8Array(0);
    const piece = scan.subarray(at, at + MAX_PAYLOAD_BYTES - head.length - first.length);
    at += piece.length;
    payloads.push({ pieces: [head, first, piece], marker: at === scan.length });
  }
  return new PacketTrain(payloads);
}
