// H.265 over RTP (RFC 7798): single units, aggregation packets, fragmentation units, with and without DONL.

import { encodeHvcC, H265, h265SetId, h265Type, parseH265Sps } from './h265.ts';
import { splitStartCodes } from './nal.ts';
import { type CodecSetUp, type NalCodec, NalDepacketizer, type NalUnits, type UnitRole } from './nal-depacketizer.ts';
import type { Depacketizer, RtpOutput } from './rtp-depacketizer.ts';

const AGGREGATION = 48;
const FRAGMENTATION = 49;
const HEAD_BYTES = 2;
const DONL_BYTES = 2;

function roleOf(nal: Uint8Array): UnitRole {
  if (nal.length <= HEAD_BYTES) return 'leaveOut';
  const type = h265Type(nal);
  if (type >= H265.firstKey && type <= H265.lastKey) return 'key';
  if (type <= H265.lastSlice) return 'slice';
  if (type <= H265.pps) return 'set';
  return type <= H265.filler ? 'leaveOut' : 'keep';
}

function setKey(nal: Uint8Array): string | null {
  const id = h265SetId(nal);
  return id === null ? null : `${h265Type(nal)}:${id}`;
}

function setUp(sets: ReadonlyMap<string, Uint8Array>): CodecSetUp | null {
  const ofType = (type: number) => [...sets.values()].filter((nal) => h265Type(nal) === type);
  const all = { vps: ofType(H265.vps), sps: ofType(H265.sps), pps: ofType(H265.pps) };
  const facts = all.sps[0] && parseH265Sps(all.sps[0]);
  if (!facts || all.pps.length === 0 || all.vps.length === 0) return null;
  return { width: facts.width, height: facts.height, codecConfig: encodeHvcC(facts, all) };
}

function unpacker(hasDonl: boolean): NalCodec['unpack'] {
  const donlBytes = hasDonl ? DONL_BYTES : 0;
  return (payload, units) => {
    if (payload.length < HEAD_BYTES + 1) {
      units.unreadable('damaged');
      return;
    }
    const type = h265Type(payload);
    if (type === FRAGMENTATION) unpackFragment(payload, donlBytes, units);
    else if (type === AGGREGATION) unpackAggregation(payload, donlBytes, units);
    else if (type > AGGREGATION) units.unreadable('unsupported');
    else if (payload[0] === 0 && payload[1] === 0) for (const nal of splitStartCodes(payload)) units.whole(nal);
    else if (hasDonl)
      units.whole(Buffer.concat([payload.subarray(0, HEAD_BYTES), payload.subarray(HEAD_BYTES + DONL_BYTES)]));
    else units.whole(payload);
  };
}

function unpackFragment(payload: Uint8Array, donlBytes: number, units: NalUnits): void {
  const head = payload[HEAD_BYTES]!;
  const isFirst = (head & 0x80) !== 0;
  const piece = payload.subarray(HEAD_BYTES + 1 + (isFirst ? donlBytes : 0));
  if (isFirst) units.begin([(payload[0]! & 0x81) | ((head & 0x3f) << 1), payload[1]!], piece);
  else units.more(piece, (head & 0x3f) >= H265.firstKey && (head & 0x3f) <= H265.lastKey);
  if ((head & 0x40) !== 0) units.end();
}

/** The first unit has a DONL, those after it a DOND of one byte, when there are decoding order numbers at all. */
function unpackAggregation(payload: Uint8Array, donlBytes: number, units: NalUnits): void {
  let at = HEAD_BYTES + donlBytes;
  while (at < payload.length) {
    const end = at + 2 + ((payload[at]! << 8) | (payload[at + 1] ?? 0));
    if (at + 2 > payload.length || end > payload.length) {
      units.unreadable('damaged');
      return;
    }
    units.whole(payload.subarray(at + 2, end));
    at = end + (donlBytes > 0 ? 1 : 0);
  }
}

/** Frames come as length-prefixed access units without parameter sets; those are in `codecConfig`. */
export function createH265Depacketizer(fmtp: ReadonlyMap<string, string>, output: RtpOutput): Depacketizer {
  const sets = ['sprop-vps', 'sprop-sps', 'sprop-pps']
    .flatMap((name) => (fmtp.get(name) ?? '').split(',', 16))
    .map((part) => new Uint8Array(Buffer.from(part.trim(), 'base64')))
    .filter((nal) => nal.length > HEAD_BYTES && roleOf(nal) === 'set');
  const hasDonl = Number(fmtp.get('sprop-max-don-diff') ?? 0) > 0;
  return new NalDepacketizer({ codec: 'h265', roleOf, setKey, setUp, unpack: unpacker(hasDonl) }, output, sets);
}
