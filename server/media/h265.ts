// H.265 (ITU-T H.265) from the outside: kinds of units, the picture size in an SPS, and the hvcC record (ISO 14496-15).

import { MAX_PICTURE_SIDE, NAL_LENGTH_BYTES, parseBits } from './nal.ts';

/** Kinds of NAL units that somebody here asks for. */
export const H265 = {
  lastSlice: 31,
  firstKey: 16,
  lastKey: 21,
  vps: 32,
  sps: 33,
  pps: 34,
  delimiter: 35,
  endOfSequence: 36,
  endOfStream: 37,
  filler: 38,
} as const;

const HEAD_BYTES = 2;
/** Of an SPS, after its first byte: profile, compatibility, constraints, level. */
const PROFILE_BYTES = 12;

/** What an SPS says. `profile` is the general profile, tier and level as it stands in the bits. */
export type H265Sps = {
  readonly id: number;
  readonly width: number;
  readonly height: number;
  readonly chromaFormat: number;
  readonly lumaDepth: number;
  readonly chromaDepth: number;
  readonly temporalLayers: number;
  readonly temporalNesting: boolean;
  readonly profile: Uint8Array;
};

/** The kind of a unit. */
export const h265Type = (nal: Uint8Array) => (nal[0]! >> 1) & 0x3f;

/** Reads a sequence parameter set; `null` when it is damaged or of an absurd size. */
export function parseH265Sps(nal: Uint8Array): H265Sps | null {
  if (nal.length < HEAD_BYTES + 1 + PROFILE_BYTES) return null;
  return parseBits(nal, HEAD_BYTES, (bits) => {
    bits.bits(4);
    const subLayers = bits.bits(3);
    const temporalNesting = bits.flag();
    const profile = Uint8Array.from({ length: PROFILE_BYTES }, () => bits.bits(8));
    const present = Array.from({ length: subLayers }, () => [bits.flag(), bits.flag()] as const);
    if (subLayers > 0) bits.bits(2 * (8 - subLayers));
    for (const [hasProfile, hasLevel] of present) {
      if (hasProfile) bits.bits(88);
      if (hasLevel) bits.bits(8);
    }
    const id = bits.ue();
    const chromaFormat = bits.ue();
    const separatePlanes = chromaFormat === 3 && bits.flag();
    const codedWidth = bits.ue();
    const codedHeight = bits.ue();
    const crop = bits.flag() ? [bits.ue(), bits.ue(), bits.ue(), bits.ue()] : [0, 0, 0, 0];
    const lumaDepth = 8 + bits.ue();
    const chromaDepth = 8 + bits.ue();
    const subsampled = separatePlanes ? 0 : chromaFormat;
    const width = codedWidth - (crop[0]! + crop[1]!) * (subsampled === 1 || subsampled === 2 ? 2 : 1);
    const height = codedHeight - (crop[2]! + crop[3]!) * (subsampled === 1 ? 2 : 1);
    const isPlausible =
      id < 16 && chromaFormat < 4 && lumaDepth < 17 && chromaDepth < 17 && isSide(width) && isSide(height);
    const temporalLayers = subLayers + 1;
    return isPlausible
      ? { id, width, height, chromaFormat, lumaDepth, chromaDepth, temporalLayers, temporalNesting, profile }
      : null;
  });
}

const isSide = (pixels: number) => pixels > 0 && pixels <= MAX_PICTURE_SIDE;

/** The id of a video or sequence parameter set (`null`: damaged). The id of an SPS stands behind its profile. */
export function h265SetId(nal: Uint8Array): number | null {
  const type = h265Type(nal);
  if (type === H265.sps) return parseH265Sps(nal)?.id ?? null;
  const id = parseBits(nal, HEAD_BYTES, (bits) => (type === H265.vps ? bits.bits(4) : bits.ue()));
  return id !== null && id < 64 ? id : null;
}

/** Whether a slice is the first of its picture. */
export const beginsH265Picture = (nal: Uint8Array) => (nal[2]! & 0x80) !== 0;

/**
 * The hvcC record.
 * @param facts of the first of `sps`
 */
export function encodeHvcC(
  facts: H265Sps,
  sets: {
    readonly vps: readonly Uint8Array[];
    readonly sps: readonly Uint8Array[];
    readonly pps: readonly Uint8Array[];
  },
): Uint8Array {
  const bytes = [
    1,
    ...facts.profile,
    ...[0xf0, 0], // no minimum spatial segmentation known
    0xfc, // parallelism unknown
    0xfc | facts.chromaFormat,
    0xf8 | (facts.lumaDepth - 8),
    0xf8 | (facts.chromaDepth - 8),
    ...[0, 0], // average frame rate unknown
    (facts.temporalLayers << 3) | (facts.temporalNesting ? 4 : 0) | (NAL_LENGTH_BYTES - 1),
  ];
  const arrays = [
    [H265.vps, sets.vps],
    [H265.sps, sets.sps],
    [H265.pps, sets.pps],
  ] as const;
  bytes.push(arrays.length);
  for (const [type, units] of arrays) {
    // The highest bit: all sets of this kind are here and none is in the stream.
    bytes.push(0x80 | type, units.length >> 8, units.length & 255);
    for (const unit of units) bytes.push(unit.length >> 8, unit.length & 255, ...unit);
  }
  return Uint8Array.from(bytes);
}
