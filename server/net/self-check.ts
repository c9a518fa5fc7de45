// Opens Perch's own addresses as another program would: over the network, with a token, until the first bytes are there.

import { X509Certificate } from 'node:crypto';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../core/clock.ts';

/** More than this of an RTSP answer is not looked at. */
const MAX_RTSP_BYTES = 64 * 1024;
/** Any name will do beside a token. */
const USER = 'perch';

/** Where this Perch listens, and as whom to ask. */
export type SelfCheckOptions = {
  /** Address and port of the HTTP server. */
  readonly address: string;
  readonly port: number;
  /** `null` when there is no RTSP server. */
  readonly rtspPort: number | null;
  /** The Host header: the name by which the asking user knows Perch. */
  readonly host: string;
  readonly token: string;
  /** Longest wait for the first bytes. */
  readonly limitMs: number;
  /** PEM text of the server's own certificate; `null` for plain http. */
  readonly cert: string | Buffer | null;
  readonly clock: Clock;
};

/** One address to try: the path of an HTTP URL, or of an RTSP URL. */
export type SelfTarget = { readonly kind: 'http' | 'rtsp'; readonly path: string };

/** What came of it. `status` is `null` when there was no answer. */
export type SelfCheckResult = {
  readonly ok: boolean;
  readonly status: number | null;
  /** To the first byte of media. */
  readonly firstByteMs: number;
  /** The media type, or what went wrong, in words. */
  readonly detail: string;
};

type Outcome = Omit<SelfCheckResult, 'firstByteMs'>;

/** Tries one address; never rejects. */
export async function checkSelf(target: SelfTarget, options: SelfCheckOptions): Promise<SelfCheckResult> {
  const startedMs = options.clock.monoMs();
  const outcome = await (target.kind === 'http' ? askHttp(target.path, options) : askRtsp(target.path, options));
  return { ...outcome, firstByteMs: Math.round(options.clock.monoMs() - startedMs) };
}

const failed = (status: number | null, detail: string): Outcome => ({ ok: false, status, detail });
const basic = (token: string) => `Basic ${Buffer.from(`${USER}:${token}`).toString('base64')}`;
const noAnswer = (error: NodeJS.ErrnoException) => failed(null, `no answer (${error.code ?? error.message})`);
const tooSlow = (limitMs: number) => failed(null, `nothing came within ${limitMs / 1000} s`);

function askHttp(path: string, { address, port, host, token, limitMs, cert }: SelfCheckOptions): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const options = { host: address, port, path, agent: false, headers: { host, authorization: basic(token) } } as const;
  const request =
    cert === null
      ? requestHttp(options)
      : // Ourselves, on our own address: not the chain counts, but that it is our very certificate.
        requestHttps({ ...options, rejectUnauthorized: false });
  const timer = setTimeout(() => resolve(tooSlow(limitMs)), limitMs);
  request.on('socket', (socket) => {
    if (cert === null) return;
    const own = new X509Certificate(cert).fingerprint256;
    socket.once('secureConnect', () => {
      if ((socket as TLSSocket).getPeerX509Certificate()?.fingerprint256 === own) return;
      resolve(failed(null, 'another server answers there'));
      request.destroy();
    });
  });
  request.on('error', (error) => resolve(noAnswer(error)));
  request.on('response', (response) => readResponse(response, resolve));
  request.end();
  return promise.finally(() => {
    clearTimeout(timer);
    request.destroy();
  });
}

function readResponse(response: IncomingMessage, resolve: (outcome: Outcome) => void): void {
  const status = response.statusCode ?? 0;
  const type = response.headers['content-type'] ?? 'no media type';
  // A picture of "no signal" comes with 503: an answer, but not what was asked for.
  if (status >= 400) {
    resolve(failed(status, status === 503 ? 'there is no picture at the moment' : `refused with status ${status}`));
    return;
  }
  response.once('data', () => resolve({ ok: true, status, detail: type }));
  response.once('end', () => resolve(failed(status, 'an empty answer')));
  response.once('error', (error) => resolve(noAnswer(error)));
}

function askRtsp(path: string, { address, rtspPort, token, limitMs }: SelfCheckOptions): Promise<Outcome> {
  if (rtspPort === null) return Promise.resolve(failed(null, 'the RTSP server is off'));
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const socket = connect({ host: address, port: rtspPort });
  socket.setTimeout(limitMs, () => resolve(tooSlow(limitMs)));
  let answer = '';
  socket.on('error', (error) => resolve(noAnswer(error)));
  socket.on('close', () => resolve(failed(null, 'the connection was closed')));
  socket.on('data', (bytes) => {
    answer = (answer + bytes.toString('latin1')).slice(0, MAX_RTSP_BYTES);
    const status = Number(/^RTSP\/1\.\d (\d{3})/.exec(answer)?.[1] ?? 0);
    if (status === 200 && answer.includes('\nm=video')) resolve({ ok: true, status, detail: 'RTSP with video' });
    else if (status === 503) resolve(failed(status, 'there is no picture at the moment'));
    else if (status !== 200 && status !== 0) resolve(failed(status, `refused with status ${status}`));
  });
  const target = `rtsp://${address.includes(':') ? `[${address}]` : address}:${rtspPort}${path}`;
  socket.write(
    `DESCRIBE ${target} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\nAuthorization: ${basic(token)}\r\n\r\n`,
  );
  return promise.finally(() => socket.destroy());
}
