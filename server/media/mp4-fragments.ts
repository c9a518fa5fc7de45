// Where the fragments of a fragmented MP4 are and when they begin (ISO/IEC 14496-12, 8.8): what byte-range playback and
// cutting without decoding need. Few reads: the index at the end of a finished file, and one look per fragment in question.

import type { ByteSource } from './byte-source.ts';
import { boxes, find, parseBoxHead, typeAt } from './mp4-boxes.ts';

/** Read at once at the begin of a file: ftyp and moov are about 1.5 KB. */
const HEAD_BYTES = 16 * 1024;
const MAX_HEAD_BYTES = 1024 * 1024;
const MAX_INDEX_BYTES = 16 * 1024 * 1024;
/** Read at once at a fragment: its moof and the head of its mdat. */
const MOOF_BYTES = 1024;
const MAX_MOOF_BYTES = 1024 * 1024;
const MFRO_BYTES = 16;
/** Flags of tfhd and trun, and the sample flag "is not a sync sample" (8.8.3, 8.8.7, 8.8.8). */
const TFHD = { baseDataOffset: 0x1, description: 0x2, duration: 0x8, size: 0x10, flags: 0x20 } as const;
const TRUN = { dataOffset: 0x1, firstFlags: 0x4, duration: 0x100, size: 0x200, flags: 0x400 } as const;
const NOT_SYNC = 0x10000;

/** One fragment: where its moof is, and the time of its first picture in the file's own clock. */
export type Fragment = { readonly offset: number; readonly timeMs: number };

type VideoTrack = { readonly id: number; readonly timescale: number; readonly sampleFlags: number };

/** A file whose fragments are known. */
export class Mp4Fragments {
  /** Length of ftyp and moov: the initialization section. */
  readonly initBytes: number;
  /** Sample descriptions of all tracks: files with the same ones can be joined without decoding. */
  readonly signature: string;
  readonly fragments: readonly Fragment[];
  /** Behind the last fragment. */
  readonly endOffset: number;
  readonly #source: ByteSource;
  readonly #track: VideoTrack;

  private constructor(
    source: ByteSource,
    head: { initBytes: number; signature: string; track: VideoTrack },
    fragments: readonly Fragment[],
    endOffset: number,
  ) {
    this.#source = source;
    this.#track = head.track;
    this.initBytes = head.initBytes;
    this.signature = head.signature;
    this.fragments = fragments;
    this.endOffset = endOffset;
  }

  /** Reads what is needed. @returns `null` for a file that is not a fragmented MP4 with pictures */
  static async read(source: ByteSource): Promise<Mp4Fragments | null> {
    try {
      const head = await readHead(source);
      if (!head) return null;
      const index = (await readIndex(source, head.track)) ?? (await walk(source, head.initBytes, head.track));
      const [first] = index.fragments;
      return first ? new Mp4Fragments(source, head, index.fragments, index.endOffset) : null;
    } catch (error) {
      if (error instanceof RangeError) return null; // a box too short for what it must hold
      throw error;
    }
  }

