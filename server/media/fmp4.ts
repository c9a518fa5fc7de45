// Writes fragmented MP4 (ISO/IEC 14496-12) for live use: one init segment, then one moof and mdat per frame, so that a
// picture leaves in the moment in which it came. Pure. Frames are not copied: head and data are two pieces.

import type { VideoCodec } from '../core/frame.ts';
import { parseAacConfig } from './aac.ts';

/** Ticks per second of pictures. */
export const VIDEO_TIMESCALE = 90_000;
/** Ids of the tracks. */
export const TRACK = { video: 1, audio: 2 } as const;

/** Pictures: H.264 with its avcC or H.265 with its hvcC. */
export type Fmp4Video = {
  readonly codec: Exclude<VideoCodec, 'mjpeg'>;
  readonly width: number;
  readonly height: number;
  readonly codecConfig: Uint8Array;
};

/** Sound: AAC with its AudioSpecificConfig; its timescale is its sample rate. */
export type Fmp4Audio = { readonly sampleRate: number; readonly channels: number; readonly codecConfig: Uint8Array };

/** One frame to be written. Times and durations in ticks of its track. */
export type Fmp4Sample = {
  readonly track: number;
  /** 1, 2, 3... over all fragments. */
  readonly sequence: number;
  readonly time: number;
  readonly duration: number;
  /** It is shown so much after it is decoded; not negative. */
  readonly offset?: number;
  readonly key: boolean;
  readonly bytes: number;
};

const MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
/** Sample flags (8.8.3.1): depends on no other; or depends on others and is not a sync sample. */
const KEY_FLAGS = 0x02000000;
const DELTA_FLAGS = 0x01010000;
const MAX_U32 = 0xffffffff;
const DPI_72 = 0x480000;

const u16 = (value: number) => [(value >>> 8) & 255, value & 255];
/** What the trun of one sample holds (8.8.8): data offset, duration, size, flags; the composition offset when there is one. */
const RUN = 0x000701;
const RUN_WITH_OFFSET = 0x000f01;

const u32 = (value: number) => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const u64 = (value: number) => [...u32(Math.floor(value / 2 ** 32)), ...u32(value % 2 ** 32)];
const text = (value: string) => [...Buffer.from(value, 'latin1')];
const zeros = (count: number) => new Array<number>(count).fill(0);

function box(type: string, ...bodies: readonly (readonly number[] | Uint8Array)[]): number[] {
  const size = bodies.reduce((sum, body) => sum + body.length, 8);
  const bytes = [...u32(size), ...text(type)];
  for (const body of bodies) for (const byte of body) bytes.push(byte);
  return bytes;
}

const fullBox = (
  type: string,
  version: number,
  flags: number,
  ...bodies: readonly (readonly number[] | Uint8Array)[]
) => box(type, u32(version * 2 ** 24 + flags), ...bodies);

/** The init segment. @param audio null: no sound */
export function encodeInit(video: Fmp4Video, audio: Fmp4Audio | null): Uint8Array {
  const tracks = [TRACK.video, ...(audio ? [TRACK.audio] : [])];
  const mvhd = fullBox('mvhd', 0, 0, [
    ...[...u32(0), ...u32(0), ...u32(1000), ...u32(0), ...u32(0x10000), ...u16(0x100), ...zeros(10)],
    ...[...MATRIX.flatMap(u32), ...zeros(24), ...u32(TRACK.audio + 1)],
  ]);
  const trex = tracks.map((id) => fullBox('trex', 0, 0, [...u32(id), ...u32(1), ...zeros(12)]));
  const moov = box('moov', mvhd, videoTrack(video), audio ? audioTrack(audio) : [], box('mvex', ...trex));
  return Uint8Array.from([
    ...box(
      'ftyp',
      text('iso6'),
      u32(0),
      text('iso6'),
      text('isom'),
      text('mp42'),
      text(video.codec === 'h264' ? 'avc1' : 'hvc1'),
    ),
    ...moov,
  ]);
}

