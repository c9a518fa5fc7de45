// Walks an ISO BMFF file on disk (ISO/IEC 14496-12) without reading its pictures: where the last whole moof and mdat end,
// and what the fragments say about times. Only fragmented files, as Perch writes them, have facts; others have no frames.

import { type ByteSource, FrameTimes, type ScannedFile } from './byte-source.ts';

/** Largest moov or moof that is read. */
const MAX_HEAD_BYTES = 8 * 1024 * 1024;
const MAX_SAMPLES_PER_RUN = 1_000_000;
const CODEC_OF: Readonly<Record<string, ScannedFile['codec']>> = {
  avc1: 'h264',
  avc3: 'h264',
  hvc1: 'h265',
  hev1: 'h265',
};
/** Flags of tfhd and trun (8.8.7, 8.8.8). */
const TFHD = { baseDataOffset: 0x1, description: 0x2, duration: 0x8 } as const;
const TRUN = { dataOffset: 0x1, firstFlags: 0x4, duration: 0x100, size: 0x200, flags: 0x400, offset: 0x800 } as const;

/** One box's place: `body` is where its content begins. */
export type Box = { readonly type: string; readonly body: number; readonly end: number };
type Track = { id: number; timescale: number; video: boolean; codec: ScannedFile['codec']; defaultDuration: number };

/** Four letters. */
export const typeAt = (view: DataView, offset: number) =>
  String.fromCharCode(
    view.getUint8(offset),
    view.getUint8(offset + 1),
    view.getUint8(offset + 2),
    view.getUint8(offset + 3),
  );

/** A box's head. `size` is `Infinity` for a box that reaches to the end of the file; `null`: not a box. */
export function parseBoxHead(head: Uint8Array): { type: string; size: number; headBytes: number } | null {
  if (head.length < 8) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const type = typeAt(view, 4);
  const size = view.getUint32(0);
  if (size === 1) {
    if (head.length < 16) return null;
    const large = Number(view.getBigUint64(8));
    return Number.isSafeInteger(large) && large >= 16 ? { type, size: large, headBytes: 16 } : null;
  }
  if (size === 0) return { type, size: Number.POSITIVE_INFINITY, headBytes: 8 };
  return size >= 8 ? { type, size, headBytes: 8 } : null;
}

/** Boxes inside memory; stops where they do not fit. */
export function* boxes(bytes: Uint8Array, from = 0, to = bytes.length): Generator<Box> {
  for (let offset = from; offset + 8 <= to; ) {
    const head = parseBoxHead(bytes.subarray(offset, Math.min(offset + 16, to)));
    if (!head || offset + head.size > to) return;
    yield { type: head.type, body: offset + head.headBytes, end: offset + head.size };
    offset += head.size;
  }
}

/** The first box at a path of types. */
export function find(bytes: Uint8Array, path: readonly string[], from = 0, to = bytes.length): Box | null {
  const [type, ...rest] = path;
  for (const box of boxes(bytes, from, to)) {
    if (box.type !== type) continue;
    // `meta` and `stsd` carry a version, `stsd` a count too, before their children.
    const skip = box.type === 'meta' ? 4 : box.type === 'stsd' ? 8 : 0;
    return rest.length === 0 ? box : find(bytes, rest, box.body + skip, box.end);
  }
  return null;
}

/** Scans a file. Never throws for its content: what cannot be read ends the walk. */
export async function scanMp4(source: ByteSource): Promise<ScannedFile> {
  const times = new FrameTimes();
  let tracks: Track[] = [];
  let comment: string | null = null;
  let wholeBytes = 0;
  let pending: Uint8Array | null = null;
  for (let offset = 0; offset < source.size; ) {
    const head = parseBoxHead(await source.read(offset, 16));
    if (!head || offset + head.size > source.size || (offset === 0 && head.type !== 'ftyp')) break;
    const end = offset + head.size;
    if (head.type === 'moov' || head.type === 'moof') {
      if (head.size > MAX_HEAD_BYTES) break;
      const body = await source.read(offset + head.headBytes, head.size - head.headBytes);
      if (head.type === 'moov') {
        tracks = parseMoov(body);
        comment = parseComment(body);
        wholeBytes = end;
      } else pending = body;
    } else if (head.type === 'mdat' && pending) {
      // A fragment counts when its data is there too.
      if (!addFragment(pending, tracks, times)) break;
      pending = null;
      wholeBytes = end;
    } else if (!pending) wholeBytes = end;
    offset = end;
  }
  const codec = tracks.find(({ video }) => video)?.codec ?? null;
  const { frames, firstMs, lastMs, medianMs } = times;
  return { wholeBytes, frames, firstMs, lastMs, medianMs, codec, comment };
}

