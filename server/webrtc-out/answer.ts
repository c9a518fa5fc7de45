// Which of the offered codecs are used, and the answer (SDP) that says so. Pure.

import { NvrError } from '../core/nvr-error.ts';
import type { Offer, OfferedCodec, OfferedMedia } from './offer.ts';

/** One medium that is sent. */
export type Chosen = {
  readonly media: OfferedMedia;
  readonly codec: OfferedCodec;
  readonly ssrc: number;
};

/** What the answer says of us. */
export type AnswerFacts = {
  readonly offer: Offer;
  readonly chosen: readonly Chosen[];
  readonly iceName: string;
  readonly icePassword: string;
  /** SHA-256 of our certificate. */
  readonly fingerprint: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly cname: string;
};

/** Priority of a host candidate (RFC 8445 section 5.1.2): type, preference of the address, component. */
const HOST_TYPE = 126;
const MOST_PREFERRED = 65535;
const RTP_COMPONENT = 1;

/**
 * The offered H.264 that fits best: packetization-mode 1, the camera's own profile if it was offered, else any. Receivers
 * read what they must know from the parameter sets in the stream.
 * @param profileLevelId the camera's, six hexadecimal digits
 */
export function chooseVideo(offer: Offer, profileLevelId: string): { media: OfferedMedia; codec: OfferedCodec } {
  const wanted = offer.media.filter(({ kind, receives }) => kind === 'video' && receives);
  if (wanted.length === 0) throw new NvrError('bad_input', 'The offer asks for no video (m=video, recvonly, rtcp-mux)');
  const own = Number.parseInt(profileLevelId, 16);
  for (const media of wanted) {
    const usable = media.codecs.filter(
      ({ name, parameters }) => name === 'H264/90000' && parameterOf(parameters, 'packetization-mode') === '1',
    );
    const score = ({ parameters }: OfferedCodec) => {
      const id = Number.parseInt(parameterOf(parameters, 'profile-level-id') ?? '42e01f', 16);
      if (id >> 16 !== own >> 16) return 0;
      return id >> 8 === own >> 8 ? 2 : 1;
    };
    const codec = usable.toSorted((a, b) => score(b) - score(a))[0];
    if (codec) return { media, codec };
  }
  throw new NvrError('bad_input', 'The offer has no H.264 with packetization-mode=1');
}

/** The offered medium and codec for our sound; `null` when the client does not take it beside the pictures. */
export function chooseSound(
  offer: Offer,
  video: OfferedMedia,
  encoding: string,
): { media: OfferedMedia; codec: OfferedCodec } | null {
  for (const media of offer.media) {
    if (media.kind !== 'audio' || !media.receives) continue;
    if (!offer.bundle.includes(media.mid) || !offer.bundle.includes(video.mid)) continue;
    const codec = media.codecs.find(({ name }) => name === encoding || name === `${encoding}/1`);
    if (codec) return { media, codec };
  }
  return null;
}

/** The answer. */
export function encodeAnswer(facts: AnswerFacts): string {
  const { offer, chosen } = facts;
  const isBundled = (media: OfferedMedia) => offer.bundle.includes(media.mid);
  const isIdle = (media: OfferedMedia) =>
    media.receives && media.codecs.length > 0 && isBundled(media) && chosen.some((one) => isBundled(one.media));
  const isUsed = (media: OfferedMedia) => chosen.some((one) => one.media === media);
  const mids = offer.media.filter((media) => isUsed(media) || isIdle(media)).map(({ mid }) => mid);
  const lines = [
    ...['v=0', `o=- ${chosen[0]?.ssrc ?? 1} 1 IN IP4 127.0.0.1`, 's=-', 't=0 0', 'a=ice-lite'],
    ...(offer.bundle.length > 0 ? [`a=group:BUNDLE ${mids.join(' ')}`] : []),
    'a=msid-semantic: WMS *',
    ...offer.media.flatMap((media) => {
      const use = chosen.find((one) => one.media === media);
      if (use) return usedMedia(use, facts);
      return isIdle(media) ? idleMedia(media, facts) : refusedMedia(media);
    }),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function usedMedia({ media, codec, ssrc }: Chosen, facts: AnswerFacts): string[] {
  const { payloadType, parameters } = codec;
  return [
    ...path(media, codec, 'sendonly', facts),
    ...(media.kind === 'video'
      ? [
          `a=fmtp:${payloadType} ${h264Parameters(parameters)}`,
          ...['nack', 'nack pli', 'ccm fir'].map((what) => `a=rtcp-fb:${payloadType} ${what}`),
        ]
      : []),
    ...[`a=msid:perch ${media.kind}`, `a=ssrc:${ssrc} cname:${facts.cname}`],
    ...facts.addresses.map((address, index) => {
      const priority = HOST_TYPE * 2 ** 24 + (MOST_PREFERRED - index) * 2 ** 8 + (256 - RTP_COMPONENT);
      return `a=candidate:${index + 1} ${RTP_COMPONENT} udp ${priority} ${address} ${facts.port} typ host`;
    }),
    'a=end-of-candidates',
  ];
}

function path(media: OfferedMedia, codec: OfferedCodec, direction: string, facts: AnswerFacts): string[] {
  return [
    `m=${media.kind} ${facts.port} ${media.protocol} ${codec.payloadType}`,
    `c=IN IP4 ${facts.addresses[0] ?? '0.0.0.0'}`,
    ...[`a=mid:${media.mid}`, `a=${direction}`, 'a=rtcp-mux', 'a=rtcp-rsize', 'a=setup:passive'],
    ...[`a=ice-ufrag:${facts.iceName}`, `a=ice-pwd:${facts.icePassword}`, `a=fingerprint:sha-256 ${facts.fingerprint}`],
    `a=rtpmap:${codec.payloadType} ${codec.name}`,
  ];
}

/**
 * Nothing is sent, but it is not refused: most clients ask for sound whether or not the camera has any, and GStreamer 1.22,
 * aiortc 1.4 and pion (go2rtc) fail, each in its own way, when an answer refuses a medium.
 */
function idleMedia(media: OfferedMedia, facts: AnswerFacts): string[] {
  const codec = media.codecs.find(({ name }) => name.startsWith('PCM')) ?? media.codecs[0];
  return codec ? path(media, codec, 'inactive', facts) : refusedMedia(media);
}

/**
 * Its place must be kept, with port 0 and any format (RFC 3264 section 6): one that needs no `rtpmap`, as browsers write it,
 * because pion (go2rtc) looks every format up.
 */
function refusedMedia({ kind, protocol, formats, mid }: OfferedMedia): string[] {
  const format = protocol.includes('RTP/') ? '0' : formats.join(' ');
  return [`m=${kind} 0 ${protocol} ${format}`, 'c=IN IP4 0.0.0.0', `a=mid:${mid}`, 'a=inactive'];
}

/** The profile that was offered; nothing of the offer is repeated that was not understood. */
function h264Parameters(offered: string): string {
  const id = parameterOf(offered, 'profile-level-id') ?? '';
  const profile = /^[\da-f]{6}$/i.test(id) ? id.toLowerCase() : '42e01f';
  return `level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=${profile}`;
}

function parameterOf(parameters: string, name: string): string | null {
  for (const pair of parameters.split(';')) {
    const [key = '', value = ''] = pair.trim().split('=');
    if (key.toLowerCase() === name) return value;
  }
  return null;
}
