// The only fetch. Every call answers with a result union; nothing here throws, and errors are plain sentences.

import type {
  AuditEntry,
  CameraInfo,
  CameraTest,
  CameraTimeline,
  ChannelSearch,
  Discovered,
  DriverInfo,
  DriverSettings,
  EncoderInfo,
  EventEntry,
  ExportEstimate,
  ExportJob,
  ExportSpan,
  MediaOutputs,
  OnvifAnswer,
  ReachedStep,
  RecordedDay,
  Rehearsal,
  Segment,
  SessionInfo,
  Storage,
  SystemSettings,
  Timelines,
  Token,
  TokenScope,
  UrlCheck,
  User,
} from './api-types.ts';
import { urlOf } from './base.ts';

/** Why a call did not work. `message` is a sentence for the user; `code` is Perch's, or `network`. */
export type ApiError = { readonly status: number; readonly code: string; readonly message: string };
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

const TIMEOUT_MS = 30_000;
const MAX_MESSAGE_LENGTH = 400;
const UNREACHABLE: ApiError = {
  status: 0,
  code: 'network',
  message: 'Perch does not answer. Is it running, and is this device on the same network?',
};

const sentences: Readonly<Record<number, string>> = {
  401: 'Please sign in again.',
  403: 'Your account may not do that.',
  404: 'That no longer exists.',
  409: 'Somebody changed this at the same time, or the name is taken.',
  413: 'That is too much data at once.',
  421: 'Perch was not told about this host name. Set PERCH_ALLOWED_HOSTS, or open Perch by its address.',
  429: 'Too many tries. Wait a minute, then try again.',
  503: 'Perch is busy or starting. Try again in a moment.',
  507: 'The disk is full.',
};

let onSignedOut: () => void = () => {};

/** The session hears here that the server no longer knows us. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

function sentenceOf(status: number, problem: { detail?: unknown; title?: unknown } | null): string {
  const text = typeof problem?.detail === 'string' && problem.detail !== '' ? problem.detail : problem?.title;
  if (status < 500 && typeof text === 'string' && text !== '') return text.slice(0, MAX_MESSAGE_LENGTH);
  if (sentences[status]) return sentences[status];
  if (typeof text === 'string' && text !== '') return text.slice(0, MAX_MESSAGE_LENGTH);
  return status >= 500 ? 'Something went wrong in Perch. Its log says more.' : `Perch refused that (${status}).`;
}

async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<Result<T>> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(urlOf(path), {
      method,
      cache: 'no-store',
      credentials: 'same-origin',
      headers:
        body === undefined
          ? { accept: 'application/json' }
          : { accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch {
    return {
      ok: false,
      error: signal?.aborted ? { status: 0, code: 'cancelled', message: 'Cancelled.' } : UNREACHABLE,
    };
  }
  const text = await response.text().catch(() => '');
  let json: unknown = null;
  try {
    json = text === '' ? null : JSON.parse(text);
  } catch {
    // A proxy's error page: the status says enough.
  }
  if (response.ok) return { ok: true, value: json as T };
  const problem = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : null;
  if (response.status === 401 && !path.startsWith('api/session')) onSignedOut();
  const code = typeof problem?.code === 'string' ? problem.code : 'internal';
  return { ok: false, error: { status: response.status, code, message: sentenceOf(response.status, problem) } };
}

/** Told of each step that Perch has reached. */
type OnStep = (step: ReachedStep) => void;

