// Addresses of cameras as users paste them: only the schemes a driver speaks, nothing that another program would have to
// open, and no credentials inside, because an address is stored and shown in clear.

import { isIPv4 } from 'node:net';
import { NvrError } from '../core/nvr-error.ts';
import { isForbiddenDestination } from './address-rules.ts';

/** Longest address. */
export const MAX_URL_CHARS = 2048;
/** 322 is registered for RTSP over TLS; cameras that use another port say so in their address. */
const DEFAULT_PORTS = { http: 80, https: 443, rtsp: 554, rtsps: 322 } as const;

/** Schemes that Perch speaks. */
export type UrlScheme = keyof typeof DEFAULT_PORTS;

/** An address taken apart. */
export type CameraUrl = {
  readonly scheme: UrlScheme;
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
  /** Path and query, at least `/`; may contain the placeholders `{username}` and `{password}`. */
  readonly target: string;
  /** `host` or `host:port`, as in a Host header. */
  readonly authority: string;
};

/** What {@link separateCredentials} found inside an address. */
export type SeparatedUrl = { readonly url: string; readonly username?: string; readonly password?: string };

const PARTS = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?(\[[^\]]*\]|[^/?#:@]*)(?::([^/?#]*))?([/?#].*)?$/i;
const HOST_NAME = /^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$/i;
/** `127.1`, `0x7f000001` and the like: addresses that are not written like one. */
const NUMERIC_HOST = /^(?:[\d.]+|0x[0-9a-f.x]*)$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const UNPRINTABLE = /[\x00-\x20\x7f-\uffff"<>\\^`]/;
/** Names of credentials in queries and, on some firmware, in paths (`/user=admin&password=1&channel=1.sdp`). */
const USER_FIELD =
  /([/?&;_]|^)((?:user(?:name)?|usr|loginuse|login)=)([^&/?;#]*?)(?=_(?:pass|channel|stream)|[&/?;#]|$)/i;
const PASSWORD_FIELD =
  /([/?&;_]|^)((?:password|passwd|pass|pwd|loginpas)=)([^&/?;#]*?)(?=_(?:channel|stream|user)|[&/?;#]|$)/i;

function bad(problem: string): NvrError {
  return new NvrError('bad_input', `url: ${problem}`, { context: { field: 'url' } });
}

/**
 * Takes an address apart.
 * @param schemes those the driver speaks
 * @throws NvrError `bad_input` naming the field `url`; the message never repeats the address
 */
export function parseCameraUrl(text: string, schemes: readonly UrlScheme[]): CameraUrl {
  const list = schemes.map((each) => `${each}://`).join(' or ');
  if (text.length > MAX_URL_CHARS) throw bad(`it is longer than ${MAX_URL_CHARS} characters`);
  if (UNPRINTABLE.test(text)) throw bad('it contains a character that an address cannot have');
  const parts = PARTS.exec(text);
  const scheme = (parts?.[1] ?? '').toLowerCase() as UrlScheme;
  if (!parts || !schemes.includes(scheme)) throw bad(`it must begin with ${list}`);
  const [, , userInfo, host = '', port, rest = ''] = parts;
  if (userInfo !== undefined) throw bad('leave the user name and password out of it; they have their own fields');
  if (host.startsWith('[')) throw bad('IPv6 addresses are not supported yet; use the IPv4 address or a name');
  if (!HOST_NAME.test(host) || (NUMERIC_HOST.test(host) && !isIPv4(host)))
    throw bad('the name of the camera is not valid');
  if (isForbiddenDestination(host)) throw bad('this is a service of the cloud provider, not a camera');
  if (hasSecret(rest))
    throw bad('leave the password out of it; write {password} in its place and use the password field');
  const number = port === undefined || port === '' ? DEFAULT_PORTS[scheme] : Number(port);
  if (!/^\d{0,5}$/.test(port ?? '') || number < 1 || number > 65535)
    throw bad('the port must be a number from 1 to 65535');
  const target = rest.replace(/#.*$/, '');
  return {
    scheme,
    isTls: scheme === 'https' || scheme === 'rtsps',
    host: host.toLowerCase(),
    port: number,
    target: target.startsWith('/') ? target : `/${target}`,
    authority: number === DEFAULT_PORTS[scheme] ? host.toLowerCase() : `${host.toLowerCase()}:${number}`,
  };
}

const isPlaceholder = (value: string) => /^(\{(username|password)\})?$/.test(value);

function hasSecret(rest: string): boolean {
  const found = PASSWORD_FIELD.exec(rest);
  return found !== null && !isPlaceholder(found[3]!);
}

/** Percent-decoding that leaves alone what is not encoded right. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Moves credentials out of an address: user information goes, values in the query or path become placeholders.
 * Never throws; what is no address comes back as it is.
 */
export function separateCredentials(text: string): SeparatedUrl {
  const trimmed = text.trim();
  const found: { username?: string; password?: string } = {};
  let url = trimmed;
  const parts = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@(.*)$/is.exec(trimmed);
  if (parts) {
    const [, scheme = '', userInfo = '', rest = ''] = parts;
    const colon = userInfo.indexOf(':');
    const username = decode(colon < 0 ? userInfo : userInfo.slice(0, colon));
    if (username !== '') found.username = username;
    if (colon >= 0) found.password = decode(userInfo.slice(colon + 1));
    url = scheme + rest;
  }
  const secret = PASSWORD_FIELD.exec(url);
  if (secret && !isPlaceholder(secret[3]!)) {
    found.password ??= decode(secret[3]!);
    const user = USER_FIELD.exec(url);
    if (user && !isPlaceholder(user[3]!)) {
      found.username ??= decode(user[3]!);
      url = url.replace(USER_FIELD, '$1$2{username}');
    }
    url = url.replace(PASSWORD_FIELD, '$1$2{password}');
  }
  return { url, ...found };
}

/** The target with its placeholders filled in. Never log the result. */
export function fillTarget(target: string, credentials: { username: string; password: string } | null): string {
  return target
    .replaceAll('{username}', encodeURIComponent(credentials?.username ?? ''))
    .replaceAll('{password}', encodeURIComponent(credentials?.password ?? ''));
}
