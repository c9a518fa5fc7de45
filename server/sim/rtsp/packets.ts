// A picture to RTP packets (RFC 6184): units that fit go alone, larger ones as FU-A, parameter sets before each key picture.

import { encodeRtp } from '../../media/rtp.ts';
import type { Clip, ClipPicture } from './clip.ts';

/** Payload bytes of a packet, as on an Ethernet. */
const MTU = 1400;
/** Dynamic payload type of the pictures. */
export const PAYLOAD_TYPE = 96;
/** Ticks per second. */
export const CLOCK_RATE = 90_000;
const FU_A = 28;

/** The packets of one picture; `sequence` is the number of the first. */
export function packetsOf(
  clip: Clip,
  picture: ClipPicture,
  timestamp: number,
  sequence: number,
  ssrc: number,
): Uint8Array[] {
  const units = picture.key ? [clip.sps, clip.pps, ...picture.units] : picture.units;
  const payloads = units.flatMap(fragments);
  return payloads.map((payload, n) =>
    encodeRtp({
      ...{ payloadType: PAYLOAD_TYPE, marker: n === payloads.length - 1, timestamp: timestamp >>> 0, ssrc, payload },
      sequence: (sequence + n) & 0xffff,
    }),
  );
}

function fragments(unit: Uint8Array): Uint8Array[] {
  if (unit.length <= MTU) return [unit];
  const pieces: Uint8Array[] = [];
  for (let at = 1; at < unit.length; at += MTU - 2) {
    const piece = unit.subarray(at, at + MTU - 2);
    const isLast = at + piece.length === unit.length;
    const payload = new Uint8Array(piece.length + 2);
    payload[0] = (unit[0]! & 0xe0) | FU_A;
    payload[1] = (at === 1 ? 0x80 : 0) | (isLast ? 0x40 : 0) | (unit[0]! & 0x1f);
    payload.set(piece, 2);
    pieces.push(payload);
  }
  return pieces;
}
