// Matroska (RFC 9559) and EBML (RFC 8794): the few element ids that Perch writes and reads, and the codec names.

import type { AudioCodec, VideoCodec } from '../core/frame.ts';

/** Element ids, with their length markers, as they stand in the bytes. */
export const ID = {
  ebml: 0x1a45dfa3,
  ebmlVersion: 0x4286,
  ebmlReadVersion: 0x42f7,
  ebmlMaxIdLength: 0x42f2,
  ebmlMaxSizeLength: 0x42f3,
  docType: 0x4282,
  docTypeVersion: 0x4287,
  docTypeReadVersion: 0x4285,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  trackType: 0x83,
  flagLacing: 0x9c,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  audio: 0xe1,
  samplingFrequency: 0xb5,
  channels: 0x9f,
  bitDepth: 0x6264,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  referenceBlock: 0xfb,
  tags: 0x1254c367,
  tag: 0x7373,
  simpleTag: 0x67c8,
  tagName: 0x45a3,
  tagString: 0x4487,
} as const;

/** Codecs that Perch puts into Matroska. */
export type MatroskaAudioCodec = Extract<AudioCodec, 'pcm-s16le' | 'aac'>;

/** One track. `codecConfig`: avcC, hvcC or AudioSpecificConfig. */
export type MatroskaTrack =
  | {
      readonly kind: 'video';
      readonly codec: VideoCodec;
      readonly width: number;
      readonly height: number;
      readonly codecConfig?: Uint8Array;
    }
  | {
      readonly kind: 'audio';
      readonly codec: MatroskaAudioCodec;
      readonly sampleRate: number;
      readonly channels: number;
      readonly codecConfig?: Uint8Array;
    };

/** Matroska's names of our codecs. */
export const CODEC_ID: Readonly<Record<VideoCodec | MatroskaAudioCodec, string>> = {
  mjpeg: 'V_MJPEG',
  h264: 'V_MPEG4/ISO/AVC',
  h265: 'V_MPEGH/ISO/HEVC',
  'pcm-s16le': 'A_PCM/INT/LIT',
  aac: 'A_AAC',
};
