// H.264 (ITU-T H.264) from the outside: kinds of units, the picture size in an SPS, and the avcC record (ISO 14496-15).

import { type BitReader, MAX_PICTURE_SIDE, NAL_LENGTH_BYTES, parseBits } from './nal.ts';

/** Kinds of NAL units that somebody here asks for. */
export const H264 = { slice: 1, idr: 5, sei: 6, sps: 7, pps: 8, delimiter: 9, endOfStream: 11, filler: 12 } as const;

const PROFILES_WITH_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** Profiles whose avcC carries chroma and depth. */
const PROFILES_WITH_EXTENSION = new Set([100, 110, 122, 144]);
const SEI_RECOVERY_POINT = 6;

/** What an SPS says. */
export type H264Sps = {
  readonly id: number;
  readonly width: number;
  readonly height: number;
  readonly chromaFormat: number;
  readonly lumaDepth: number;
  readonly chromaDepth: number;
};

/** The kind of a unit. */
export const h264Type = (nal: Uint8Array) => nal[0]! & 0x1f;

/** Reads a sequence parameter set; `null` when it is damaged or of an absurd size. */
export function parseH264Sps(nal: Uint8Array): H264Sps | null {
  if (nal.length < 5) return null;
  return parseBits(nal, 1, (bits) => {
    const profile = bits.bits(8);
    bits.bits(16);
    const id = bits.ue();
    let chromaFormat = 1;
    let lumaDepth = 8;
    let chromaDepth = 8;
    let separatePlanes = false;
    if (PROFILES_WITH_CHROMA.has(profile)) {
      chromaFormat = bits.ue();
      if (chromaFormat === 3) separatePlanes = bits.flag();
      lumaDepth = 8 + bits.ue();
      chromaDepth = 8 + bits.ue();
      bits.flag();
      if (bits.flag()) skipScalingLists(bits, chromaFormat === 3 ? 12 : 8);
    }
    bits.ue();
    skipOrderCount(bits);
    bits.ue();
    bits.flag();
    const widthInBlocks = bits.ue() + 1;
    const heightInUnits = bits.ue() + 1;
    const framesOnly = bits.flag();
    if (!framesOnly) bits.flag();
    bits.flag();
    const crop = bits.flag() ? [bits.ue(), bits.ue(), bits.ue(), bits.ue()] : [0, 0, 0, 0];
    const fields = framesOnly ? 1 : 2;
    const subsampled = separatePlanes ? 0 : chromaFormat;
    const unitX = subsampled === 1 || subsampled === 2 ? 2 : 1;
    const unitY = (subsampled === 1 ? 2 : 1) * fields;
    const width = widthInBlocks * 16 - (crop[0]! + crop[1]!) * unitX;
    const height = heightInUnits * 16 * fields - (crop[2]! + crop[3]!) * unitY;
    const isPlausible =
      id < 32 && chromaFormat < 4 && lumaDepth < 15 && chromaDepth < 15 && isSide(width) && isSide(height);
    return isPlausible ? { id, width, height, chromaFormat, lumaDepth, chromaDepth } : null;
  });
}

const isSide = (pixels: number) => pixels > 0 && pixels <= MAX_PICTURE_SIDE;

function skipScalingLists(bits: BitReader, count: number): void {
  for (let list = 0; list < count; list++) {
    if (!bits.flag()) continue;
    const size = list < 6 ? 16 : 64;
    let last = 8;
    for (let n = 0; n < size; n++) {
      const next = (last + bits.se() + 256) % 256;
      if (next === 0) break;
      last = next;
    }
  }
}

function skipOrderCount(bits: BitReader): void {
  const type = bits.ue();
  if (type === 0) bits.ue();
  if (type !== 1) return;
  bits.flag();
  bits.se();
  bits.se();
  const cycle = bits.ue();
  for (let n = 0; n < Math.min(cycle, 255); n++) bits.se();
}

/** The id of a picture parameter set; `null` when it is damaged. */
export function h264PpsId(nal: Uint8Array): number | null {
  const id = parseBits(nal, 1, (bits) => bits.ue());
  return id !== null && id < 256 ? id : null;
}

/** Whether an SEI unit marks a picture at which decoding can begin although it is no IDR (open GOP, exact match). */
export function isRecoveryPoint(nal: Uint8Array): boolean {
  if (nal.length < 4 || nal[1] !== SEI_RECOVERY_POINT) return false;
  return parseBits(nal, 3, (bits) => bits.ue()) === 0;
}

/** Whether a slice is the first of its picture: `first_mb_in_slice` is 0. */
export const beginsH264Picture = (nal: Uint8Array) => (nal[1]! & 0x80) !== 0;

/**
 * The avcC record.
 * @param sps not empty, in the order of their use; the first says profile and level
 */
export function encodeAvcC(sps: readonly Uint8Array[], pps: readonly Uint8Array[]): Uint8Array {
  const first = sps[0]!;
  const bytes = [1, first[1]!, first[2]!, first[3]!, 0xfc | (NAL_LENGTH_BYTES - 1), 0xe0 | sps.length];
  for (const unit of sps) bytes.push(unit.length >> 8, unit.length & 255, ...unit);
  bytes.push(pps.length);
  for (const unit of pps) bytes.push(unit.length >> 8, unit.length & 255, ...unit);
  const facts = PROFILES_WITH_EXTENSION.has(first[1]!) ? parseH264Sps(first) : null;
  if (facts) bytes.push(0xfc | facts.chromaFormat, 0xf8 | (facts.lumaDepth - 8), 0xf8 | (facts.chromaDepth - 8), 0);
  return Uint8Array.from(bytes);
}
