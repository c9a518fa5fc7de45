// Requests and answers of the signalling: text that looks like HTTP, one message per datagram (section 3).

import { wireError } from './wire-error.ts';
import { type AppKey, encodeWsse, parseWsse, WSSE_AUTHORIZATION, type Wsse } from './wire-wsse.ts';
import { type Body, parseBody } from './wire-xml.ts';

/** Largest datagram of text that is looked at; the largest real one has under 700 bytes. */
export const MAX_TEXT_BYTES = 8192;
const MIN_TEXT_BYTES = 12;
const SDK_VERSION = '6.7.11';

/** Verbs of the reference clients and of the newer vendor library; servers take both. */
export type Verbs = 'DH' | 'NF';
/** Which headers, in which order. */
export type HeaderProfile = 'reference-2024' | 'sdk-6.7';

/** A request to encode. */
export type RequestFields = {
  readonly profile: HeaderProfile;
  /** DHGET, DHPOST, NFGET or NFPOST. */
  readonly method: string;
  readonly path: string;
  readonly cseq: number;
  readonly key: AppKey;
  readonly nonce: string;
  readonly created: string;
  /** 32 hexadecimal digits; only in the profile `sdk-6.7`. */
  readonly pcsRequestId?: string;
  readonly body: string;
};

/** One datagram of text. */
export function encodeRequest(fields: RequestFields): Uint8Array {
  const { profile, method, path, cseq, key, nonce, created, pcsRequestId = '', body } = fields;
  const length = Buffer.byteLength(body);
  const lines = [`${method} ${path} HTTP/1.1`];
  if (profile === 'sdk-6.7') {
    lines.push(`X-Version: ${SDK_VERSION}`, 'X-TSVersion: TS_1.1.4', `x-pcs-request-id: ${pcsRequestId}`);
    lines.push('X-ToUType: Client/Dmss_Android');
  }
  lines.push(`CSeq: ${cseq}`, `Authorization: ${WSSE_AUTHORIZATION}`, `X-WSSE: ${encodeWsse(key, nonce, created)}`);
  if (length > 0 || profile === 'sdk-6.7') lines.push('Content-Type: ', `Content-Length: ${length}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** A request as a server reads it. */
export type DhRequest = {
  readonly method: string;
  readonly path: string;
  readonly cseq: number | null;
  readonly wsse: Wsse | null;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Body | null;
};

/** An answer. */
export type DhResponse = {
  readonly code: number;
  readonly reason: string;
  /** Names in lower case; the first of duplicates. */
  readonly headers: ReadonlyMap<string, string>;
  readonly cseq: number | null;
  readonly body: Body | null;
};

/** @throws NvrError `protocol`: NOT_HTTP, NO_HEADER_END, BODY_TRUNCATED, BAD_XML */
export function parseRequest(bytes: Uint8Array): DhRequest {
  const { first, headers, body } = readMessage(bytes);
  const [method = '', path = '', version = ''] = first.split(' ');
  if (!/^(DH|NF)(GET|POST)$/.test(method) || !path.startsWith('/') || !version.startsWith('HTTP/1.')) {
    throw wireError('NOT_HTTP', 'Not a request');
  }
  return { method, path, cseq: readCseq(headers), wsse: parseWsse(headers.get('x-wsse') ?? ''), headers, body };
}

/** @throws NvrError `protocol`: NOT_HTTP, NO_HEADER_END, BAD_STATUS_LINE, BODY_TRUNCATED, BAD_XML */
export function parseResponse(bytes: Uint8Array): DhResponse {
  if (bytes.length < MIN_TEXT_BYTES || Buffer.from(bytes.subarray(0, 7)).toString('latin1') !== 'HTTP/1.') {
    throw wireError('NOT_HTTP', 'Not an answer');
  }
  const { first, headers, body } = readMessage(bytes, (line) => {
    if (!/^[1-9]\d\d$/.test(line.split(' ')[1] ?? ''))
      throw wireError('BAD_STATUS_LINE', 'A status line without a code');
  });
  const [, code = '', ...reason] = first.split(' ');
  return { code: Number(code), reason: reason.join(' '), headers, cseq: readCseq(headers), body: body };
}

/** Encodes an answer; for the simulator. `body` null: neither length nor body. */
export function encodeResponse(
  code: number,
  reason: string,
  headers: ReadonlyArray<readonly [string, string]>,
  body: string | null,
): Uint8Array {
  const lines = [`HTTP/1.1 ${code} ${reason}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  if (body !== null) lines.push('Content-Type: ', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
}

type Message = { first: string; headers: Map<string, string>; body: Body | null };

function readMessage(bytes: Uint8Array, checkFirst: (line: string) => void = () => {}): Message {
  if (bytes.length > MAX_TEXT_BYTES) throw wireError('NOT_HTTP', 'A datagram too long for text');
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = buffer.indexOf('\r\n\r\n');
  if (end < 0) throw wireError('NO_HEADER_END', 'Headers without an end');
  const [first = '', ...lines] = buffer.toString('latin1', 0, end).split('\r\n');
  checkFirst(first);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line
      .slice(0, colon)
      .replace(/^[ \t]+|[ \t]+$/g, '')
      .toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''));
  }
  return { first, headers, body: readBody(buffer.subarray(end + 4), headers.get('content-length')) };
}

function readBody(rest: Buffer, contentLength: string | undefined): Body | null {
  const length = contentLength !== undefined && /^\d{1,9}$/.test(contentLength) ? Number(contentLength) : rest.length;
  if (length > rest.length) throw wireError('BODY_TRUNCATED', 'A body shorter than announced');
  const octets = rest.subarray(0, length);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    throw wireError('BAD_XML', 'A body that is not UTF-8');
  }
  return parseBody(text);
}

function readCseq(headers: ReadonlyMap<string, string>): number | null {
  const text = headers.get('cseq') ?? '';
  return /^-?\d{1,10}$/.test(text) ? Number(text) : null;
}

/** The Date of an answer (ISO 8601 or RFC 1123) as Unix seconds; `null` when it cannot be read. */
export function parseDate(text: string | undefined): number | null {
  if (
    text === undefined ||
    !/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)$/.test(text)
  ) {
    return null;
  }
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? Math.round(ms / 1000) : null;
}
