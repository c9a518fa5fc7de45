// A camera's sound as other tools take it: an endless WAV of 16-bit PCM, one continuous IMA ADPCM stream, or AAC as it is.

import type { AudioFrame } from '../core/frame.ts';
import { encodeAdtsHead } from '../media/aac.ts';
import { isCopiedAudio } from '../media/fmp4.ts';
import { ImaStreamEncoder, pcmBytes } from '../media/ima-adpcm.ts';
import { decodeSound, isDecodable } from '../media/sound-decoder.ts';

/** Turns blocks into bytes of one answer; holds that answer's state. */
export type SoundCoder = {
  /** Bytes before the first block. */
  readonly opening: Uint8Array;
  encode(frame: AudioFrame): Uint8Array;
};

/** The ways to hear a camera. `adts`: AAC, copied. */
export type SoundForm = 'ima' | 'wav' | 'adts';

/** Whether anything can be made of a block: of AAC that does not say what it is nobody can, not even ffmpeg. */
export function isHearable({ codec, codecConfig }: Pick<AudioFrame, 'codec' | 'codecConfig'>): boolean {
  return isDecodable(codec) || isCopiedAudio(codec, codecConfig);
}

/** Whether a block is AAC that can be copied into ADTS. */
export function isAdts({ codec, codecConfig }: Pick<AudioFrame, 'codec' | 'codecConfig'>): boolean {
  return codec === 'aac' && codecConfig !== undefined && encodeAdtsHead(codecConfig, 0) !== null;
}

/** `Content-Type` of each. */
export const SOUND_TYPES: Readonly<Record<SoundForm, string>> = {
  ima: 'audio/x-ima-adpcm',
  wav: 'audio/wav',
  adts: 'audio/aac',
};

const WAV_HEADER_BYTES = 44;
const WAV_FORMAT_PCM = 1;
const BYTES_PER_SAMPLE = 2;
/** "As long as it gets": ffmpeg and Chromium then read until the end, sox and VLC for longer than three days. */
const ENDLESS = 0xffffffff;

const decoded = new WeakMap<AudioFrame, Int16Array>();

const NO_BYTES = new Uint8Array(0);

/** A coder for sound of that format. */
export function openCoder(
  form: SoundForm,
  { sampleRate, channels }: Pick<AudioFrame, 'sampleRate' | 'channels'>,
): SoundCoder {
  if (form === 'wav') {
    return { opening: wavHeader(sampleRate, channels), encode: (frame) => pcmBytes(pcmOf(frame)) };
  }
  if (form === 'adts') return { opening: NO_BYTES, encode: encodeAdts };
  const encoder = new ImaStreamEncoder();
  return { opening: NO_BYTES, encode: (frame) => encoder.encode(mono(pcmOf(frame), channels)) };
}

function encodeAdts({ data, codecConfig }: AudioFrame): Uint8Array {
  const head = codecConfig ? encodeAdtsHead(codecConfig, data.length) : null;
  return head ? Buffer.concat([head, data]) : NO_BYTES;
}

/** The first channel: one IMA stream has one. */
function mono(pcm: Int16Array, channels: number): Int16Array {
  return channels === 1
    ? pcm
    : Int16Array.from({ length: Math.floor(pcm.length / channels) }, (_, n) => pcm[n * channels]!);
}

/** The block as PCM: decoded once, however many listen. */
export function pcmOf(frame: AudioFrame): Int16Array {
  let pcm = decoded.get(frame);
  if (!pcm) {
    pcm = decodeSound(frame) ?? new Int16Array(0);
    decoded.set(frame, pcm);
  }
  return pcm;
}

/** RIFF header of a stream that has no end. */
export function wavHeader(sampleRate: number, channels: number): Uint8Array {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(ENDLESS, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16); // length of this chunk
  header.writeUInt16LE(WAV_FORMAT_PCM, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * channels * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(channels * BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(BYTES_PER_SAMPLE * 8, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(ENDLESS, 40);
  return header;
}
