// Requests to cameras over our own streams: Basic and Digest, redirects by our own rules, no cookies, no compression,
// one request per connection.

import type { Clock } from '../core/clock.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import { checkCameraAddress, checkRedirect } from './address-rules.ts';
import { type CameraUrl, parseCameraUrl } from './camera-url.ts';
import { HttpAuth, refusedError } from './http-auth.ts';
import { type HttpHeaders, HttpResponseParser } from './http-response.ts';
import type { Net } from './net.ts';
import { orAborted } from './or-aborted.ts';
import type { ByteStream } from './stream.ts';

/** Redirects followed before the camera is believed to turn in circles. */
export const MAX_REDIRECTS = 3;
/** Longest wait for the head of a response. */
export const HEAD_TIMEOUT_MS = 8000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** What is asked for. */
export type HttpRequest = {
  readonly url: CameraUrl;
  /** Path and query as sent: `url.target` with its placeholders filled in. */
  readonly target: string;
  /** Kept over requests: a Digest nonce is used again. */
  readonly auth: HttpAuth;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes it a POST. Such a request is not followed elsewhere: a redirect is returned as it is. */
  readonly body?: Uint8Array;
};

/** What a request may touch of the world. */
export type HttpWorld = { readonly net: Net; readonly clock: Clock; readonly signal: AbortSignal };

/** Told of a body: bytes (a view, valid during the call), then its end: `null` when it is whole. */
export type BodyHandler = { bytes(bytes: Uint8Array): void; end(error: NvrError | null): void };

/** A response whose head is there. Set a body handler before the next await, then `close` it. */
export interface HttpReply extends AsyncDisposable {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** `host:port` that answered, for messages. */
  readonly peer: string;
  onBody(handler: BodyHandler): void;
  close(): Promise<void>;
}

/** Where a request goes at the moment, after redirects. */
type Hop = { readonly url: CameraUrl; readonly target: string; readonly auth: HttpAuth; readonly from: string | null };

/**
 * Sends a GET or POST request; follows redirects and answers challenges. Any status but redirects and 401 is returned.
 * @throws NvrError `refused` (401, 403), `unavailable`, `timeout`, `protocol`, `bad_input` (an address that is not
 *   allowed), `cancelled`
 */
export async function openHttp(request: HttpRequest, world: HttpWorld): Promise<HttpReply> {
  let hop: Hop = { url: request.url, target: request.target, auth: request.auth, from: null };
  let redirects = 0;
  for (;;) {
    const { reply, address } = await exchange(hop, request, world);
    const { status, headers } = reply;
    if (status === 401 || status === 403) {
      await reply.close();
      if (status === 401 && hop.auth.challenge(headers.get('www-authenticate'))) continue;
      throw refusedError(reply.peer, hop.auth.hasCredentials);
    }
    if (!REDIRECTS.has(status) || request.body) {
      if (status < 400) hop.auth.accepted();
      return reply;
    }
    await reply.close();
    if (++redirects > MAX_REDIRECTS) throw redirectError(`The camera redirects more than ${MAX_REDIRECTS} times`);
    hop = follow(hop, headers.get('location'), address);
  }
}

function redirectError(message: string): NvrError {
  return new NvrError('protocol', message, { context: { reason: 'redirect' } });
}

/** The next hop. Credentials stay with the host and port that the user gave. */
function follow(hop: Hop, location: string | undefined, from: string): Hop {
  if (location === undefined) throw redirectError('The camera redirects to nowhere');
  const schemes = hop.url.isTls ? (['https'] as const) : (['http', 'https'] as const);
  const base = `${hop.url.scheme}://${hop.url.authority}`;
  const text = /^[a-z][a-z0-9+.-]*:/i.test(location)
    ? location
    : location.startsWith('//')
      ? `${hop.url.scheme}:${location}`
      : location.startsWith('/')
        ? base + location
        : base + hop.target.replace(/[^/]*(\?.*)?$/, '') + location;
  let url: CameraUrl;
  try {
    url = parseCameraUrl(text, schemes);
  } catch (error) {
    throw redirectError(`The camera redirects to an address that is not followed (${toNvrError(error).message})`);
  }
  const isSame = url.host === hop.url.host && (url.port === hop.url.port || (!hop.url.isTls && url.isTls));
  return { url, target: url.target, auth: isSame ? hop.auth : new HttpAuth(null), from };
}

