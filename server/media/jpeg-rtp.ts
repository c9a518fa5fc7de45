// JPEG over RTP (RFC 2435): the picture's headers are left out on the wire and built again here. The tables are those of
// the RFC's appendices A and B, that is, of ISO 10918-1 annex K.

const JPEG = { soi: 0xd8, eoi: 0xd9, dqt: 0xdb, sof0: 0xc0, dht: 0xc4, dri: 0xdd, sos: 0xda } as const;

/** Quantizer tables for Q = 50, in zigzag order. */
const LUMA_QUANTIZER = [
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61,
  60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121,
  112, 100, 120, 92, 101, 103, 99,
];
const CHROMA_QUANTIZER = [
  17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99,
];

/** Huffman tables as they stand in a DHT segment: sixteen counts, then the symbols. */
const LUMA_DC = '00010501010101010100000000000000' + '000102030405060708090a0b';
const CHROMA_DC = '00030101010101010101010000000000' + '000102030405060708090a0b';
const LUMA_AC =
  '0002010303020403050504040000017d' +
  '01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738' +
  '393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5' +
  'a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa';
const CHROMA_AC =
  '00020102040403040705040400010277' +
  '0001020311040521310612415107617113223281081442' +
  '91a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a535455565758595a63646566' +
  '6768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8' +
  'c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa';

/** The Huffman tables of every picture: class and number, then the table. */
const HUFFMAN = [
  [0x00, LUMA_DC],
  [0x10, LUMA_AC],
  [0x01, CHROMA_DC],
  [0x11, CHROMA_AC],
] as const;

/** The Huffman table that every receiver puts in for a class and number, as in a DHT segment; `null` for others. */
export function standardHuffmanTable(id: number): Uint8Array | null {
  const known = HUFFMAN.find(([each]) => each === id);
  return known ? Uint8Array.from(Buffer.from(known[1], 'hex')) : null;
}

/** Two tables of 64 bytes for a quality of 1 to 99 (appendix A). */
export function quantizerTables(quality: number): Uint8Array {
  const q = Math.min(99, Math.max(1, quality));
  const scale = q < 50 ? Math.floor(5000 / q) : 200 - q * 2;
  const scaled = (value: number) => Math.min(255, Math.max(1, Math.floor((value * scale + 50) / 100)));
  return Uint8Array.from([...LUMA_QUANTIZER, ...CHROMA_QUANTIZER], scaled);
}

/** What the packets said of a picture. */
export type JpegHead = {
  /** 0: 4:2:2, 1: 4:2:0; 64 more with restart intervals. */
  readonly type: number;
  readonly width: number;
  readonly height: number;
  /** One or two tables, each 64 bytes or, where the bit in `precision` is set, 128. */
  readonly tables: Uint8Array;
  readonly precision: number;
  /** 0: none. */
  readonly restartInterval: number;
};

/** Everything of a JPEG before its scan. @returns `null` when the tables have an impossible length */
export function encodeJpegHead(head: JpegHead): Uint8Array | null {
  const quantizers = splitTables(head.tables, head.precision);
  if (!quantizers) return null;
  const bytes: number[] = [0xff, JPEG.soi];
  const segment = (marker: number, body: readonly number[]) =>
    bytes.push(0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body);
  for (const [number, table] of quantizers.entries())
    segment(JPEG.dqt, [(table.length > 64 ? 0x10 : 0) | number, ...table]);
  if (head.restartInterval > 0) segment(JPEG.dri, [head.restartInterval >> 8, head.restartInterval & 255]);
  const { width, height } = head;
  const chromaTable = quantizers.length > 1 ? 1 : 0;
  const sampling = (head.type & 1) === 0 ? 0x21 : 0x22;
  segment(JPEG.sof0, [
    ...[8, height >> 8, height & 255, width >> 8, width & 255, 3],
    ...[1, sampling, 0, 2, 0x11, chromaTable, 3, 0x11, chromaTable],
  ]);
  for (const [id, table] of HUFFMAN) segment(JPEG.dht, [id, ...Buffer.from(table, 'hex')]);
  segment(JPEG.sos, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
  return Uint8Array.from(bytes);
}

function splitTables(tables: Uint8Array, precision: number): Uint8Array[] | null {
  const split: Uint8Array[] = [];
  for (let at = 0; at < tables.length && split.length < 2; ) {
    const length = ((precision >> split.length) & 1) === 1 ? 128 : 64;
    if (at + length > tables.length) return null;
    split.push(tables.subarray(at, at + length));
    at += length;
  }
  return split.length > 0 ? split : null;
}
