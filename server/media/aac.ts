// AAC from the outside: the AudioSpecificConfig (ISO 14496-3) that containers and RTP share.

import { NvrError } from '../core/nvr-error.ts';
import { parseBits } from './nal.ts';

const RATES = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];
const RATE_ESCAPE = 15;
const TYPE_ESCAPE = 31;
/** By channel configuration. */
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8];

/** What the configuration says. */
export type AacConfig = {
  readonly objectType: number;
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples per channel in one access unit. */
  readonly samples: number;
};

/** Reads an AudioSpecificConfig; `null` when it is damaged or names no usual layout. */
export function parseAacConfig(bytes: Uint8Array): AacConfig | null {
  if (bytes.length < 2 || bytes.length > 64) return null;
  return parseBits(bytes, 0, (bits) => {
    let objectType = bits.bits(5);
    if (objectType === TYPE_ESCAPE) objectType = 32 + bits.bits(6);
    const index = bits.bits(4);
    const sampleRate = index === RATE_ESCAPE ? bits.bits(24) : (RATES[index] ?? 0);
    const channels = CHANNELS[bits.bits(4)] ?? 0;
    const samples = bits.flag() ? 960 : 1024;
    return sampleRate > 0 && sampleRate <= 192_000 && channels > 0
      ? { objectType, sampleRate, channels, samples }
      : null;
  });
}

/**
 * A unit's transform reaches over the unit behind it (ISO 14496-3, 4.6.11): no encoder can send it before that one's samples
 * are there too, so what a decoder makes of it ended a unit before it arrived.
 */
export const AAC_OVERLAP_UNITS = 1;
/** Samples per channel in one access unit of AAC-LC. */
export const AAC_LC_SAMPLES = 1024;
const AAC_LC = 2;

/** The AudioSpecificConfig of AAC-LC. @param sampleRate one of AAC's own rates */
export function encodeAacConfig(sampleRate: number, channels: 1 | 2): Uint8Array {
  const index = RATES.indexOf(sampleRate);
  return Uint8Array.of((AAC_LC << 3) | (index >> 1), ((index & 1) << 7) | (channels << 3));
}

const ADTS_HEAD_BYTES = 7;

/** The head that stands before an access unit where nothing else says what it is (ADTS); `null` where it cannot say it. */
export function encodeAdtsHead(config: Uint8Array, unitBytes: number): Uint8Array | null {
  const objectType = config[0]! >> 3;
  const rateIndex = ((config[0]! & 7) << 1) | ((config[1] ?? 0) >> 7);
  const layout = ((config[1] ?? 0) >> 3) & 15;
  const length = ADTS_HEAD_BYTES + unitBytes;
  if (objectType < 1 || objectType > 4 || rateIndex >= RATES.length || layout < 1 || layout > 7 || length >= 2 ** 13)
    return null;
  return Uint8Array.of(
    0xff,
    0xf1, // no checksum
    ((objectType - 1) << 6) | (rateIndex << 2) | (layout >> 2),
    ((layout & 3) << 6) | (length >> 11),
    (length >> 3) & 255,
    ((length & 7) << 5) | 0x1f,
    0xfc,
  );
}

/** Cuts an ADTS stream into access units. */
export class AdtsReader {
  #held = Buffer.alloc(0);

  /** @throws NvrError `protocol` when the bytes are no ADTS */
  push(bytes: Uint8Array): Uint8Array[] {
    this.#held = Buffer.concat([this.#held, bytes]);
    const units: Uint8Array[] = [];
    let at = 0;
    while (this.#held.length - at >= ADTS_HEAD_BYTES) {
      const head = this.#held.subarray(at, at + ADTS_HEAD_BYTES);
      const length = ((head[3]! & 3) << 11) | (head[4]! << 3) | (head[5]! >> 5);
      const headBytes = ADTS_HEAD_BYTES + ((head[1]! & 1) === 0 ? 2 : 0);
      if (head[0] !== 0xff || (head[1]! & 0xf6) !== 0xf0 || length < headBytes)
        throw new NvrError('protocol', 'This is no ADTS stream');
      if (this.#held.length - at < length) break;
      units.push(new Uint8Array(this.#held.subarray(at + headBytes, at + length)));
      at += length;
    }
    this.#held = this.#held.subarray(at);
    return units;
  }
}
