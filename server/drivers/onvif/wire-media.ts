// What a device is asked, and what its answers mean: time, services, device information (ONVIF Core), profiles and their
// addresses (Media and Media 2). All texts are bounded and printable.

import type { VideoCodec } from '../../core/frame.ts';
import { MAX_PROFILES, MAX_TEXT } from './limits.ts';
import { all, escapeXml, find, text, type XmlElement } from './wire-xml.ts';

/** Namespaces of the services that are used. */
export const SERVICES = {
  device: 'http://www.onvif.org/ver10/device/wsdl',
  media: 'http://www.onvif.org/ver10/media/wsdl',
  media2: 'http://www.onvif.org/ver20/media/wsdl',
} as const;

/** Versions of the media service: the first has no H.265, the second is not everywhere. */
export type MediaVersion = 'media' | 'media2';

const SCHEMA = 'http://www.onvif.org/ver10/schema';
const element = (service: keyof typeof SERVICES, name: string, inside = '') =>
  `<${name} xmlns="${SERVICES[service]}">${inside}</${name}>`;

/** The bodies of the requests. */
export const requests = {
  time: () => element('device', 'GetSystemDateAndTime'),
  services: () => element('device', 'GetServices', '<IncludeCapability>false</IncludeCapability>'),
  capabilities: () => element('device', 'GetCapabilities', '<Category>All</Category>'),
  information: () => element('device', 'GetDeviceInformation'),
  profiles: (version: MediaVersion) =>
    version === 'media' ? element('media', 'GetProfiles') : element('media2', 'GetProfiles', '<Type>All</Type>'),
  streamUri: (version: MediaVersion, token: string) => {
    const profile = `<ProfileToken>${escapeXml(token)}</ProfileToken>`;
    if (version === 'media2') return element('media2', 'GetStreamUri', `<Protocol>RTSP</Protocol>${profile}`);
    const transport = `<t:Stream>RTP-Unicast</t:Stream><t:Transport><t:Protocol>RTSP</t:Protocol></t:Transport>`;
    return element('media', 'GetStreamUri', `<StreamSetup xmlns:t="${SCHEMA}">${transport}</StreamSetup>${profile}`);
  },
  snapshotUri: (version: MediaVersion, token: string) =>
    element(version, 'GetSnapshotUri', `<ProfileToken>${escapeXml(token)}</ProfileToken>`),
} as const;

/** One line of text from a device, as it may be shown. */
export function shownText(raw: string): string {
  const line = raw.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT - 1)}…` : line;
}

function numberIn(at: XmlElement | undefined, min: number, max: number, ...path: readonly string[]): number | null {
  const digits = text(at, ...path);
  const value = digits === '' || digits.length > 20 ? Number.NaN : Number(digits);
  return value >= min && value <= max ? value : null;
}

/** The device's clock as epoch milliseconds; `null` when it does not say. */
export function readTime(body: XmlElement): number | null {
  const utc = find(body, 'SystemDateAndTime', 'UTCDateTime');
  const part = (min: number, max: number, ...path: string[]) => numberIn(utc, min, max, ...path) ?? Number.NaN;
  const ms = Date.UTC(
    part(1970, 9999, 'Date', 'Year'),
    part(1, 12, 'Date', 'Month') - 1,
    part(1, 31, 'Date', 'Day'),
    part(0, 23, 'Time', 'Hour'),
    part(0, 59, 'Time', 'Minute'),
    part(0, 61, 'Time', 'Second'),
  );
  return Number.isNaN(ms) ? null : ms;
}

/** Addresses of the media services from GetServices or GetCapabilities, unchecked. */
export function readMediaAddresses(body: XmlElement): Partial<Record<MediaVersion, string>> {
  if (body.name === 'GetCapabilitiesResponse') {
    const address = text(body, 'Capabilities', 'Media', 'XAddr');
    return address === '' ? {} : { media: address };
  }
  const found: Partial<Record<MediaVersion, string>> = {};
  for (const service of all(body, 'Service')) {
    const namespace = text(service, 'Namespace').replace(/\/{1,4}$/, '');
    const version = (['media', 'media2'] as const).find((name) => SERVICES[name] === namespace);
    const address = text(service, 'XAddr');
    if (version && address !== '') found[version] ??= address;
  }
  return found;
}

/** Who made it and what it is called. */
export type DeviceInformation = { readonly manufacturer: string; readonly model: string };

export function readInformation(body: XmlElement): DeviceInformation {
  return { manufacturer: shownText(text(body, 'Manufacturer')), model: shownText(text(body, 'Model')) };
}

/** A way to stream. `null`: it did not say. */
export type MediaProfile = {
  /** Sent back as it came. */
  readonly token: string;
  readonly name: string;
  /** The lens or channel; profiles of one source show the same. */
  readonly source: string;
  /** `null` for a codec that Perch does not take. */
  readonly codec: VideoCodec | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number | null;
  /** Bits per second. */
  readonly bitRate: number | null;
};

const CODECS: Readonly<Record<string, VideoCodec>> = {
  ...{ jpeg: 'mjpeg', mjpeg: 'mjpeg', 'jpeg-video': 'mjpeg' },
  ...{ h264: 'h264', 'h.264': 'h264', h265: 'h265', 'h.265': 'h265', hevc: 'h265' },
};
const MAX_SIDE = 16_384;
const KILO = 1000;

/** Profiles with video, in the device's order. */
export function readProfiles(body: XmlElement): MediaProfile[] {
  const seen = new Set<string>();
  const profiles: MediaProfile[] = [];
  for (const profile of all(body, 'Profiles')) {
    const token = profile.attributes.get('token') ?? '';
    // Media keeps the parts in the profile itself, Media 2 under `Configurations`.
    const parts = find(profile, 'Configurations') ?? profile;
    const encoder = find(parts, 'VideoEncoderConfiguration') ?? find(parts, 'VideoEncoder');
    const source = find(parts, 'VideoSourceConfiguration') ?? find(parts, 'VideoSource');
    if (token === '' || token.length > MAX_TEXT || seen.has(token) || !encoder) continue;
    seen.add(token);
    const bitRate = numberIn(encoder, 1, 1_000_000, 'RateControl', 'BitrateLimit');
    profiles.push({
      token,
      name: shownText(text(profile, 'Name')) || shownText(token),
      source: shownText(text(source, 'SourceToken')),
      codec: CODECS[text(encoder, 'Encoding').toLowerCase()] ?? null,
      width: numberIn(encoder, 1, MAX_SIDE, 'Resolution', 'Width'),
      height: numberIn(encoder, 1, MAX_SIDE, 'Resolution', 'Height'),
      frameRate: numberIn(encoder, 0.01, 1000, 'RateControl', 'FrameRateLimit'),
      bitRate: bitRate === null ? null : bitRate * KILO,
    });
    if (profiles.length >= MAX_PROFILES) break;
  }
  return profiles;
}

/** The address in an answer to GetStreamUri or GetSnapshotUri, unchecked; empty when there is none. */
export function readUri(body: XmlElement): string {
  return text(body, 'MediaUri', 'Uri') || text(body, 'Uri');
}
