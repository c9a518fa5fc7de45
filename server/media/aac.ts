// AAC from the outside: the AudioSpecificConfig (ISO 14496-3) that containers and RTP share.

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