async function exchange(
  hop: Hop,
  { headers, body }: Pick<HttpRequest, 'headers' | 'body'>,
  { net, clock, signal }: HttpWorld,
): Promise<{ reply: HttpReply; address: string }> {
  const { url, target, auth, from } = hop;
  const address = await orAborted(net.resolve(url.host), signal);
  if (from === null) await checkCameraAddress(net, url.host, address, url.port);
  else await checkRedirect(net, from, url.host, address, url.port);
  const stream = await net.streams.connect({
    ...{ address, port: url.port, signal },
    ...(url.isTls && { tls: { serverName: url.host } }),
  });
  const reply = new PendingReply(stream, `${url.host}:${url.port}`, clock, signal);
  const method = body ? 'POST' : 'GET';
  const authorization = auth.header(method, target);
  const lines = {
    Host: url.authority,
    'User-Agent': 'Perch',
    Accept: '*/*',
    'Accept-Encoding': 'identity',
    Connection: 'close',
    ...headers,
    ...(body && { 'Content-Length': String(body.length) }),
    ...(authorization !== null && { Authorization: authorization }),
  };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}`);
  stream.write(`${method} ${target} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
  if (body) stream.write(body);
  return { reply: await reply.head(), address };
}

class PendingReply implements HttpReply {
  status = 0;
  headers: HttpHeaders = new Map();
  readonly peer: string;
  readonly #stream: ByteStream;
  readonly #signal: AbortSignal;
  readonly #head = Promise.withResolvers<void>();
  readonly #parser: HttpResponseParser;
  readonly #onAbort = () => this.#finish(new NvrError('cancelled', 'Cancelled', { cause: this.#signal.reason }));
  readonly #cancelTimer: () => void;
  #handler: BodyHandler | null = null;
  #early: Uint8Array[] = [];
  #end: NvrError | null | undefined;

  constructor(stream: ByteStream, peer: string, clock: Clock, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
    this.peer = peer;
    this.#head.promise.catch(() => {});
    const timer = clock.after(HEAD_TIMEOUT_MS, () => {
      const message = `${peer} accepted the connection but did not answer within ${HEAD_TIMEOUT_MS / 1000} s`;
      this.#finish(new NvrError('timeout', message, { context: { peer, reason: 'stalled' } }));
    });
    this.#cancelTimer = () => timer.cancel();
    this.#parser = new HttpResponseParser({
      head: (status, headers) => {
        this.status = status;
        this.headers = headers;
        timer.cancel();
        // The body waits until somebody takes it.
        stream.pause();
        this.#head.resolve();
      },
      body: (bytes) => {
        if (this.#handler) this.#handler.bytes(bytes);
        else this.#early.push(bytes.slice());
      },
      end: () => this.#finish(null),
    });
    stream.onBytes((bytes) => this.#guard(() => this.#parser.push(bytes)));
    stream.onEnd((end) => {
      if (end) this.#finish(end);
      else this.#guard(() => this.#parser.finish());
    });
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** @returns itself when the head is there @throws NvrError why it will not be */
  async head(): Promise<HttpReply> {
    await this.#head.promise;
    return this;
  }

  onBody(handler: BodyHandler): void {
    this.#handler = handler;
    const early = this.#early;
    this.#early = [];
    // Also when the whole body came with the head, and the end is known already.
    for (const bytes of early) handler.bytes(bytes);
    if (this.#end !== undefined) handler.end(this.#end);
    else this.#stream.resume();
  }

  async close(): Promise<void> {
    this.#finish(new NvrError('cancelled', 'Closed'));
    await this.#stream.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #guard(work: () => void): void {
    if (this.#end !== undefined) return;
    try {
      work();
    } catch (error) {
      this.#finish(toNvrError(error));
    }
  }

  #finish(end: NvrError | null): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#cancelTimer();
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (end) this.#head.reject(end);
    this.#handler?.end(end);
    void this.#stream.close();
  }
}