/** What stands before the bytes of one frame: moof and the head of mdat. */
export function encodeFragmentHead({
  track,
  sequence,
  time,
  duration,
  offset = 0,
  key,
  bytes,
}: Fmp4Sample): Uint8Array {
  const moof = (dataOffset: number) =>
    box(
      'moof',
      fullBox('mfhd', 0, 0, u32(sequence % (MAX_U32 + 1))),
      box(
        'traf',
        fullBox('tfhd', 0, 0x020000, u32(track)), // default-base-is-moof
        fullBox('tfdt', 1, 0, u64(time)),
        fullBox('trun', 0, offset === 0 ? RUN : RUN_WITH_OFFSET, [
          ...[...u32(1), ...u32(dataOffset), ...u32(duration), ...u32(bytes)],
          ...[...u32(key ? KEY_FLAGS : DELTA_FLAGS), ...(offset === 0 ? [] : u32(offset))],
        ]),
      ),
    );
  const length = moof(0).length;
  return Uint8Array.from([...moof(length + 8), ...u32(bytes + 8), ...text('mdat')]);
}

function videoTrack({ codec, width, height, codecConfig }: Fmp4Video): number[] {
  const entry = box(
    codec === 'h264' ? 'avc1' : 'hvc1',
    [...zeros(6), ...u16(1), ...zeros(16), ...u16(width), ...u16(height), ...u32(DPI_72), ...u32(DPI_72)],
    [...u32(0), ...u16(1), ...zeros(32), ...u16(0x18), ...u16(0xffff)],
    box(codec === 'h264' ? 'avcC' : 'hvcC', codecConfig),
  );
  const size = { width, height };
  return track({ id: TRACK.video, timescale: VIDEO_TIMESCALE, handler: 'vide', entry, size });
}

function audioTrack({ sampleRate, channels, codecConfig }: Fmp4Audio): number[] {
  const entry = box(
    'mp4a',
    [...zeros(6), ...u16(1), ...zeros(8), ...u16(channels), ...u16(16), ...zeros(4)],
    u32((sampleRate <= 0xffff ? sampleRate : 0) * 0x10000),
    fullBox('esds', 0, 0, descriptors(codecConfig)),
  );
  return track({ id: TRACK.audio, timescale: sampleRate, handler: 'soun', entry, size: null });
}

/** The elementary stream descriptor of AAC (ISO 14496-1 7.2.6). */
function descriptors(config: Uint8Array): number[] {
  const descriptor = (tag: number, body: readonly number[]) => [tag, 0x80, 0x80, 0x80, body.length, ...body];
  const specific = descriptor(5, [...config]);
  const decoder = descriptor(4, [0x40, 0x15, ...zeros(3), ...u32(0), ...u32(0), ...specific]);
  return descriptor(3, [...u16(0), 0, ...decoder, ...descriptor(6, [2])]);
}

type Track = {
  readonly id: number;
  readonly timescale: number;
  readonly handler: 'vide' | 'soun';
  readonly entry: readonly number[];
  readonly size: { readonly width: number; readonly height: number } | null;
};

function track({ id, timescale, handler, entry, size }: Track): number[] {
  const tkhd = fullBox('tkhd', 0, 3, [
    ...[...u32(0), ...u32(0), ...u32(id), ...u32(0), ...u32(0), ...zeros(8), ...u16(0), ...u16(0)],
    ...[...u16(size ? 0 : 0x100), ...u16(0), ...MATRIX.flatMap(u32)],
    ...[...u32((size?.width ?? 0) * 0x10000), ...u32((size?.height ?? 0) * 0x10000)],
  ]);
  const mdhd = fullBox('mdhd', 0, 0, [...u32(0), ...u32(0), ...u32(timescale), ...u32(0), ...u16(0x55c4), ...u16(0)]);
  const hdlr = fullBox('hdlr', 0, 0, [...u32(0), ...text(handler), ...zeros(12), ...text('Perch'), 0]);
  const head = size ? fullBox('vmhd', 0, 1, zeros(8)) : fullBox('smhd', 0, 0, zeros(4));
  const dinf = box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1)));
  const none = (type: string) => fullBox(type, 0, 0, u32(0));
  const stbl = box(
    'stbl',
    fullBox('stsd', 0, 0, u32(1), entry),
    none('stts'),
    none('stsc'),
    fullBox('stsz', 0, 0, u32(0), u32(0)),
    none('stco'),
  );
  return box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', head, dinf, stbl)));
}

/** Whether the sound can be put into MP4 as it is. */
export function isCopiedAudio(codec: string, config: Uint8Array | undefined): config is Uint8Array {
  return codec === 'aac' && config !== undefined && parseAacConfig(config) !== null;
}
