// Writes Matroska (RFC 9559) as a stream: unknown segment size, one small cluster per frame, our own times in milliseconds.
// One cluster per frame costs some 25 bytes and spares the reader any waiting for the next one.

import { CODEC_ID, ID, type MatroskaTrack } from './matroska-ids.ts';

const UNKNOWN_SIZE = Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
const NANOSECONDS_PER_MS = 1_000_000;
const APP = 'Perch';
const KEY_FLAG = 0x80;
const PCM_BITS = 16;

function idBytes(id: number): number[] {
  const bytes: number[] = [];
  for (let rest = id; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}

/** A size as an EBML variable-length integer, as short as it can be. */
function sizeBytes(size: number): number[] {
  for (let length = 1; length <= 8; length++) {
    if (size < 2 ** (7 * length) - 1) {
      const bytes = bigEndian(size, length);
      bytes[0] = bytes[0]! | (1 << (8 - length));
      return bytes;
    }
  }
  throw new RangeError('An EBML element cannot be that long');
}

function bigEndian(value: number, length: number): number[] {
  const bytes = new Array<number>(length);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

function element(id: number, body: readonly number[] | Uint8Array): number[] {
  return [...idBytes(id), ...sizeBytes(body.length), ...body];
}

function uint(id: number, value: number): number[] {
  let length = 1;
  while (value >= 2 ** (8 * length)) length++;
  return element(id, bigEndian(value, length));
}

function float(id: number, value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return element(id, bytes);
}

function text(id: number, value: string): number[] {
  return element(id, new TextEncoder().encode(value));
}

function trackEntry(track: MatroskaTrack, number: number): number[] {
  const common = [
    ...uint(ID.trackNumber, number),
    ...uint(ID.trackUid, number),
    ...uint(ID.flagLacing, 0),
    ...uint(ID.trackType, track.kind === 'video' ? 1 : 2),
    ...text(ID.codecId, CODEC_ID[track.codec]),
    ...(track.codecConfig ? element(ID.codecPrivate, track.codecConfig) : []),
  ];
  const details =
    track.kind === 'video'
      ? element(ID.video, [...uint(ID.pixelWidth, track.width), ...uint(ID.pixelHeight, track.height)])
      : element(ID.audio, [
          ...float(ID.samplingFrequency, track.sampleRate),
          ...uint(ID.channels, track.channels),
          ...(track.codec === 'pcm-s16le' ? uint(ID.bitDepth, PCM_BITS) : []),
        ]);
  return element(ID.trackEntry, [...common, ...details]);
}

/** Makes one Matroska stream. Pure: returns bytes. */
export class MatroskaWriter {
  readonly tracks: readonly MatroskaTrack[];

  /** @param tracks in the order of their numbers: the first is track 0 in {@link frame} */
  constructor(tracks: readonly MatroskaTrack[]) {
    this.tracks = tracks;
  }

  /** Everything before the first frame. */
  header(): Uint8Array {
    const ebml = element(ID.ebml, [
      ...uint(ID.ebmlVersion, 1),
      ...uint(ID.ebmlReadVersion, 1),
      ...uint(ID.ebmlMaxIdLength, 4),
      ...uint(ID.ebmlMaxSizeLength, 8),
      ...text(ID.docType, 'matroska'),
      ...uint(ID.docTypeVersion, 4),
      ...uint(ID.docTypeReadVersion, 2),
    ]);
    const info = element(ID.info, [
      ...uint(ID.timestampScale, NANOSECONDS_PER_MS),
      ...text(ID.muxingApp, APP),
      ...text(ID.writingApp, APP),
    ]);
    const tracks = element(
      ID.tracks,
      this.tracks.flatMap((track, index) => trackEntry(track, index + 1)),
    );
    return Uint8Array.from([...ebml, ...idBytes(ID.segment), ...UNKNOWN_SIZE, ...info, ...tracks]);
  }

  /**
   * The bytes before one frame's own; write both, in this order. The frame is not copied.
   * @param track index into `tracks`
   * @param timeMs from the start of the stream, not negative; rounded to a millisecond
   */
  frame(track: number, timeMs: number, key: boolean, data: Uint8Array): [Uint8Array, Uint8Array] {
    // The block's own time is relative to its cluster's: always zero here.
    const block = [0x80 | (track + 1), 0, 0, key ? KEY_FLAG : 0];
    const blockHead = [...idBytes(ID.simpleBlock), ...sizeBytes(block.length + data.byteLength), ...block];
    const timestamp = uint(ID.timestamp, Math.max(0, Math.round(timeMs)));
    const size = timestamp.length + blockHead.length + data.byteLength;
    return [Uint8Array.from([...idBytes(ID.cluster), ...sizeBytes(size), ...timestamp, ...blockHead]), data];
  }
}
