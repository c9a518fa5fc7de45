// RTSP 1.0 messages (RFC 2326): reading a connection's bytes, requests, the headers that carry structure. Bytes only; the
// conversation is drivers/rtsp. Reading is lenient where cameras are known to differ, and bounded everywhere.

import { isUtf8 } from 'node:buffer';
import { NvrError } from '../core/nvr-error.ts';

/** Bounds of what a peer may make us hold. */
export const RTSP_LIMITS = {
  /** Start line and headers of one message. */
  headBytes: 16 * 1024,
  headers: 100,
  /** Body of one message; an SDP of a camera is one or two kilobytes. */
  bodyBytes: 64 * 1024,
  /** Bytes that are no message, per connection, before it is given up. */
  garbageBytes: 256 * 1024,
} as const;

/** A buffer that grew beyond this is let go when it is empty. */
const KEEP_BUFFER_BYTES = 256 * 1024;
const DOLLAR = 0x24;
const CR = 13;
const LF = 10;
const INTERLEAVED_HEAD_BYTES = 4;
const RESPONSE = /^RTSP\/\d\.\d\s+(\d{3})(?:\s+(.*))?$/;
const REQUEST = /^([A-Z_]{3,20}) (\S{1,4096}) RTSP\/\d\.\d$/;
/** Header names are lower case here; a header that comes twice is joined with a comma, except these. */
const REPEATED = new Set(['www-authenticate']);
/** Separates repeated headers that may contain commas themselves. */
export const HEADER_SEPARATOR = '\n';

/** Headers by lower-case name. */
export type RtspHeaders = ReadonlyMap<string, string>;

/** A whole message. */
export type RtspMessage =
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly reason: string;
      readonly headers: RtspHeaders;
      readonly body: Uint8Array;
    }
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly uri: string;
      readonly headers: RtspHeaders;
      readonly body: Uint8Array;
    };

/** A reply. */
export type RtspResponse = Extract<RtspMessage, { kind: 'response' }>;

/** What the parser hands out. `payload` is a view that is valid during the call only. */
export type RtspHandler = {
  message(message: RtspMessage): void;
  data(channel: number, payload: Uint8Array): void;
};

/** Cuts a connection's bytes into messages and interleaved packets (RFC 2326 section 10.12). */
export class RtspParser {
  readonly #handler: RtspHandler;
  #buffer: Buffer = Buffer.alloc(0);
  #held = 0;
  /** How many bytes from the start of the held ones make a whole message; 0 when that is not known. */
  #needed = 0;
  #garbage = 0;

  constructor(handler: RtspHandler) {
    this.#handler = handler;
  }

  /** Bytes that were no message; some firmware sends scraps of the stream before or after a reply. */
  get garbageBytes(): number {
    return this.#garbage;
  }

  /** Bytes held for a message that is not whole yet. */
  get heldBytes(): number {
    return this.#held;
  }

  /** @throws NvrError `protocol` when a bound is passed */
  push(bytes: Uint8Array): void {
    let all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.#held > 0) {
      this.#hold(all);
      // Looked at again only when it can be whole: a sender of single bytes must not cost more than he sends.
      if (this.#held < this.#needed) return;
      all = this.#buffer.subarray(0, this.#held);
    }
    this.#needed = 0;
    let at = 0;
    while (at < all.length) {
      const next = this.#take(all, at);
      if (next < 0) break;
      at = next;
    }
    const rest = all.subarray(at);
    this.#held = 0;
    this.#needed -= at;
    this.#hold(rest);
    if (this.#held === 0 && this.#buffer.length > KEEP_BUFFER_BYTES) this.#buffer = Buffer.alloc(0);
  }

  /** Appends; the bytes may be a view on the buffer itself. */
  #hold(bytes: Buffer): void {
    const length = this.#held + bytes.length;
    if (length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2048) * 2);
      this.#buffer.copy(grown, 0, 0, this.#held);
      bytes.copy(grown, this.#held);
      this.#buffer = grown;
    } else bytes.copy(this.#buffer, this.#held);
    this.#held = length;
  }

