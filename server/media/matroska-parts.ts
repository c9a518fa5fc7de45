// What is inside Matroska's elements once they are in memory: tracks, blocks, tags. Shared by the stream reader and the scanner.

import { NvrError } from '../core/nvr-error.ts';
import { children, parseFloatValue, parseText, parseUint } from './matroska-ebml.ts';
import { CODEC_ID, ID, type MatroskaTrack } from './matroska-ids.ts';

/** Largest width and height believed. */
const MAX_PIXELS = 16_384;
const MAX_SAMPLE_RATE = 384_000;
const MAX_CHANNELS = 16;
const MAX_CONFIG_BYTES = 4096;

/** A track and its number in the blocks. */
export type NumberedTrack = { readonly number: number; readonly track: MatroskaTrack };

/** A block's header and bytes. `relative` is to the cluster's time, in ticks. */
export type Block = {
  readonly number: number;
  readonly relative: number;
  readonly key: boolean;
  readonly data: Uint8Array;
};

const CODEC_OF = new Map(Object.entries(CODEC_ID).map(([codec, id]) => [id, codec]));

/** The known tracks of a Tracks element; others are left out. */
export function parseTracks(body: Uint8Array): NumberedTrack[] {
  const tracks: NumberedTrack[] = [];
  for (const entry of children(body)) {
    const track = entry.id === ID.trackEntry ? parseTrackEntry(entry.body) : null;
    if (track) tracks.push(track);
  }
  return tracks;
}

function parseTrackEntry(body: Uint8Array): NumberedTrack | null {
  const found = { number: 0, codecId: '', width: 0, height: 0, sampleRate: 0, channels: 1 };
  let codecConfig: Uint8Array | undefined;
  for (const { id, body: value } of children(body)) {
    if (id === ID.trackNumber) found.number = parseUint(value);
    else if (id === ID.codecId) found.codecId = parseText(value, 64);
    else if (id === ID.codecPrivate && value.length <= MAX_CONFIG_BYTES) codecConfig = value.slice();
    else if (id === ID.video || id === ID.audio) {
      for (const inner of children(value)) {
        if (inner.id === ID.pixelWidth) found.width = parseUint(inner.body);
        else if (inner.id === ID.pixelHeight) found.height = parseUint(inner.body);
        else if (inner.id === ID.samplingFrequency) found.sampleRate = parseFloatValue(inner.body);
        else if (inner.id === ID.channels) found.channels = parseUint(inner.body);
      }
    }
  }
  const codec = CODEC_OF.get(found.codecId);
  const config = codecConfig ? { codecConfig } : {};
  if (codec === 'mjpeg' || codec === 'h264' || codec === 'h265') {
    if (!(found.width <= MAX_PIXELS && found.height <= MAX_PIXELS)) return null;
    return {
      number: found.number,
      track: { kind: 'video', codec, width: found.width, height: found.height, ...config },
    };
  }
  if (codec === 'pcm-s16le' || codec === 'aac') {
    const { sampleRate, channels } = found;
    if (!(sampleRate > 0 && sampleRate <= MAX_SAMPLE_RATE && channels >= 1 && channels <= MAX_CHANNELS)) return null;
    return { number: found.number, track: { kind: 'audio', codec, sampleRate, channels, ...config } };
  }
  return null;
}

/** A SimpleBlock, or a Block without its flags. @throws NvrError `protocol` */
export function parseBlock(body: Uint8Array): Block {
  const first = body[0] ?? 0;
  const length = Math.clz32(first) - 23;
  if (length > 2 || body.length < length + 3) throw new NvrError('protocol', 'A Matroska block is too short');
  const number = length === 1 ? first & 0x7f : ((first & 0x3f) << 8) | body[1]!;
  const flags = body[length + 2]!;
  if ((flags & 0x06) !== 0) throw new NvrError('protocol', 'A Matroska block is laced, which Perch does not read');
  const relative = ((body[length]! << 24) >> 16) | body[length + 1]!;
  return { number, relative, key: (flags & 0x80) !== 0, data: body.subarray(length + 3) };
}

/** The block of a BlockGroup, a key frame when it references no other; `null` when there is none. */
export function parseBlockGroup(body: Uint8Array): Block | null {
  let block: Block | null = null;
  let references = false;
  for (const child of children(body)) {
    if (child.id === ID.block) block = parseBlock(child.body);
    else if (child.id === ID.referenceBlock) references = true;
  }
  return block && { ...block, key: !references };
}

/** Nanoseconds per tick, from an Info element. @throws NvrError `protocol` when it makes no sense */
export function parseTimestampScale(body: Uint8Array): number {
  for (const child of children(body)) {
    if (child.id !== ID.timestampScale) continue;
    const scale = parseUint(child.body);
    if (!(scale > 0 && scale <= 1e9)) throw new NvrError('protocol', 'A Matroska time scale makes no sense');
    return scale;
  }
  return 1_000_000;
}

/** The value of the first tag of that name (upper case), or `null`. */
export function findTag(body: Uint8Array, name: string): string | null {
  for (const tag of children(body)) {
    if (tag.id !== ID.tag) continue;
    for (const simple of children(tag.body)) {
      if (simple.id !== ID.simpleTag) continue;
      const parts = new Map([...children(simple.body)].map((part) => [part.id, part.body]));
      const value = parts.get(ID.tagString);
      if (value && parseText(parts.get(ID.tagName) ?? new Uint8Array()) === name) return parseText(value);
    }
  }
  return null;
}
