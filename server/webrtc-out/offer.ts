// A WebRTC offer (SDP, RFC 8866 with RFC 8829's attributes) to what we need of it. Hostile input: bounded lines, only known
// attributes, strict where an answer would repeat a value. Pure.

import { NvrError } from '../core/nvr-error.ts';
import { MAX_OFFER_LINES, MAX_OFFER_MEDIA } from './limits.ts';

/** One payload type of an offer. */
export type OfferedCodec = { readonly payloadType: number; readonly name: string; readonly parameters: string };

/** One `m=` of an offer, in its order. */
export type OfferedMedia = {
  readonly kind: string;
  /** Protocol and numbers, as they stand. */
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly mid: string;
  /** Whether the client can take what we send. */
  readonly receives: boolean;
  readonly codecs: readonly OfferedCodec[];
};

/** What {@link parseOffer} found. */
export type Offer = {
  readonly media: readonly OfferedMedia[];
  /** Middle names of the media that share one path. */
  readonly bundle: readonly string[];
  readonly iceName: string;
  readonly icePassword: string;
  /** SHA-256 of the client's certificate, `AB:CD...`, upper case. */
  readonly fingerprints: readonly string[];
};

type Section = { readonly head: string; readonly attributes: readonly string[] };

const TOKEN = /^[\w!#$%&'*+.^`{|}~-]{1,64}$/;
const ICE_NAME = /^[\w+/=-]{4,256}$/;
const ICE_PASSWORD = /^[\w+/=-]{22,256}$/;
const FINGERPRINT = /^sha-256 ((?:[\da-f]{2}:){31}[\da-f]{2})$/i;
const FORMAT = /^\d{1,3}$/;
/** Name, clock and channels: an answer repeats them. */
const ENCODING = /^[\w.+-]{1,32}\/\d{1,7}(?:\/\d{1,2})?$/;
const PROTOCOLS = new Set(['UDP/TLS/RTP/SAVPF', 'UDP/TLS/RTP/SAVP']);
/** `static` payload types need no `rtpmap`. */
const STATIC: Readonly<Record<string, string>> = { 0: 'PCMU/8000', 8: 'PCMA/8000' };

const bad = (what: string) => new NvrError('bad_input', `The offer is not one that Perch can answer: ${what}`);

/** @throws NvrError `bad_input` that says what is wrong */
export function parseOffer(text: string): Offer {
  const [session, ...media] = sectionsOf(text);
  if (!session) throw bad('it is empty');
  if (media.length === 0) throw bad('it has no m= line');
  const all = [session, ...media];
  const first = (name: string) =>
    all.map(({ attributes }) => firstOf(attributes, name)).find((value) => value !== null);
  const iceName = first('ice-ufrag');
  const icePassword = first('ice-pwd');
  if (!iceName || !ICE_NAME.test(iceName)) throw bad('a=ice-ufrag is missing or wrong');
  if (!icePassword || !ICE_PASSWORD.test(icePassword)) throw bad('a=ice-pwd is missing or wrong');
  const fingerprints = all
    .flatMap(({ attributes }) => valuesOf(attributes, 'fingerprint'))
    .flatMap((value) => FINGERPRINT.exec(value)?.[1]?.toUpperCase() ?? []);
  if (fingerprints.length === 0) throw bad('a=fingerprint with sha-256 is missing');
  if (first('setup') === 'passive') throw bad('a=setup must be actpass or active');
  const bundle = valuesOf(session.attributes, 'group')
    .filter((group) => group.startsWith('BUNDLE '))
    .flatMap((group) => group.split(' ').slice(1));
  return { media: media.map(mediaOf), bundle, iceName, icePassword, fingerprints };
}

function sectionsOf(text: string): Section[] {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length > MAX_OFFER_LINES) throw bad('it has too many lines');
  if (lines[0] !== 'v=0') throw bad('it does not begin with v=0');
  const sections: { head: string; attributes: string[] }[] = [{ head: '', attributes: [] }];
  for (const line of lines) {
    if (line.startsWith('m=')) sections.push({ head: line.slice(2), attributes: [] });
    else if (line.startsWith('a=')) sections.at(-1)?.attributes.push(line.slice(2));
  }
  if (sections.length > MAX_OFFER_MEDIA + 1) throw bad('it has too many m= lines');
  return sections;
}

function mediaOf({ head, attributes }: Section, index: number): OfferedMedia {
  const [kind = '', , protocol = '', ...formats] = head.split(' ');
  const mid = firstOf(attributes, 'mid') ?? String(index);
  if (!TOKEN.test(kind) || !/^[\w/]{1,40}$/.test(protocol) || !TOKEN.test(mid)) throw bad(`m= line ${index + 1}`);
  if (formats.length === 0 || !formats.every((format) => TOKEN.test(format))) throw bad(`m= line ${index + 1}`);
  const isOurs = PROTOCOLS.has(protocol) && attributes.includes('rtcp-mux');
  const receives = isOurs && !attributes.includes('sendonly') && !attributes.includes('inactive');
  return { kind, protocol, formats, mid, receives, codecs: codecsOf(formats, attributes) };
}

function codecsOf(formats: readonly string[], attributes: readonly string[]): OfferedCodec[] {
  const pairs = (name: string) =>
    new Map(valuesOf(attributes, name).map((value) => [value.split(' ', 1)[0] ?? '', value.replace(/^\S+ */, '')]));
  const names = pairs('rtpmap');
  const parameters = pairs('fmtp');
  return formats.flatMap((format) => {
    const name = names.get(format) ?? STATIC[format];
    if (!name || !ENCODING.test(name) || !FORMAT.test(format) || Number(format) > 127) return [];
    return { payloadType: Number(format), name: name.toUpperCase(), parameters: parameters.get(format) ?? '' };
  });
}

function valuesOf(attributes: readonly string[], name: string): string[] {
  const head = `${name}:`;
  return attributes.filter((line) => line.startsWith(head)).map((line) => line.slice(head.length).trim());
}

const firstOf = (attributes: readonly string[], name: string) => valuesOf(attributes, name)[0] ?? null;
