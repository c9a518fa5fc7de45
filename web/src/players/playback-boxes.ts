// As much of MP4 (ISO/IEC 14496-12, 14496-15) as a player needs to know: which codecs a file has, and when each picture is
// shown. Pure; what it cannot read is `null`, never an error: the bytes come from cameras.

/** What the head of a file says. */
export type HeadFacts = {
  /** For `MediaSource.isTypeSupported`. */
  readonly mime: string;
  readonly video: 'h264' | 'h265' | 'other';
  readonly hasSound: boolean;
  readonly trackId: number;
  readonly timescale: number;
  readonly defaultDuration: number;
  /** What the edit list takes off, in the track's units. */
  readonly editStart: number;
};

type Box = { readonly type: string; readonly body: number; readonly end: number };

function* boxes(view: DataView, from: number, to: number): Generator<Box> {
  for (let at = from; at + 8 <= to; ) {
    let size = view.getUint32(at);
    let body = at + 8;
    if (size === 1 && at + 16 <= to) {
      size = Number(view.getBigUint64(at + 8));
      body = at + 16;
    }
    if (size === 0) size = to - at;
    if (size < 8 || at + size > to) return;
    yield { type: typeAt(view, at + 4), body, end: at + size };
    at += size;
  }
}

function typeAt(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

function find(view: DataView, path: readonly string[], from: number, to: number): Box | null {
  let [at, end] = [from, to];
  let found: Box | null = null;
  for (const type of path) {
    found = null;
    for (const box of boxes(view, at, end)) {
      if (box.type !== type) continue;
      found = box;
      break;
    }
    if (!found) return null;
    [at, end] = [found.body, found.end];
  }
  return found;
}

const hex = (value: number) => value.toString(16).padStart(2, '0');
/** Lengths of what stands before the boxes of a sample entry. */
const VISUAL_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;

function hevcCodec(view: DataView, name: string, at: number): string {
  const first = view.getUint8(at + 1);
  const space = ['', 'A', 'B', 'C'][first >> 6];
  let flags = view.getUint32(at + 2);
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) {
    reversed = (reversed * 2 + (flags & 1)) >>> 0;
    flags >>>= 1;
  }
  const constraints = Array.from({ length: 6 }, (_, n) => view.getUint8(at + 6 + n));
  while (constraints.at(-1) === 0) constraints.pop();
  const tier = (first & 0x20) !== 0 ? 'H' : 'L';
  const parts = [name, `${space}${first & 0x1f}`, reversed.toString(16), `${tier}${view.getUint8(at + 12)}`];
  return [...parts, ...constraints.map((value) => value.toString(16))].join('.');
}

function codecOf(view: DataView, stsd: Box): string | null {
  const entry = boxes(view, stsd.body + 8, stsd.end).next().value;
  if (!entry) return null;
  const inEntry = (type: string, skip: number) => find(view, [type], entry.body + skip, entry.end);
  switch (entry.type) {
    case 'avc1':
    case 'avc3': {
      const config = inEntry('avcC', VISUAL_ENTRY_BYTES);
      if (!config) return null;
      const bytes = [1, 2, 3].map((n) => hex(view.getUint8(config.body + n)));
      return `${entry.type}.${bytes.join('')}`;
    }
    case 'hvc1':
    case 'hev1': {
      const config = inEntry('hvcC', VISUAL_ENTRY_BYTES);
      return config && hevcCodec(view, entry.type, config.body);
    }
    case 'mp4a': {
      const esds = inEntry('esds', AUDIO_ENTRY_BYTES);
      return esds ? 'mp4a.40.2' : null;
    }
    case 'Opus':
      return 'opus';
    case 'fLaC':
      return 'flac';
    default:
      return null;
  }
}