/** A call that is answered in lines: steps as they happen, then the result. */
async function watch<T>(path: string, body: object, onStep: OnStep, signal: AbortSignal): Promise<Result<T>> {
  const broken: Result<T> = { ok: false, error: UNREACHABLE };
  try {
    const response = await fetch(urlOf(path), {
      method: 'POST',
      cache: 'no-store',
      credentials: 'same-origin',
      headers: { accept: 'application/x-ndjson', 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (!response.ok) {
      const problem = (await response.json().catch(() => null)) as Record<string, unknown> | null;
      if (response.status === 401) onSignedOut();
      const code = typeof problem?.code === 'string' ? problem.code : 'internal';
      return { ok: false, error: { status: response.status, code, message: sentenceOf(response.status, problem) } };
    }
    let rest = '';
    const text = new TextDecoder();
    for (const reader = response.body?.getReader(); reader; ) {
      const { done, value } = await reader.read();
      const lines = (rest + text.decode(value, { stream: !done })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const said = JSON.parse(line) as { step?: ReachedStep; result?: T };
        if (said.step) onStep(said.step);
        if (said.result) return { ok: true, value: said.result };
      }
      if (done) break;
    }
    return broken;
  } catch {
    return signal.aborted ? { ok: false, error: { status: 0, code: 'cancelled', message: 'Cancelled.' } } : broken;
  }
}

const seg = encodeURIComponent;

function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) params.set(name, String(value));
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

/** Everything the dashboard asks of Perch. */
export const api = {
  session: () => call<SessionInfo>('GET', 'api/session'),
  setUp: (username: string, password: string) => call<unknown>('POST', 'api/setup', { username, password }),
  signIn: (username: string, password: string) => call<unknown>('POST', 'api/session', { username, password }),
  signOut: () => call<unknown>('DELETE', 'api/session'),

  drivers: () => call<DriverInfo[]>('GET', 'api/drivers'),
  cameras: () => call<CameraInfo[]>('GET', 'api/cameras'),
  camera: (ref: string) => call<CameraInfo>('GET', `api/cameras/${seg(ref)}`),
  addCamera: (camera: {
    name: string;
    driver: string;
    settings: DriverSettings;
    recording?: object;
    subSource?: { driver: string; settings: DriverSettings };
  }) => call<CameraInfo>('POST', 'api/cameras', camera),
  changeCamera: (ref: string, patch: object) => call<CameraInfo>('PATCH', `api/cameras/${seg(ref)}`, patch),
  deleteCamera: (ref: string, recordings: 'keep' | 'delete') =>
    call<unknown>('DELETE', `api/cameras/${seg(ref)}${recordings === 'delete' ? '?recordings=delete' : ''}`),
  testCamera: (
    test: { driver: string; settings: DriverSettings; camera?: string; source?: 'sub' },
    onStep: OnStep,
    signal: AbortSignal,
  ) => watch<CameraTest>('api/cameras/test', test, onStep, signal),
  channels: (driver: string, settings: DriverSettings, onStep: OnStep, signal: AbortSignal) =>
    watch<ChannelSearch>(`api/drivers/${seg(driver)}/channels`, { settings }, onStep, signal),
  restartCamera: (ref: string) => call<unknown>('POST', `api/cameras/${seg(ref)}/restart`),
  releaseCamera: (ref: string, minutes: number) =>
    call<unknown>('POST', `api/cameras/${seg(ref)}/release`, { minutes }),
  record: (ref: string, action: 'start' | 'stop' | 'auto') =>
    call<unknown>('POST', `api/cameras/${seg(ref)}/recording`, { action }),
  checkUrls: (ref: string, token: string) => call<UrlCheck[]>('POST', `api/cameras/${seg(ref)}/url-checks`, { token }),
  outputs: () => call<MediaOutputs>('GET', 'api/outputs'),
  onvifProfiles: (device: { url: string; username?: string; password?: string }, signal?: AbortSignal) =>
    call<OnvifAnswer>('POST', 'api/drivers/onvif/profiles', device, signal),
  discover: (signal?: AbortSignal) => call<{ found: Discovered[] }>('POST', 'api/discovery', undefined, signal),

  segments: (
    ref: string,
    span: { from: string; to: string; cursor?: string | undefined; limit?: number; order?: 'asc' | 'desc' },
    signal?: AbortSignal,
  ) =>
    call<{ segments: Segment[]; next: string | null }>(
      'GET',
      `api/cameras/${seg(ref)}/segments${query(span)}`,
      undefined,
      signal,
    ),
  protectSegment: (id: string, isProtected: boolean) =>
    call<Segment>('PATCH', `api/segments/${seg(id)}`, { protected: isProtected }),
  timelines: (span: { from: string; to: string }, signal?: AbortSignal) =>
    call<Timelines>('GET', `api/timeline${query(span)}`, undefined, signal),
  timeline: (ref: string, span: { from: string; to: string }, signal?: AbortSignal) =>
    call<CameraTimeline>('GET', `api/cameras/${seg(ref)}/timeline${query(span)}`, undefined, signal),
  days: (ref: string) => call<RecordedDay[]>('GET', `api/cameras/${seg(ref)}/days`),
  exports: () => call<ExportJob[]>('GET', 'api/exports'),
  estimateExport: (span: ExportSpan, signal?: AbortSignal) =>
    call<ExportEstimate>('POST', 'api/exports/estimate', span, signal),
  addExport: (span: ExportSpan) => call<ExportJob>('POST', 'api/exports', span),
  deleteExport: (id: string) => call<unknown>('DELETE', `api/exports/${seg(id)}`),
  deleteSegment: (id: string) => call<unknown>('DELETE', `api/segments/${seg(id)}`),
  storage: (days = 0) => call<Storage>('GET', `api/storage?days=${days}`),
  settings: () => call<SystemSettings>('GET', 'api/settings'),
  changeSettings: (patch: Partial<SystemSettings>) => call<SystemSettings>('PATCH', 'api/settings', patch),
  encoders: () => call<EncoderInfo[]>('GET', 'api/encoders'),
  rehearse: (ref: string, recording: object, signal: AbortSignal) =>
    call<Rehearsal>('POST', `api/cameras/${seg(ref)}/recording/rehearsal`, { recording }, signal),
  events: (
    filter: { camera?: string | undefined; cursor?: string | undefined; limit?: number; from?: string; to?: string },
    signal?: AbortSignal,
  ) => call<{ events: EventEntry[]; next: string | null }>('GET', `api/events${query(filter)}`, undefined, signal),

  users: () => call<User[]>('GET', 'api/users'),
  addUser: (user: { username: string; password: string; role: string; cameras: readonly string[] | null }) =>
    call<User>('POST', 'api/users', user),
  changeUser: (id: string, patch: object) => call<User>('PATCH', `api/users/${seg(id)}`, patch),
  deleteUser: (id: string) => call<unknown>('DELETE', `api/users/${seg(id)}`),
  audit: ({ before, limit }: { before?: string | undefined; limit: number }) =>
    call<AuditEntry[]>('GET', `api/audit?limit=${limit}${before ? `&before=${seg(before)}` : ''}`),
  tokens: () => call<Token[]>('GET', 'api/tokens'),
  addToken: (token: { name: string; scope: TokenScope; cameras: readonly string[] | null; expiresAt?: string }) =>
    call<{ id: string; token: string }>('POST', 'api/tokens', token),
  deleteToken: (id: string) => call<unknown>('DELETE', `api/tokens/${seg(id)}`),
};

/** Opens the body of a media URL of this Perch for reading (sound); the caller aborts it. @throws nothing: `null` instead */
export async function openMedia(
  path: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null> {
  try {
    const response = await fetch(urlOf(path), { cache: 'no-store', credentials: 'same-origin', signal });
    return response.ok ? response.body : null;
  } catch {
    return null;
  }
}

/** A media URL's bytes, or why there are none. */
export type MediaReply =
  | { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly ok: false; readonly status: number; readonly message: string };

/** Reads a media URL of this Perch whole, or a range of it. @param path relative to Perch, or absolute */
export async function fetchMedia(
  path: string,
  range: string | null,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<MediaReply> {
  try {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(urlOf(path), {
      credentials: 'same-origin',
      signal: timeout,
      ...(range === null ? {} : { headers: { range } }),
    });
    if (response.ok) return { ok: true, bytes: new Uint8Array(await response.arrayBuffer()) };
    if (response.status === 401) onSignedOut();
    const problem = (await response.json().catch(() => null)) as { detail?: unknown; title?: unknown } | null;
    return { ok: false, status: response.status, message: sentenceOf(response.status, problem) };
  } catch {
    return { ok: false, status: 0, message: signal.aborted ? 'Cancelled.' : UNREACHABLE.message };
  }
}