  /** Whether decoding can begin at a fragment. One read. */
  async isKey(n: number): Promise<boolean> {
    const fragment = this.fragments[n];
    const moof = fragment && (await readMoof(this.#source, fragment.offset));
    return moof ? (parseTraf(moof.body, this.#track)?.key ?? false) : false;
  }
}

async function readHead(source: ByteSource) {
  let bytes = await source.read(0, HEAD_BYTES);
  for (let offset = 0; ; ) {
    const head = parseBoxHead(bytes.subarray(offset, offset + 16));
    if (!head || offset + head.size > MAX_HEAD_BYTES || (offset === 0 && head.type !== 'ftyp')) return null;
    const end = offset + head.size;
    if (end + 16 > bytes.length && end <= source.size) bytes = await source.read(0, end + HEAD_BYTES);
    if (end > bytes.length) return null;
    if (head.type === 'moov') {
      const moov = bytes.subarray(offset + head.headBytes, end);
      const track = parseVideoTrack(moov);
      return track && { initBytes: end, signature: signatureOf(moov), track };
    }
    offset = end;
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function parseVideoTrack(moov: Uint8Array): VideoTrack | null {
  const view = viewOf(moov);
  for (const box of boxes(moov)) {
    if (box.type !== 'trak') continue;
    const hdlr = find(moov, ['mdia', 'hdlr'], box.body, box.end);
    const mdhd = find(moov, ['mdia', 'mdhd'], box.body, box.end);
    const tkhd = find(moov, ['tkhd'], box.body, box.end);
    if (!hdlr || !mdhd || !tkhd || typeAt(view, hdlr.body + 8) !== 'vide') continue;
    const id = view.getUint32(tkhd.body + (view.getUint8(tkhd.body) === 1 ? 20 : 12));
    const timescale = view.getUint32(mdhd.body + (view.getUint8(mdhd.body) === 1 ? 20 : 12)) || 1;
    const mvex = find(moov, ['mvex']);
    let sampleFlags = 0;
    for (const trex of mvex ? boxes(moov, mvex.body, mvex.end) : []) {
      if (trex.type === 'trex' && view.getUint32(trex.body + 4) === id) sampleFlags = view.getUint32(trex.body + 20);
    }
    return { id, timescale, sampleFlags };
  }
  return null;
}

function signatureOf(moov: Uint8Array): string {
  const parts: string[] = [];
  for (const box of boxes(moov)) {
    const stsd = box.type === 'trak' && find(moov, ['mdia', 'minf', 'stbl', 'stsd'], box.body, box.end);
    const mdhd = box.type === 'trak' && find(moov, ['mdia', 'mdhd'], box.body, box.end);
    if (!stsd || !mdhd) continue;
    parts.push(Buffer.from(withoutBitRates(moov.slice(stsd.body, stsd.end))).toString('base64'));
    parts.push(String(viewOf(moov).getUint32(mdhd.body + (moov[mdhd.body] === 1 ? 20 : 12))));
  }
  return parts.join(' ');
}

/** The measured bit rate of a track (`btrt`) differs from file to file and says nothing about how to decode. */
function withoutBitRates(stsd: Uint8Array): Uint8Array {
  const at = Buffer.from(stsd).indexOf('btrt');
  if (at >= 4) stsd.fill(0, at + 4, Math.min(stsd.length, at + 16));
  const esds = Buffer.from(stsd).indexOf('esds');
  // DecoderConfigDescriptor: tag 4, length, type, stream, 3 bytes buffer, 4 bytes most, 4 bytes average bits a second.
  for (let n = esds + 8; esds >= 0 && n + 18 < stsd.length; n++) {
    if (stsd[n] !== 4) continue;
    let body = n + 1;
    while ((stsd[body]! & 0x80) !== 0 && body < n + 4) body++;
    stsd.fill(0, body + 3, Math.min(stsd.length, body + 14));
    break;
  }
  return stsd;
}

/** `mfra` at the end of a finished file (8.8.9 to 8.8.11). @returns `null` when there is none */
async function readIndex(source: ByteSource, track: VideoTrack) {
  if (source.size < MFRO_BYTES) return null;
  const mfro = await source.read(source.size - MFRO_BYTES, MFRO_BYTES);
  if (mfro.length < MFRO_BYTES || typeAt(viewOf(mfro), 4) !== 'mfro') return null;
  const size = viewOf(mfro).getUint32(12);
  const endOffset = source.size - size;
  if (size > MAX_INDEX_BYTES || size < MFRO_BYTES || endOffset <= 0) return null;
  const mfra = await source.read(endOffset, size);
  const view = viewOf(mfra);
  if (mfra.length < size || typeAt(view, 4) !== 'mfra') return null;
  for (const tfra of boxes(mfra, 8)) {
    if (tfra.type !== 'tfra' || view.getUint32(tfra.body + 4) !== track.id) continue;
    const wide = view.getUint8(tfra.body) === 1;
    const lengths = view.getUint32(tfra.body + 8);
    const count = view.getUint32(tfra.body + 12);
    const step = (wide ? 16 : 8) + 3 + ((lengths >> 4) & 3) + ((lengths >> 2) & 3) + (lengths & 3);
    if (tfra.body + 16 + count * step > tfra.end) return null;
    const fragments: Fragment[] = [];
    for (let n = 0, at = tfra.body + 16; n < count; n++, at += step) {
      const time = wide ? Number(view.getBigUint64(at)) : view.getUint32(at);
      const offset = wide ? Number(view.getBigUint64(at + 8)) : view.getUint32(at + 4);
      if (offset >= endOffset || (fragments.at(-1)?.offset ?? -1) >= offset) return null;
      fragments.push({ offset, timeMs: (time * 1000) / track.timescale });
    }
    return { fragments, endOffset };
  }
  return null;
}

/** From moof to moof: for files that are still open, or were cut. */
async function walk(source: ByteSource, from: number, track: VideoTrack) {
  const fragments: Fragment[] = [];
  let endOffset = from;
  for (let offset = from; offset < source.size; ) {
    const moof = await readMoof(source, offset);
    if (!moof || moof.end > source.size) break;
    if (moof.body.length > 0) {
      const traf = parseTraf(moof.body, track);
      if (traf) fragments.push({ offset, timeMs: (traf.time * 1000) / track.timescale });
    }
    offset = moof.end;
    endOffset = offset;
  }
  return { fragments, endOffset };
}

/** A moof and where its mdat ends; other boxes have an empty body. @returns `null` behind the last whole one */
async function readMoof(source: ByteSource, offset: number): Promise<{ body: Uint8Array; end: number } | null> {
  let bytes = await source.read(offset, MOOF_BYTES);
  const head = parseBoxHead(bytes.subarray(0, 16));
  if (!head || !Number.isFinite(head.size)) return null;
  if (head.type !== 'moof') return { body: new Uint8Array(), end: offset + head.size };
  if (head.size > MAX_MOOF_BYTES) return null;
  if (head.size + 16 > bytes.length) bytes = await source.read(offset, head.size + 16);
  const data = parseBoxHead(bytes.subarray(head.size, head.size + 16));
  if (data?.type !== 'mdat') return null;
  return { body: bytes.subarray(head.headBytes, head.size), end: offset + head.size + data.size };
}

/** The video track's part of a moof: decode time of its first picture, and whether that is a key picture. */
function parseTraf(moof: Uint8Array, track: VideoTrack): { time: number; key: boolean } | null {
  const view = viewOf(moof);
  for (const traf of boxes(moof)) {
    if (traf.type !== 'traf') continue;
    const tfhd = find(moof, ['tfhd'], traf.body, traf.end);
    const tfdt = find(moof, ['tfdt'], traf.body, traf.end);
    const trun = find(moof, ['trun'], traf.body, traf.end);
    if (!tfhd || !tfdt || !trun || view.getUint32(tfhd.body + 4) !== track.id) continue;
    const wide = view.getUint8(tfdt.body) === 1;
    const time = wide ? Number(view.getBigUint64(tfdt.body + 4)) : view.getUint32(tfdt.body + 4);
    const has = view.getUint32(tfhd.body) & 0xffffff;
    let at = tfhd.body + 8;
    if (has & TFHD.baseDataOffset) at += 8;
    for (const flag of [TFHD.description, TFHD.duration, TFHD.size]) if (has & flag) at += 4;
    let flags = has & TFHD.flags ? view.getUint32(at) : track.sampleFlags;
    const run = view.getUint32(trun.body) & 0xffffff;
    at = trun.body + 8 + (run & TRUN.dataOffset ? 4 : 0);
    if (run & TRUN.firstFlags) flags = view.getUint32(at);
    else if (run & TRUN.flags) flags = view.getUint32(at + (run & TRUN.duration ? 4 : 0) + (run & TRUN.size ? 4 : 0));
    return { time, key: (flags & NOT_SYNC) === 0 };
  }
  return null;
}