  /** Takes what begins at `at`. @returns where the next thing begins, or -1 when more bytes are needed */
  #take(all: Buffer, at: number): number {
    const first = all[at]!;
    if (first === CR || first === LF) return at + 1;
    if (first === DOLLAR) {
      if (all.length - at < INTERLEAVED_HEAD_BYTES) return -1;
      const start = at + INTERLEAVED_HEAD_BYTES;
      const end = start + all.readUInt16BE(at + 2);
      if (end > all.length) return this.#wait(end);
      // Not a Buffer: `slice` of a Buffer is a view, too, and readers who want to keep the bytes slice them.
      this.#handler.data(all[at + 1]!, new Uint8Array(all.buffer, all.byteOffset + start, end - start));
      return end;
    }
    if (!isUpperCase(first)) return this.#skip(all, at);
    return this.#takeMessage(all, at);
  }

  #takeMessage(all: Buffer, at: number): number {
    const head = findHeadEnd(all, at);
    if (head === null) {
      // Not a text in sight: a capital letter in the middle of a packet.
      if (!isText(all, at, Math.min(all.length, at + 16))) return this.#skip(all, at);
      if (all.length - at > RTSP_LIMITS.headBytes) throw tooLarge('headers', RTSP_LIMITS.headBytes);
      return -1;
    }
    if (head.end - at > RTSP_LIMITS.headBytes) throw tooLarge('headers', RTSP_LIMITS.headBytes);
    const text = all.subarray(at, head.end);
    // Realms in UTF-8 must go back as they came; anything else is kept byte by byte.
    const lines = text.toString(isUtf8(text) ? 'utf8' : 'latin1').split(/\r\n|\n|\r/);
    const start = (lines.shift() ?? '').trim();
    const response = RESPONSE.exec(start);
    const request = response ? null : REQUEST.exec(start);
    if (!response && !request) return this.#skip(all, at);
    const headers = parseHeaders(lines);
    const length = Number(headers.get('content-length') ?? 0);
    if (!Number.isInteger(length) || length < 0 || length > RTSP_LIMITS.bodyBytes) {
      throw tooLarge('body', RTSP_LIMITS.bodyBytes);
    }
    const end = head.next + length;
    if (end > all.length) return this.#wait(end);
    const body = new Uint8Array(all.subarray(head.next, end));
    if (response) {
      const reason = (response[2] ?? '').slice(0, 100);
      this.#handler.message({ kind: 'response', status: Number(response[1]), reason, headers, body });
    } else if (request) {
      this.#handler.message({ kind: 'request', method: request[1]!, uri: request[2]!, headers, body });
    }
    return end;
  }

  #wait(end: number): -1 {
    this.#needed = end;
    return -1;
  }

  /** Skips to what may be the next packet or message. */
  #skip(all: Buffer, at: number): number {
    const dollar = all.indexOf(DOLLAR, at + 1);
    const text = all.indexOf('RTSP/', at + 1, 'latin1');
    const candidates = [dollar, text].filter((index) => index > 0);
    const next = candidates.length > 0 ? Math.min(...candidates) : all.length;
    this.#garbage += next - at;
    if (this.#garbage > RTSP_LIMITS.garbageBytes) {
      throw new NvrError('protocol', 'The camera sends data that is not RTSP', { context: { bytes: this.#garbage } });
    }
    return next;
  }
}

const isUpperCase = (byte: number) => byte >= 0x41 && byte <= 0x5a;

function isText(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte !== CR && byte !== LF && byte !== 9 && (byte < 0x20 || byte > 0x7e)) return false;
  }
  return true;
}

/** The empty line: CRLF CRLF, or LF LF as some firmware sends. `null` while it is not there. */
function findHeadEnd(bytes: Buffer, at: number): { end: number; next: number } | null {
  const limit = Math.min(bytes.length, at + RTSP_LIMITS.headBytes + 4);
  for (let from = at; ; ) {
    const lf = bytes.indexOf(LF, from);
    if (lf < 0 || lf >= limit) return null;
    if (bytes[lf + 1] === LF) return { end: lf, next: lf + 2 };
    if (bytes[lf + 1] === CR && bytes[lf + 2] === LF) return { end: lf, next: lf + 3 };
    from = lf + 1;
  }
}