function parseMoov(moov: Uint8Array): Track[] {
  const view = new DataView(moov.buffer, moov.byteOffset, moov.byteLength);
  const tracks: Track[] = [];
  try {
    for (const box of boxes(moov)) {
      if (box.type !== 'trak') continue;
      const at = (path: string[]) => find(moov, path, box.body, box.end);
      const tkhd = at(['tkhd']);
      const mdhd = at(['mdia', 'mdhd']);
      const hdlr = at(['mdia', 'hdlr']);
      const stsd = at(['mdia', 'minf', 'stbl', 'stsd']);
      if (!tkhd || !mdhd || !hdlr || !stsd) continue;
      const id = view.getUint32(tkhd.body + (view.getUint8(tkhd.body) === 1 ? 20 : 12));
      const timescale = view.getUint32(mdhd.body + (view.getUint8(mdhd.body) === 1 ? 20 : 12));
      const codec = CODEC_OF[typeAt(view, stsd.body + 12)] ?? null;
      tracks.push({
        id,
        timescale: timescale || 1,
        video: typeAt(view, hdlr.body + 8) === 'vide',
        codec,
        defaultDuration: 0,
      });
    }
    const mvex = find(moov, ['mvex']);
    for (const trex of mvex ? boxes(moov, mvex.body, mvex.end) : []) {
      const track = trex.type === 'trex' && tracks.find(({ id }) => id === view.getUint32(trex.body + 4));
      if (track) track.defaultDuration = view.getUint32(trex.body + 12);
    }
  } catch {
    return []; // a box too short for what it must hold
  }
  return tracks;
}

/** iTunes-style `©cmt`, as ffmpeg writes `-metadata comment`. */
function parseComment(moov: Uint8Array): string | null {
  const data = find(moov, ['udta', 'meta', 'ilst', '\u00a9cmt', 'data']);
  return data && data.end - data.body > 8
    ? new TextDecoder().decode(moov.subarray(data.body + 8, data.end).slice(0, 1024))
    : null;
}

/** Adds the picture times of one moof. @returns false when it makes no sense */
function addFragment(moof: Uint8Array, tracks: readonly Track[], times: FrameTimes): boolean {
  const view = new DataView(moof.buffer, moof.byteOffset, moof.byteLength);
  try {
    for (const traf of boxes(moof)) {
      if (traf.type !== 'traf') continue;
      const tfhd = find(moof, ['tfhd'], traf.body, traf.end);
      const tfdt = find(moof, ['tfdt'], traf.body, traf.end);
      const track = tfhd && tracks.find(({ id }) => id === view.getUint32(tfhd.body + 4));
      if (!tfhd || !tfdt || !track?.video) continue;
      let time =
        view.getUint8(tfdt.body) === 1 ? Number(view.getBigUint64(tfdt.body + 4)) : view.getUint32(tfdt.body + 4);
      const flags = view.getUint32(tfhd.body) & 0xffffff;
      const before = 8 + (flags & TFHD.baseDataOffset ? 8 : 0) + (flags & TFHD.description ? 4 : 0);
      const duration = flags & TFHD.duration ? view.getUint32(tfhd.body + before) : track.defaultDuration;
      for (const trun of boxes(moof, traf.body, traf.end)) {
        if (trun.type === 'trun') time = addRun(view, trun, time, duration, track.timescale, times);
      }
    }
    return true;
  } catch {
    return false;
  }
}

/** One trun; returns the decode time behind it. Pictures are counted at their decode times, which go on; with B-frames the last one is shown a little later. */
function addRun(
  view: DataView,
  trun: Box,
  start: number,
  duration: number,
  timescale: number,
  times: FrameTimes,
): number {
  const flags = view.getUint32(trun.body) & 0xffffff;
  const count = view.getUint32(trun.body + 4);
  if (count > MAX_SAMPLES_PER_RUN) throw new RangeError('too many samples');
  const fields = [TRUN.duration, TRUN.size, TRUN.flags, TRUN.offset].filter((flag) => flags & flag).length;
  let at = trun.body + 8 + (flags & TRUN.dataOffset ? 4 : 0) + (flags & TRUN.firstFlags ? 4 : 0);
  if (at + count * fields * 4 > trun.end) throw new RangeError('samples behind the box');
  let time = start;
  for (let n = 0; n < count; n++, at += fields * 4) {
    times.add((time * 1000) / timescale);
    time += flags & TRUN.duration ? view.getUint32(at) : duration;
  }
  return time;
}
