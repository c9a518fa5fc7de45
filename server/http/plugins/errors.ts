// The only place that knows both error codes and HTTP. Every failure leaves as application/problem+json (RFC 9457).

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, isNvrError, NvrError } from '../../core/nvr-error.ts';
import type { App } from '../app.ts';
import { describeInvalid } from '../schemas/invalid.ts';

/** HTTP status of each code. `cancelled` reaches a client only when Perch itself is stopping. */
const statusOf: Readonly<Record<ErrorCode, number>> = {
  bad_input: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  internal: 500,
  protocol: 502,
  refused: 502,
  unavailable: 503,
  cancelled: 503,
  timeout: 504,
  exhausted: 507,
};

/** What a client reads instead of the message of a 5xx, which may hold addresses or paths. */
const hiddenDetail: Readonly<Record<number, string>> = {
  500: "Something went wrong inside Perch. Its log says more; look for this reply's requestId.",
  502: 'The camera answered with something Perch cannot use.',
  503: 'Not available at the moment; try again shortly.',
  504: 'The camera did not answer in time.',
  507: 'There is no space left to do this.',
};

/** The same for causes that the reader can do something about: `context.reason` of the error. */
const detailOfReason: Readonly<Record<string, string>> = {
  soundDecoder:
    "Perch cannot decode this camera's sound: its ffmpeg is missing or fails, and Perch's log says why. AAC is also at `audio`, as the camera sends it.",
};

/** Codes for failures that HTTP itself finds, before any of our code runs. */
const codeOfStatus: Readonly<Record<number, string>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  421: 'misdirected',
  429: 'rate_limited',
  503: 'unavailable',
};

/** Codes of the system and of SQLite for a disk that is full. */
const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL']);

/** A client's mistake that only HTTP has a word for (413, 415, 421...). */
export class HttpProblem extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.name = 'HttpProblem';
    this.statusCode = statusCode;
  }
}

/** The body of every error reply. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** The fields of the request that are wrong, as `settings.host`. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  readonly requestId?: string;
};

/** Any thrown value as the reply it becomes. */
export function problemOf(error: unknown, requestId: string): Problem {
  const reason = isNvrError(error) ? String(error.context.reason) : '';
  const problem = (status: number, code: string, detail: string, errors?: Problem['errors']): Problem => ({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: status >= 500 ? (detailOfReason[reason] ?? hiddenDetail[status] ?? hiddenDetail[500]!) : detail,
    code,
    ...(errors && errors.length > 0 ? { errors } : {}),
    ...(status >= 500 ? { requestId } : {}),
  });
  if (isNvrError(error)) return problem(statusOf[error.code], error.code, error.message);
  if (error instanceof Error) {
    const invalid = describeInvalid(error as FastifyError);
    if (invalid) return problem(400, 'bad_input', invalid.detail, invalid.errors);
    const status = (error as { statusCode?: unknown }).statusCode;
    if (typeof status === 'number' && status >= 400 && status < 500) {
      return problem(status, codeOfStatus[status] ?? 'bad_input', error.message);
    }
    if (fullCodes.has(String((error as { code?: unknown }).code))) return problem(507, 'exhausted', '');
    if (status === 503) return problem(503, 'unavailable', error.message);
  }
  return problem(500, 'internal', 'internal');
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemOf(error, request.id);
  if (problem.status >= 500) {
    const facts = { err: error, status: problem.status, method: request.method, route: request.routeOptions.url };
    if (problem.status === 500) request.log.error(facts, 'Request failed');
    else request.log.warn(facts, 'Request could not be served');
  }
  const retryAfterMs = isNvrError(error) ? error.context.retryAfterMs : undefined;
  if (typeof retryAfterMs === 'number') reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

/** What browsers are told where the hooks of `security-headers.ts` do not run. Such a reply is never a page. */
const BARE_HEADERS = {
  'content-security-policy': "default-src 'none';script-src 'self';style-src 'self';frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** What Fastify itself finds wrong before a route is known (an address that does not decode, a name far too long). */
export function refuseAddress(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode === 414 ? 414 : 400; // its message repeats the address with the query: not ours
  reply.headers(BARE_HEADERS); // no hook runs for such a request
  sendProblem(request, reply, new HttpProblem(status, 'The address is not one that Perch can read'));
}

/** Statuses of what Node finds wrong before there is a request. */
const statusOfParser: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

const bareReplies = new Map<number, string>();

/** The whole reply as text. Made once: a thousand slow senders time out in the same moment. */
function bareReply(status: number): string {
  const known = bareReplies.get(status);
  if (known !== undefined) return known;
  const body = JSON.stringify(problemOf(new HttpProblem(status, 'The request could not be read'), ''));
  const headers = Object.entries({
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...BARE_HEADERS,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const reply = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join('')}\r\n${body}`;
  bareReplies.set(status, reply);
  return reply;
}

/** Answers bytes that are not HTTP, headers that are too long, requests that never end; then hangs up. */
export function refuseBytes(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(bareReply(statusOfParser[error.code ?? ''] ?? 400));
  socket.destroySoon();
}

/** Installs the error and not-found handlers for the whole server. */
export function installErrors(app: App): void {
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error));
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, nothingAt(request)));
}

/** The error for an address that leads nowhere. */
export function nothingAt(request: FastifyRequest): NvrError {
  return new NvrError('not_found', `There is nothing at ${request.method} ${pathOf(request.url)}`);
}

const MAX_ECHOED_PATH = 200;

/** The path of a URL without its query, which may hold a token. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0]!.slice(0, MAX_ECHOED_PATH);
}
