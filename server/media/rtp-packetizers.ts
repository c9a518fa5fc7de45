// Frames to RTP payloads: H.264 (RFC 6184), H.265 (RFC 7798), AAC (RFC 3640, AAC-hbr), G.711 and L16 (RFC 3551). The
// counterpart of the depacketizers. JPEG is in jpeg-rtp-packetizer.ts.

import { H264, h264Type } from './h264.ts';
import { H265, h265Type } from './h265.ts';
import { splitUnits } from './nal.ts';
import { MAX_PACKET_PAYLOAD, MAX_PAYLOAD_BYTES, PacketTrain, type Payload } from './packet-train.ts';

const H264_FU_A = 28;
const H265_FU = 49;
const FU_START = 0x80;
const FU_END = 0x40;
/** AU headers: their length in bits, then size (13 bits) and index (3 bits) of the one unit. */
const AU_HEAD_BYTES = 4;
const AU_HEADER_BITS = 16;
const AU_INDEX_BITS = 3;

type CodedFrame = { readonly codec: 'h264' | 'h265'; readonly key: boolean; readonly data: Uint8Array };

/**
 * The packets of a picture. Delimiters are left out.
 * @param sets put in front of a key picture that has none of its own
 * @returns `null` when the lengths in it lie, or nothing is in it
 */
export function packetizePicture({ codec, key, data }: CodedFrame, sets: readonly Uint8Array[]): PacketTrain | null {
  const type = codec === 'h264' ? h264Type : h265Type;
  const delimiter = codec === 'h264' ? H264.delimiter : H265.delimiter;
  const sps = codec === 'h264' ? H264.sps : H265.sps;
  const own = splitUnits(data)?.filter((unit) => unit.length > 2 && type(unit) !== delimiter);
  if (!own || own.length === 0) return null;
  const units = key && !own.some((unit) => type(unit) === sps) ? [...sets, ...own] : own;
  const payloads = units.flatMap((unit, index) => unitPayloads(codec, unit, index === units.length - 1));
  return new PacketTrain(payloads);
}

function unitPayloads(codec: 'h264' | 'h265', unit: Uint8Array, isLast: boolean): Payload[] {
  if (unit.length <= MAX_PAYLOAD_BYTES) return [{ pieces: [unit], marker: isLast }];
  const headBytes = codec === 'h264' ? 1 : 2;
  const room = MAX_PAYLOAD_BYTES - headBytes - 1;
  const payloads: Payload[] = [];
  for (let at = headBytes; at < unit.length; at += room) {
    const piece = unit.subarray(at, at + room);
    const ends = at + piece.length === unit.length;
    const flags = (at === headBytes ? FU_START : 0) | (ends ? FU_END : 0);
    payloads.push({ pieces: [fragmentHead(codec, unit, flags), piece], marker: isLast && ends });
  }
  return payloads;
}

/** The unit's header with the type "fragment", and the unit's own type behind it. */
function fragmentHead(codec: 'h264' | 'h265', unit: Uint8Array, flags: number): Uint8Array {
  if (codec === 'h264') return Uint8Array.of((unit[0]! & 0xe0) | H264_FU_A, flags | h264Type(unit));
  return Uint8Array.of((unit[0]! & 0x81) | (H265_FU << 1), unit[1]!, flags | h265Type(unit));
}

/** One AAC access unit; `null` when its size does not fit into 13 bits. */
export function packetizeAac(data: Uint8Array): PacketTrain | null {
  if (data.length === 0 || data.length >= 2 ** (AU_HEADER_BITS - AU_INDEX_BITS)) return null;
  const head = new Uint8Array(AU_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint16(0, AU_HEADER_BITS);
  view.setUint16(2, data.length << AU_INDEX_BITS);
  return new PacketTrain([{ pieces: [head, data], marker: true }]);
}

/**
 * Sound that is cut anywhere between samples.
 * @param frameBytes bytes of one sample of all channels
 * @param isWords 16-bit little-endian samples, turned to big-endian as L16 wants it
 */
export function packetizeSamples(data: Uint8Array, frameBytes: number, isWords: boolean): PacketTrain | null {
  const whole = data.length - (data.length % frameBytes);
  if (whole === 0) return null;
  const bytes = Buffer.from(data.subarray(0, whole));
  if (isWords) bytes.swap16();
  const room = Math.min(MAX_PAYLOAD_BYTES, MAX_PACKET_PAYLOAD);
  const step = Math.max(1, Math.floor(room / frameBytes)) * frameBytes;
  const payloads: Payload[] = [];
  for (let at = 0; at < whole; at += step) {
    payloads.push({ pieces: [bytes.subarray(at, at + step)], marker: at === 0, ticks: at / frameBytes });
  }
  return new PacketTrain(payloads);
}
