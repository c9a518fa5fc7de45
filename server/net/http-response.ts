// HTTP/1.x responses as cameras send them (RFC 9112, leniently): head, then a body by length, by chunks, or to the end.
// Bytes only; bounded.

import { isUtf8 } from 'node:buffer';
import { NvrError } from '../core/nvr-error.ts';

/** Bounds of a response head. */
export const MAX_HEAD_BYTES = 64 * 1024;
const MAX_HEADERS = 200;
const MAX_CHUNK_LINE_BYTES = 1024;
const LF = 10;
const CR = 13;

/** Headers by lower-case name; repeated ones are joined with line feeds. */
export type HttpHeaders = ReadonlyMap<string, string>;

/** What the parser hands out. `body` is a view that is valid during the call only. */
export type HttpResponseHandler = {
  head(status: number, headers: HttpHeaders): void;
  body(bytes: Uint8Array): void;
  /** The body is whole. */
  end(): void;
};

type BodyState =
  | { readonly kind: 'head' }
  | { readonly kind: 'toEnd' }
  | { readonly kind: 'length'; left: number }
  | { readonly kind: 'chunkLine' }
  | { readonly kind: 'chunk'; left: number }
  | { readonly kind: 'chunkEnd' }
  | { readonly kind: 'trailer' }
  | { readonly kind: 'done' };

/** Cuts one response out of a connection's bytes. */
export class HttpResponseParser {
  readonly #handler: HttpResponseHandler;
  #state: BodyState = { kind: 'head' };
  #pending: Buffer = Buffer.alloc(0);
  #trailers = 0;

  constructor(handler: HttpResponseHandler) {
    this.#handler = handler;
  }

  /** @throws NvrError `protocol` when it is not HTTP, passes a bound, or is compressed */
  push(bytes: Uint8Array): void {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const all = this.#pending.length > 0 ? Buffer.concat([this.#pending, view]) : view;
    this.#pending = Buffer.alloc(0);
    let at = 0;
    while (at < all.length && this.#state.kind !== 'done') {
      const next = this.#step(all, at);
      if (next < 0) {
        this.#pending = Buffer.from(all.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** The other side closed. @throws NvrError `unavailable` when the response is not whole */
  finish(): void {
    if (this.#state.kind === 'done') return;
    if (this.#state.kind === 'toEnd') {
      this.#done();
      return;
    }
    throw new NvrError('unavailable', 'The camera closed the connection before its answer was complete');
  }

  #step(all: Buffer, at: number): number {
    const state = this.#state;
    switch (state.kind) {
      case 'head':
        return this.#head(all, at);
      case 'toEnd':
        this.#handler.body(all.subarray(at));
        return all.length;
      case 'length':
      case 'chunk': {
        const end = Math.min(all.length, at + state.left);
        state.left -= end - at;
        this.#handler.body(all.subarray(at, end));
        if (state.left === 0) {
          if (state.kind === 'length') this.#done();
          else this.#state = { kind: 'chunkEnd' };
        }
        return end;
      }
      case 'chunkEnd':
        if (all[at] === LF) this.#state = { kind: 'chunkLine' };
        else if (all[at] !== CR) throw notHttp('a chunk has another length than announced');
        return at + 1;
      case 'chunkLine':
        return this.#chunkLine(all, at);
      case 'trailer':
        return this.#trailer(all, at);
      case 'done':
        return all.length;
    }
  }

  #head(all: Buffer, at: number): number {
    const text = all.toString('latin1', at, Math.min(all.length, at + MAX_HEAD_BYTES));
    if (!'HTTP/'.startsWith(text.slice(0, 5)) && !/^(HTTP\/|ICY )/.test(text) && !'ICY '.startsWith(text.slice(0, 4))) {
      throw notHttp('it does not answer in HTTP');
    }
    const end = /\r?\n\r?\n/.exec(text);
    if (!end) {
      if (all.length - at >= MAX_HEAD_BYTES) throw notHttp('its headers are too long');
      return -1;
    }
    const bytes = all.subarray(at, at + end.index);
    // Realms in UTF-8 must go back as they came; anything else is kept byte by byte.
    const lines = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1').split(/\r?\n/);
    const status = Number(/^(?:HTTP\/\d\.\d|ICY)\s+(\d{3})/.exec(lines.shift() ?? '')?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw notHttp('its status line cannot be read');
    const headers = parseHeaders(lines);
    const next = at + end.index + end[0].length;
    if (status >= 100 && status < 200) return next;
    const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
    if (encoding !== 'identity' && encoding !== '')
      throw notHttp('it compresses its answer although it was asked not to');
    this.#state = bodyState(status, headers);
    this.#handler.head(status, headers);
    if (this.#state.kind === 'length' && this.#state.left === 0) this.#done();
    return next;
  }

  #chunkLine(all: Buffer, at: number): number {
    const lf = all.indexOf(LF, at);
    if (lf < 0) {
      if (all.length - at > MAX_CHUNK_LINE_BYTES) throw notHttp('a chunk has no length');
      return -1;
    }
    const size = /^([0-9a-f]{1,8})\s*(?:;.*)?$/i.exec(all.toString('latin1', at, lf).trim())?.[1];
    if (size === undefined) throw notHttp('a chunk has no length');
    const left = Number.parseInt(size, 16);
    this.#state = left === 0 ? { kind: 'trailer' } : { kind: 'chunk', left };
    return lf + 1;
  }

  #trailer(all: Buffer, at: number): number {
    const lf = all.indexOf(LF, at);
    if (lf < 0) {
      if (all.length - at > MAX_HEAD_BYTES) throw notHttp('its trailers are too long');
      return -1;
    }
    if (all.toString('latin1', at, lf).trim() === '') this.#done();
    else if (++this.#trailers > MAX_HEADERS) throw notHttp('its trailers are too many');
    return lf + 1;
  }

  #done(): void {
    this.#state = { kind: 'done' };
    this.#handler.end();
  }
}

function parseHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines.slice(0, MAX_HEADERS)) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}\n${value}`);
  }
  return headers;
}

function bodyState(status: number, headers: HttpHeaders): BodyState {
  if (status === 204 || status === 304) return { kind: 'length', left: 0 };
  if (/(^|[\s,])chunked\s*$/i.test(headers.get('transfer-encoding') ?? '')) return { kind: 'chunkLine' };
  // A length on an endless stream is a habit of some firmware; the first of several counts.
  const isEndless = /^multipart\//i.test(headers.get('content-type') ?? '');
  const length = /^\d{1,12}/.exec(headers.get('content-length') ?? '')?.[0];
  return length === undefined || isEndless ? { kind: 'toEnd' } : { kind: 'length', left: Number(length) };
}

function notHttp(why: string): NvrError {
  return new NvrError('protocol', `The camera’s web server cannot be read: ${why}`);
}
