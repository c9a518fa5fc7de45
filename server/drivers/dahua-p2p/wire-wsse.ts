// The signature of every request to the cloud: WSSE with SHA-1 over a public constant of the app (section 3.2). It names the
// app, not a user.

import { createHash } from 'node:crypto';

/** A user and key of an app; public constants, the same for all its users. */
export type AppKey = { readonly username: string; readonly userkey: string };

/** The fields of an X-WSSE header. */
export type Wsse = {
  readonly username: string;
  readonly digest: string;
  readonly nonce: string;
  readonly created: string;
};

/** Value of the Authorization header beside it. */
export const WSSE_AUTHORIZATION = 'WSSE profile="UsernameToken"';

const MAX_HEADER_CHARS = 1024;
const FIELD = /(Username|PasswordDigest|Nonce|Created)\s*=\s*"([^"]{0,256})"/g;

/** base64(SHA1(nonce, created, "DHP2P:", user, ":", key)). */
export function wsseDigest({ username, userkey }: AppKey, nonce: string, created: string): string {
  return createHash('sha1').update(`${nonce}${created}DHP2P:${username}:${userkey}`).digest('base64');
}

/** The X-WSSE header. `created` is UTC as YYYY-MM-DDTHH:MM:SSZ. */
export function encodeWsse(key: AppKey, nonce: string, created: string): string {
  const digest = wsseDigest(key, nonce, created);
  return `UsernameToken Username="${key.username}", PasswordDigest="${digest}", Nonce="${nonce}", Created="${created}"`;
}

/** Reads an X-WSSE header in any order and spacing; `null` when a field is missing. */
export function parseWsse(text: string): Wsse | null {
  const fields = new Map<string, string>();
  for (const [, name = '', value = ''] of text.slice(0, MAX_HEADER_CHARS).matchAll(FIELD)) {
    if (!fields.has(name)) fields.set(name, value);
  }
  const username = fields.get('Username');
  const digest = fields.get('PasswordDigest');
  const nonce = fields.get('Nonce');
  const created = fields.get('Created');
  if (username === undefined || digest === undefined || nonce === undefined || created === undefined) return null;
  return { username, digest, nonce, created };
}

/** What a server says to a header; time and repeated nonces are its own affair. */
export type WsseVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'UNKNOWN_USER' | 'DIGEST_MISMATCH' };

/** The server's side, for the simulator. */
export function verifyWsse(keys: readonly AppKey[], xWsse: string): WsseVerdict {
  const wsse = parseWsse(xWsse);
  const key = keys.find(({ username }) => username === wsse?.username);
  if (!wsse || !key) return { ok: false, reason: 'UNKNOWN_USER' };
  const isSame = wsseDigest(key, wsse.nonce, wsse.created) === wsse.digest;
  return isSame ? { ok: true } : { ok: false, reason: 'DIGEST_MISMATCH' };
}
