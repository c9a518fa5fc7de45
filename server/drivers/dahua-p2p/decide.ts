// What the client does next, decided on what a server said (section 3.5). Pure.

import type { Endpoint } from '../../net/net.ts';
import { signalTiming } from './dialect.ts';
import {
  addressKey,
  type Body,
  type DhResponse,
  decryptAddress,
  parseCandidates,
  parseDate,
  parseEndpoint,
  parseIdentify,
} from './wire.ts';

/** What was asked. */
export type Asked =
  | 'probe/p2psrv'
  | 'online/p2psrv'
  | 'probe/device'
  | 'info/device'
  | 'online/relay'
  | 'p2p-channel'
  | 'relay/agent'
  | 'relay/start'
  | 'relay-channel'
  | 'relay/unbind';

/** What is known about the request that an answer belongs to. */
export type Pending = {
  readonly endpoint: Asked;
  /** 0: without, 1: with the device password. */
  readonly type: 0 | 1;
  readonly hasCredentials: boolean;
  /** How often an answer of this kind came, counting this one. */
  readonly attempt: number;
};

/** The next step. */
export type Action =
  | 'DONE'
  | 'KEEP_WAITING'
  | 'RESYNC_CLOCK_AND_RETRY'
  | 'FAIL_CLIENT_AUTH'
  | 'SWITCH_TO_TYPE_1'
  | 'FAIL_DEVICE_AUTH_REQUIRED'
  | 'REFRESH_SALT_AND_RETRY'
  | 'RETRY_FRESH_AUTH'
  | 'FAIL_DEVICE_AUTH'
  | 'TRY_NEXT_PROFILE'
  | 'FAIL_NOT_FOUND'
  | 'CONTINUE_WITH_WARNING'
  | 'RETRY'
  | 'FAIL';

const MAX_FRESH_AUTH = 3;

/** See {@link Action}. */
export function chooseAction(response: Pick<DhResponse, 'code' | 'body'>, pending: Pending): Action {
  const { code, body } = response;
  const { endpoint, attempt } = pending;
  if (code < 200) return 'KEEP_WAITING';
  if (code < 300) return 'DONE';
  if (endpoint === 'relay/unbind') return 'DONE';
  if (code === 401) return attempt < signalTiming.maxUnauthorized ? 'RESYNC_CLOCK_AND_RETRY' : 'FAIL_CLIENT_AUTH';
  if (code === 403) return chooseAfterForbidden(body?.get('Error') ?? '', pending);
  if (code === 404) {
    if (endpoint === 'probe/device' || endpoint === 'info/device') return 'CONTINUE_WITH_WARNING';
    return endpoint === 'online/p2psrv' || endpoint === 'p2p-channel' ? 'TRY_NEXT_PROFILE' : 'FAIL';
  }
  return attempt < signalTiming.maxServerErrors ? 'RETRY' : 'FAIL';
}

function chooseAfterForbidden(error: string, { endpoint, type, hasCredentials, attempt }: Pending): Action {
  if (endpoint !== 'p2p-channel' && endpoint !== 'relay-channel') return 'FAIL';
  if (error === 'DevPwd_InvalidNonce') return attempt <= MAX_FRESH_AUTH ? 'RETRY_FRESH_AUTH' : 'FAIL_DEVICE_AUTH';
  if (type === 0) return hasCredentials ? 'SWITCH_TO_TYPE_1' : 'FAIL_DEVICE_AUTH_REQUIRED';
  return error === 'DevPwd_InvalidSalt' && attempt === 1 ? 'REFRESH_SALT_AND_RETRY' : 'FAIL_DEVICE_AUTH';
}

/** Seconds to add to the local clock; `null` when the date is unusable or absurd. */
export function clockOffset(date: string | undefined, localUnix: number): number | null {
  const server = parseDate(date);
  if (server === null) return null;
  const offset = server - localUnix;
  return Math.abs(offset) > MAX_OFFSET_SECONDS ? null : offset;
}
const MAX_OFFSET_SECONDS = 10 * 365 * 86_400;

/** When a request is sent, and when it is given up. */
export type RetryPlan = { readonly sendAtMs: readonly number[]; readonly giveUpAtMs: number };

/** Waits that double: sends at 0, 0.5, 1.5... while before the total. */
export function planRetries(rule: {
  readonly initialMs: number;
  readonly factor: number;
  readonly maxWindowMs: number;
  readonly totalMs: number;
}): RetryPlan {
  const sendAtMs: number[] = [];
  let windowMs = rule.initialMs;
  for (let atMs = 0; atMs < rule.totalMs; ) {
    sendAtMs.push(atMs);
    atMs += windowMs;
    windowMs = Math.min(windowMs * rule.factor, rule.maxWindowMs);
  }
  return { sendAtMs, giveUpAtMs: rule.totalMs };
}

/** Where the device can be reached (section 4.2). */
export type NatInfo = {
  readonly identify: Uint8Array | null;
  readonly pubAddr: Endpoint | null;
  readonly portMapAddr: Endpoint | null;
  readonly localCandidates: readonly Endpoint[];
  readonly policy: readonly string[];
  readonly version: string;
};

/** Reads the final answer of `p2p-channel`; what cannot be read is left out. `key`: K of the device password, if type 1. */
export async function readNatInfo(body: Body, key: string | null): Promise<NatInfo> {
  return {
    identify: attempt(() => parseIdentify(body.get('Identify') ?? '')),
    pubAddr: attempt(() => parseEndpoint(body.get('PubAddr') ?? '')),
    portMapAddr: attempt(() => parseEndpoint(body.get('PortMapAddr') ?? '')),
    localCandidates: await readLocal(body, key),
    policy: (body.get('Policy') ?? '').split(',').filter((each) => each !== ''),
    version: (body.get('version') ?? '').replace(/[^\w.-]/g, '').slice(0, 32),
  };
}

async function readLocal(body: Body, key: string | null): Promise<Endpoint[]> {
  const text = body.get('LocalAddr') ?? '';
  if (body.get('IpEncrptV2') !== 'true') return parseCandidates(text, body.get('IpEncrpt') === 'true');
  const nonce = Number(body.get('Nonce'));
  if (key === null || !Number.isSafeInteger(nonce)) return [];
  const dk = await addressKey(key, nonce);
  return attempt(() => parseCandidates(decryptAddress(dk, text), false)) ?? [];
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
