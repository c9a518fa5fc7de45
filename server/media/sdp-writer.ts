// Session descriptions as a sender writes them (RFC 8866), with the format parameters of each codec.

import { H265, h265Type } from './h265.ts';
import { parameterSets } from './parameter-sets.ts';

/** One stream of a description. */
export type SdpTrack = {
  readonly kind: 'video' | 'audio';
  readonly payloadType: number;
  /** As in `a=rtpmap`: `H264/90000`. */
  readonly encoding: string;
  /** As in `a=fmtp`; `null` when the codec has none. */
  readonly parameters: string | null;
  readonly control: string;
};

/** A description. */
export type SdpText = { readonly id: number; readonly name: string; readonly tracks: readonly SdpTrack[] };

const MAX_NAME = 100;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be sent
const CONTROL = /[\x00-\x1f\x7f]+/g;

/** The text of a description of a live stream. Names are bounded and cannot break out of their line. */
export function encodeSdp({ id, name, tracks }: SdpText): string {
  const title = name.replace(CONTROL, ' ').trim().slice(0, MAX_NAME) || 'Camera';
  const lines = ['v=0', `o=- ${id} 1 IN IP4 0.0.0.0`, `s=${title}`, 'c=IN IP4 0.0.0.0', 't=0 0'];
  lines.push('a=control:*', 'a=range:npt=now-');
  for (const { kind, payloadType, encoding, parameters, control } of tracks) {
    lines.push(`m=${kind} 0 RTP/AVP ${payloadType}`, `a=rtpmap:${payloadType} ${encoding}`);
    if (parameters !== null) lines.push(`a=fmtp:${payloadType} ${parameters}`);
    lines.push(`a=control:${control}`);
  }
  return `${lines.join('\r\n')}\r\n`;
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/** Format parameters of H.264 or H.265; `null` when the record is damaged. */
export function videoParameters(codec: 'h264' | 'h265', record: Uint8Array): string | null {
  const sets = parameterSets(codec, record);
  if (!sets) return null;
  if (codec === 'h264') {
    const profile = Buffer.from(record.subarray(1, 4)).toString('hex');
    return `packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${sets.map(base64).join(',')}`;
  }
  const names = [
    ['sprop-vps', H265.vps],
    ['sprop-sps', H265.sps],
    ['sprop-pps', H265.pps],
  ] as const;
  return names
    .map(([name, type]) => [name, sets.filter((set) => h265Type(set) === type)] as const)
    .filter(([, found]) => found.length > 0)
    .map(([name, found]) => `${name}=${found.map(base64).join(',')}`)
    .join(';');
}

/** Format parameters of AAC (RFC 3640, AAC-hbr). */
export function aacParameters(config: Uint8Array): string {
  const hex = Buffer.from(config).toString('hex').toUpperCase();
  return `streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=${hex}`;
}
