// Session descriptions of cameras (RFC 8866 as cameras write it). Connection addresses are read by nobody: media comes
// from where RTSP was spoken, whatever `c=` says.

import { NvrError } from '../core/nvr-error.ts';

/** Longest description. */
export const MAX_SDP_BYTES = 64 * 1024;
const MAX_LINES = 1000;
const MAX_MEDIA = 16;
const MAX_PAYLOAD_TYPE = 127;

/** What a payload type without an `rtpmap` means (RFC 3551); cameras leave the line out for these. */
const STATIC_ENCODINGS: Readonly<Record<number, readonly [string, number, number]>> = {
  0: ['PCMU', 8000, 1],
  8: ['PCMA', 8000, 1],
  10: ['L16', 44_100, 2],
  11: ['L16', 44_100, 1],
  26: ['JPEG', 90_000, 1],
};

/** One `m=` section with its first payload type that has a known encoding. */
export type SdpMedia = {
  readonly kind: string;
  readonly payloadType: number;
  /** Upper case; empty when neither `rtpmap` nor the static table names it. */
  readonly encoding: string;
  readonly clockRate: number;
  readonly channels: number;
  /** Format parameters, lower-case names. */
  readonly fmtp: ReadonlyMap<string, string>;
  /** `a=control`, empty when missing. */
  readonly control: string;
  /** `a=x-dimensions` or `a=cliprect`, else `null`: JPEG beyond 2040 pixels says its size only here. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** `a=sendonly`, `recvonly`...; a back channel for talking is `sendonly` from our side and must not be set up. */
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
};

/** A parsed description. */
export type Sdp = { readonly name: string; readonly control: string; readonly media: readonly SdpMedia[] };

type Section = { kind: string; formats: number[]; attributes: Array<readonly [string, string]> };

/**
 * Reads a description. Unknown and malformed lines are left out; line ends may be CRLF, LF or CR, zeros at the end are cut.
 * @throws NvrError `protocol` when it is too large or has no media section
 */
export function parseSdp(bytes: Uint8Array): Sdp {
  if (bytes.length > MAX_SDP_BYTES) throw new NvrError('protocol', 'The camera sent an overlong stream description');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8').replaceAll('\0', '');
  const session: Section = { kind: '', formats: [], attributes: [] };
  const sections: Section[] = [];
  let name = '';
  let current = session;
  for (const line of text.split(/\r\n|\n|\r/, MAX_LINES)) {
    const value = line.slice(2).trim();
    if (line.startsWith('m=')) {
      current = openSection(value);
      if (sections.length < MAX_MEDIA) sections.push(current);
    } else if (line.startsWith('a=')) {
      const colon = value.indexOf(':');
      const key = (colon < 0 ? value : value.slice(0, colon)).trim().toLowerCase();
      current.attributes.push([key, colon < 0 ? '' : value.slice(colon + 1).trim()]);
    } else if (line.startsWith('s=')) {
      name = value.slice(0, 100);
    }
  }
  if (sections.length === 0) throw new NvrError('protocol', 'The camera’s stream description names no stream');
  return { name, control: controlOf(session), media: sections.map(readSection) };
}

/** `video 0 RTP/AVP 96 97`: the port is not used, RTSP negotiates it. */
function openSection(value: string): Section {
  const [kind = '', , , ...formats] = value.split(/\s+/);
  const types = formats.map(Number).filter((type) => Number.isInteger(type) && type >= 0 && type <= MAX_PAYLOAD_TYPE);
  return { kind: kind.toLowerCase(), formats: types.slice(0, 32), attributes: [] };
}

/** `a=control` as it may stand in a request line, else empty. */
function controlOf(section: Section): string {
  const control = attribute(section, 'control') ?? '';
  return /^[!-~]{1,1024}$/.test(control) ? control : '';
}

function attribute(section: Section, name: string): string | undefined {
  return section.attributes.find(([key]) => key === name)?.[1];
}

/** The value of `rtpmap` or `fmtp` for a payload type, without the type. */
function forType(section: Section, name: string, payloadType: number): string[] {
  return section.attributes
    .filter(([key]) => key === name)
    .map(([, value]) => /^(\d{1,3})\s+(.*)$/.exec(value))
    .filter((match) => match !== null && Number(match[1]) === payloadType)
    .map((match) => match![2]!);
}

function readSection(section: Section): SdpMedia {
  const payloadType = section.formats.find((type) => encodingOf(section, type) !== null) ?? section.formats[0] ?? -1;
  const [encoding, clockRate, channels] = encodingOf(section, payloadType) ?? ['', 90_000, 1];
  const fmtp = new Map<string, string>();
  for (const line of forType(section, 'fmtp', payloadType)) {
    for (const parameter of line.split(';')) {
      // Cut, not matched: a regular expression takes seconds over 60,000 spaces.
      const equals = parameter.indexOf('=');
      const key = (equals < 0 ? parameter : parameter.slice(0, equals)).trim();
      const value = equals < 0 ? '' : parameter.slice(equals + 1).trim();
      if (/^\S+$/.test(key) && fmtp.size < 64) fmtp.set(key.toLowerCase(), value.replace(/^"(.*)"$/, '$1'));
    }
  }
  const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const;
  const direction = directions.find((each) => attribute(section, each) !== undefined) ?? 'sendrecv';
  return {
    ...{ kind: section.kind, payloadType, encoding, clockRate, channels, fmtp, direction },
    control: controlOf(section),
    size: readSize(section),
  };
}

function encodingOf(section: Section, payloadType: number): readonly [string, number, number] | null {
  for (const line of forType(section, 'rtpmap', payloadType)) {
    const [encoding = '', rate = '', channels = ''] = line.split('/').map((part) => part.trim());
    const clockRate = Number(rate) || 0;
    if (!/^[\w.-]{1,40}$/.test(encoding) || clockRate < 1 || clockRate > 1_000_000) continue;
    const count = Number(channels);
    return [encoding.toUpperCase(), clockRate, Number.isInteger(count) && count >= 1 && count <= 8 ? count : 1];
  }
  return STATIC_ENCODINGS[payloadType] ?? null;
}

function readSize(section: Section): { width: number; height: number } | null {
  const plain = /^(\d{1,5})\s*,\s*(\d{1,5})$/.exec(attribute(section, 'x-dimensions') ?? '');
  if (plain) return { width: Number(plain[1]), height: Number(plain[2]) };
  const rectangle = /^0,0,(\d{1,5}),(\d{1,5})$/.exec(attribute(section, 'cliprect') ?? '');
  return rectangle ? { width: Number(rectangle[2]), height: Number(rectangle[1]) } : null;
}

/** The request address of a track (RFC 2326 appendix C.1.1, as cameras mean it: appended, not resolved). */
export function controlUrl(base: string, control: string): string {
  if (control === '' || control === '*') return base;
  if (/^rtsps?:\/\//i.test(control)) return control;
  // A query belongs to the end of the base: cameras that have one expect the track behind it.
  return `${base}${base.endsWith('/') || control.startsWith('/') ? '' : '/'}${control}`;
}
