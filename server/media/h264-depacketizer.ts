// H.264 over RTP (RFC 6184): single units, STAP-A, FU-A. The interleaved modes (STAP-B, MTAP, FU-B) are used by no camera.

import { encodeAvcC, H264, h264PpsId, h264Type, isRecoveryPoint, parseH264Sps } from './h264.ts';
import { splitStartCodes } from './nal.ts';
import { type CodecSetUp, type NalCodec, NalDepacketizer, type NalUnits, type UnitRole } from './nal-depacketizer.ts';
import type { Depacketizer, RtpOutput } from './rtp-depacketizer.ts';

const STAP_A = 24;
const FU_A = 28;
const LAST_SINGLE = 23;

function roleOf(nal: Uint8Array): UnitRole {
  const type = h264Type(nal);
  if (type === H264.idr) return 'key';
  if (type >= H264.slice && type < H264.idr) return 'slice';
  if (type === H264.sps || type === H264.pps) return 'set';
  if (type === H264.sei) return isRecoveryPoint(nal) ? 'keyMark' : 'keep';
  // Delimiters, ends and filler mean nothing in a container.
  return type >= H264.delimiter && type <= H264.filler ? 'leaveOut' : 'keep';
}

function setKey(nal: Uint8Array): string | null {
  const id = h264Type(nal) === H264.sps ? parseH264Sps(nal)?.id : h264PpsId(nal);
  return id === undefined || id === null ? null : `${h264Type(nal)}:${id}`;
}

function setUp(sets: ReadonlyMap<string, Uint8Array>): CodecSetUp | null {
  const ofType = (type: number) => [...sets.values()].filter((nal) => h264Type(nal) === type);
  const sps = ofType(H264.sps).slice(0, 31);
  const pps = ofType(H264.pps);
  const facts = sps[0] && parseH264Sps(sps[0]);
  if (!facts || pps.length === 0) return null;
  return { width: facts.width, height: facts.height, codecConfig: encodeAvcC(sps, pps) };
}

function unpack(payload: Uint8Array, units: NalUnits): void {
  const type = payload[0]! & 0x1f;
  if (type === FU_A) {
    if (payload.length < 3) {
      units.unreadable('damaged');
      return;
    }
    const piece = payload.subarray(2);
    const isFirst = (payload[1]! & 0x80) !== 0;
    if (isFirst) units.begin([(payload[0]! & 0xe0) | (payload[1]! & 0x1f)], piece);
    else units.more(piece, (payload[1]! & 0x1f) === H264.idr);
    if ((payload[1]! & 0x40) !== 0) units.end();
  } else if (type === STAP_A) {
    unpackAggregate(payload, 1, units);
  } else if (type >= 1 && type <= LAST_SINGLE) {
    units.whole(payload);
  } else if (type === 0) {
    // Firmware that puts a start code in front of each unit.
    for (const nal of splitStartCodes(payload)) if (h264Type(nal) !== 0) units.whole(nal);
  } else {
    units.unreadable('unsupported');
  }
}

/** Units with 16-bit lengths, from `at` on. */
function unpackAggregate(payload: Uint8Array, start: number, units: NalUnits): void {
  for (let at = start; at < payload.length; ) {
    const end = at + 2 + ((payload[at]! << 8) | (payload[at + 1] ?? 0));
    if (at + 2 > payload.length || end > payload.length) {
      units.unreadable('damaged');
      return;
    }
    units.whole(payload.subarray(at + 2, end));
    at = end;
  }
}

const codec: NalCodec = { codec: 'h264', roleOf, setKey, setUp, unpack };

/** The units of `sprop-parameter-sets`; what is not base64 of a parameter set is left out. */
export function h264SpropSets(text: string): Uint8Array[] {
  const units = text.split(',', 32).map((part) => new Uint8Array(Buffer.from(part.trim(), 'base64')));
  return units.flatMap(splitStartCodes).filter((nal) => nal.length > 1 && roleOf(nal) === 'set');
}

/** Frames come as length-prefixed access units without parameter sets; those are in `codecConfig`. */
export function createH264Depacketizer(fmtp: ReadonlyMap<string, string>, output: RtpOutput): Depacketizer {
  return new NalDepacketizer(codec, output, h264SpropSets(fmtp.get('sprop-parameter-sets') ?? ''));
}