function tooLarge(what: string, limit: number): NvrError {
  return new NvrError('protocol', `The camera sent an RTSP message whose ${what} exceed ${limit} bytes`);
}

/** Header lines to a map: folded lines are joined, lines without a colon are left out. */
export function parseHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  let last = '';
  for (const line of lines.slice(0, RTSP_LIMITS.headers)) {
    if (/^[ \t]/.test(line) && last !== '') {
      headers.set(last, `${headers.get(last)} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    last = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(last);
    if (before === undefined) headers.set(last, value);
    else headers.set(last, `${before}${REPEATED.has(last) ? HEADER_SEPARATOR : ', '}${value}`);
  }
  return headers;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be sent
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * A message as text: a request (`DESCRIBE uri RTSP/1.0`) or a reply (`RTSP/1.0 200 OK`).
 * @throws NvrError `bad_input` when a value would break out of its line
 */
export function encodeRtsp(startLine: string, headers: Readonly<Record<string, string>>, body = ''): string {
  const lines = [startLine, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  if (lines.some((line) => CONTROL.test(line))) {
    throw new NvrError('bad_input', 'The address or a credential contains a control character');
  }
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** The structure of a Transport header, as far as a client needs it. */
export type RtspTransport = {
  /** RTP and RTCP channel. */
  readonly interleaved: readonly [number, number] | null;
  readonly serverPort: readonly [number, number] | null;
  readonly clientPort: readonly [number, number] | null;
  readonly ssrc: number | null;
};

/** Reads a Transport header; what is missing or malformed is `null`. */
export function parseTransport(text: string): RtspTransport {
  const parameters = new Map<string, string>();
  for (const part of text.split(',')[0]!.split(';')) {
    const [name = '', value = ''] = part.split('=', 2);
    parameters.set(name.trim().toLowerCase(), value.trim());
  }
  const ssrc = parameters.get('ssrc') ?? '';
  return {
    interleaved: pair(parameters.get('interleaved'), 255),
    serverPort: pair(parameters.get('server_port'), 65535),
    clientPort: pair(parameters.get('client_port'), 65535),
    ssrc: /^[0-9a-f]{1,8}$/i.test(ssrc) ? Number.parseInt(ssrc, 16) : null,
  };
}

/** `4-5`, or `4` alone for 4 and 5. */
function pair(text: string | undefined, max: number): [number, number] | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text ?? '');
  if (!match) return null;
  const first = Number(match[1]);
  const second = match[2] === undefined ? first + 1 : Number(match[2]);
  return first <= max && second <= max ? [first, second] : null;
}

/** A Session header: the identifier and the time-out in seconds (60 unless said). */
export function parseSession(text: string): { id: string; timeoutSeconds: number } | null {
  const [id = '', ...parameters] = text.split(';');
  if (!/^[!-~]{1,256}$/.test(id.trim())) return null;
  const timeout = /^\s*timeout\s*=\s*(\d{1,6})\s*$/i;
  const found = parameters.map((parameter) => timeout.exec(parameter)?.[1]).find((value) => value !== undefined);
  return { id: id.trim(), timeoutSeconds: found === undefined ? 60 : Number(found) };
}

/** The `rtptime` of each track in an RTP-Info header, in the order of the tracks; `null` where there is none. */
export function parseRtpInfo(text: string): Array<{ url: string; rtpTime: number | null }> {
  return text.split(',').map((entry) => {
    const url = /(?:^|;)\s*url\s*=\s*"?([^;"]+)/i.exec(entry)?.[1]?.trim() ?? '';
    const time = /(?:^|;)\s*rtptime\s*=\s*(\d{1,10})/i.exec(entry)?.[1];
    return { url, rtpTime: time === undefined ? null : Number(time) >>> 0 };
  });
}
