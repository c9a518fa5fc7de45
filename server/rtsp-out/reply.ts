// Replies as text, and errors as replies. Pure.

import { type ErrorCode, toNvrError } from '../core/nvr-error.ts';
import { encodeRtsp } from '../media/rtsp.ts';

/** One reply. */
export type Reply = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Nothing is said after it. */
  readonly last?: boolean;
  /** Done when it has been written. */
  readonly afterwards?: () => void;
};

/** What is answered to OPTIONS and to what cannot be done here. */
export const METHOD_LIST = 'OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER';
/** The same one by one. */
export const METHODS: ReadonlySet<string> = new Set(METHOD_LIST.split(', '));
/** Basic, because passwords are stored as hashes: Digest needs them in clear. */
const CHALLENGE = 'Basic realm="Perch", charset="UTF-8"';

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  454: 'Session Not Found',
  455: 'Method Not Valid In This State',
  459: 'Aggregate Operation Not Allowed',
  461: 'Unsupported Transport',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  bad_input: 400,
  protocol: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 415,
  rate_limited: 429,
  unavailable: 503,
  timeout: 503,
  exhausted: 503,
};

/** An error as a reply; what went wrong inside is not told. */
export function replyOf(error: unknown): Reply {
  const { code, context } = toNvrError(error);
  const status = STATUS[code] ?? 500;
  const { retryAfterMs } = context;
  const headers = {
    ...(status === 401 && { 'WWW-Authenticate': CHALLENGE }),
    ...(typeof retryAfterMs === 'number' && { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) }),
  };
  return { status, headers };
}

/** @param sequence the request's CSeq, `null` when it had none that may be repeated */
export function encodeReply({ status, headers = {}, body = '' }: Reply, sequence: string | null): string {
  const all = { ...(sequence !== null && { CSeq: sequence }), Server: 'Perch', ...headers };
  return encodeRtsp(`RTSP/1.0 ${status} ${REASONS[status] ?? 'Status'}`, all, body);
}

/** A CSeq that may be repeated, else `null`. */
export function sequenceOf(text: string | undefined): string | null {
  return text !== undefined && /^\d{1,10}$/.test(text) ? text : null;
}