/** Reads ftyp and moov. */
export function parseHead(bytes: Uint8Array): HeadFacts | null {
  try {
    return readHead(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    return null; // a box shorter than what it must hold
  }
}

function readHead(view: DataView): HeadFacts | null {
  const moov = find(view, ['moov'], 0, view.byteLength);
  if (!moov) return null;
  let picture: Omit<HeadFacts, 'mime' | 'hasSound' | 'defaultDuration'> | null = null;
  const codecs: string[] = [];
  let hasSound = false;
  for (const trak of boxes(view, moov.body, moov.end)) {
    if (trak.type !== 'trak') continue;
    const inTrak = (...path: string[]) => find(view, path, trak.body, trak.end);
    const [tkhd, mdhd, hdlr] = [inTrak('tkhd'), inTrak('mdia', 'mdhd'), inTrak('mdia', 'hdlr')];
    const stsd = inTrak('mdia', 'minf', 'stbl', 'stsd');
    if (!tkhd || !mdhd || !hdlr || !stsd) return null;
    const kind = typeAt(view, hdlr.body + 8);
    const codec = codecOf(view, stsd);
    if (kind === 'soun') hasSound = true;
    if (codec) codecs.push(codec);
    else if (kind === 'vide' || kind === 'soun') return null;
    if (kind !== 'vide' || !codec) continue;
    const version = (box: Box) => view.getUint8(box.body);
    picture = {
      video: codec.startsWith('avc') ? 'h264' : /^h[ev][vc]1/.test(codec) ? 'h265' : 'other',
      trackId: view.getUint32(tkhd.body + (version(tkhd) === 1 ? 20 : 12)),
      timescale: view.getUint32(mdhd.body + (version(mdhd) === 1 ? 20 : 12)) || 1,
      editStart: editStartOf(view, inTrak('edts', 'elst')),
    };
  }
  if (!picture) return null;
  let defaultDuration = 0;
  const mvex = find(view, ['mvex'], moov.body, moov.end);
  for (const trex of mvex ? boxes(view, mvex.body, mvex.end) : []) {
    if (trex.type === 'trex' && view.getUint32(trex.body + 4) === picture.trackId)
      defaultDuration = view.getUint32(trex.body + 12);
  }
  return { ...picture, hasSound, defaultDuration, mime: `video/mp4; codecs="${codecs.join(', ')}"` };
}

/** Browsers take off a single edit that begins later; other lists they leave alone. */
function editStartOf(view: DataView, elst: Box | null): number {
  if (!elst || view.getUint32(elst.body + 4) !== 1) return 0;
  const long = view.getUint8(elst.body) === 1;
  const start = long ? Number(view.getBigInt64(elst.body + 16)) : view.getInt32(elst.body + 12);
  return Math.max(0, start);
}

const TFHD = { baseDataOffset: 0x1, description: 0x2, duration: 0x8 } as const;
const TRUN = {
  dataOffset: 0x1,
  firstFlags: 0x4,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
  composition: 0x800,
} as const;
const MAX_PICTURES = 100_000;

/** When each picture of some fragments is shown, sorted, in seconds of the file's own clock. */
export function pictureTimes(bytes: Uint8Array, head: HeadFacts): number[] {
  return readPictures(bytes, head).times.sort((a, b) => a - b);
}

/**
 * Where the decoding of some fragments ends, in seconds of the file's own clock: no picture that comes later is shown before.
 * `null`: there is no picture in them.
 */
export function decodeEnd(bytes: Uint8Array, head: HeadFacts): number | null {
  return readPictures(bytes, head).decodeEnd;
}

type Pictures = { readonly times: number[]; decodeEnd: number | null };

function readPictures(bytes: Uint8Array, head: HeadFacts): Pictures {
  const pictures: Pictures = { times: [], decodeEnd: null };
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const moof of boxes(view, 0, view.byteLength)) {
      if (moof.type !== 'moof') continue;
      for (const traf of boxes(view, moof.body, moof.end)) {
        if (traf.type === 'traf' && pictures.times.length < MAX_PICTURES) readTraf(view, traf, head, pictures);
      }
    }
  } catch {
    // A box shorter than what it must hold: what was read so far will do.
  }
  return pictures;
}

function readTraf(view: DataView, traf: Box, head: HeadFacts, pictures: Pictures): void {
  let time = 0;
  let usual = head.defaultDuration;
  for (const box of boxes(view, traf.body, traf.end)) {
    const flags = view.getUint32(box.body) & 0xffffff;
    if (box.type === 'tfhd') {
      if (view.getUint32(box.body + 4) !== head.trackId) return;
      const at = box.body + 8 + (flags & TFHD.baseDataOffset ? 8 : 0) + (flags & TFHD.description ? 4 : 0);
      if (flags & TFHD.duration) usual = view.getUint32(at);
    } else if (box.type === 'tfdt') {
      time = view.getUint8(box.body) === 1 ? Number(view.getBigUint64(box.body + 4)) : view.getUint32(box.body + 4);
    } else if (box.type === 'trun') {
      let at = box.body + 8 + (flags & TRUN.dataOffset ? 4 : 0) + (flags & TRUN.firstFlags ? 4 : 0);
      for (let left = view.getUint32(box.body + 4); left > 0; left--) {
        let duration = usual;
        if (flags & TRUN.duration) {
          duration = view.getUint32(at);
          at += 4;
        }
        at += (flags & TRUN.size ? 4 : 0) + (flags & TRUN.flags ? 4 : 0);
        let shift = 0;
        if (flags & TRUN.composition) {
          shift = view.getInt32(at);
          at += 4;
        }
        pictures.times.push((time + shift - head.editStart) / head.timescale);
        time += duration;
        pictures.decodeEnd = (time - head.editStart) / head.timescale;
        if (pictures.times.length >= MAX_PICTURES) return;
      }
    }
  }
}

/** The picture that is shown at a moment; `null`: none is known. */
export function pictureAt(sorted: readonly number[], at: number, slack: number): number | null {
  return sorted.findLast((time) => time <= at + slack) ?? null;
}

/** The picture after (or before) the one at a moment; both in any unit. `null`: none is known. */
export function neighborPicture(
  sorted: readonly number[],
  at: number,
  direction: 1 | -1,
  slack: number,
): number | null {
  if (direction > 0) return sorted.find((time) => time > at + slack) ?? null;
  const shown = pictureAt(sorted, at, slack);
  return shown === null ? null : (sorted.findLast((time) => time < shown - slack) ?? null);
}
