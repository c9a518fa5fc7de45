// The device password in the signalling ("type 1") and the encrypted texts around it (section 5). The password itself never
// travels; who listens sees an HMAC over a nonce.

import { createCipheriv, createDecipheriv, createHash, createHmac, pbkdf2 } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { promisify } from 'node:util';
import { wireError } from './wire-error.ts';
import { encodeBody } from './wire-xml.ts';

/** Salt of devices that publish none. */
export const DEFAULT_RANDSALT = '5daf91fc5cfc1be8e081cfb08f792726';
const ADDR_IV = Buffer.from('2z52*lk9o6HRyJrf');
const INFO_KEY = Buffer.from('kRjmsUB&ezmdGLL67H#$ojw@XflcaIaf');
const INFO_IV = Buffer.from('MydvJw*Iw1w&i^kk');
const CIPHER = 'aes-256-ofb';
const ITERATIONS = 20_000;
const KEY_BYTES = 32;
const MAX_BASE64_CHARS = 4096;

const pbkdf2Async = promisify(pbkdf2);

/** K: upper hexadecimal MD5, used as text. */
export function deviceKey(username: string, password: string, randSalt: string): string {
  return createHash('md5').update(`${username}:Login to ${randSalt}:${password}`).digest('hex').toUpperCase();
}

/** Derivations that run in the thread pool: a clock of a test must not run ahead of them. */
export const keysUnderWay = new Set<Promise<Buffer>>();

/** DK(n); asynchronous, because 20,000 rounds would hold up every acknowledgement for 10 ms. */
export function addressKey(key: string, nonce: number): Promise<Buffer> {
  const derived = pbkdf2Async(key, String(nonce), ITERATIONS, KEY_BYTES, 'sha256');
  keysUnderWay.add(derived);
  return derived.finally(() => keysUnderWay.delete(derived));
}

/** Base64 of the encrypted address text. */
export function encryptAddress(dk: Uint8Array, plaintext: string, zeroPadTo = 0): string {
  const clear = Buffer.alloc(Math.max(zeroPadTo, Buffer.byteLength(plaintext)));
  clear.write(plaintext);
  const cipher = createCipheriv(CIPHER, dk, ADDR_IV);
  return Buffer.concat([cipher.update(clear), cipher.final()]).toString('base64');
}

/** @throws NvrError `protocol` BAD_ADDRESS: a wrong key gives noise, not an address */
export function decryptAddress(dk: Uint8Array, base64: string): string {
  const text = decrypt(dk, ADDR_IV, base64).toString('latin1');
  const [hosts = '', port = '', ...rest] = text.split(':');
  const isAddress =
    rest.length === 0 && /^\d{1,5}$/.test(port) && hosts.split(',').every((host) => isIPv4(host.trim()));
  if (!isAddress) throw wireError('BAD_ADDRESS', 'The address does not decrypt');
  return text;
}

/** base64(HMAC-SHA256(K, nonce, createDate, payload)). */
export function devAuth(key: string, nonce: number, createDate: number, payload: string): string {
  return createHmac('sha256', key).update(`${nonce}${createDate}${payload}`).digest('base64');
}

/** `/info/device` encrypted; for the simulator. */
export function encryptInfo(json: string): string {
  const cipher = createCipheriv(CIPHER, INFO_KEY, INFO_IV);
  return Buffer.concat([cipher.update(json), cipher.final()]).toString('base64');
}

/** What `/info/device` says, `null` when it says nothing. @throws NvrError `protocol` BAD_INFO */
export function decryptInfo(base64: string): Readonly<Record<string, unknown>> | null {
  if (base64.trim() === '') return null;
  try {
    const json: unknown = JSON.parse(decrypt(INFO_KEY, INFO_IV, base64).toString('utf8'));
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch {}
  throw wireError('BAD_INFO', 'The facts of the device do not decrypt');
}

function decrypt(key: Uint8Array, iv: Uint8Array, base64: string): Buffer {
  const decipher = createDecipheriv(CIPHER, key, iv);
  const bytes = Buffer.from(base64.slice(0, MAX_BASE64_CHARS), 'base64');
  const clear = Buffer.concat([decipher.update(bytes), decipher.final()]);
  let end = clear.length;
  while (end > 0 && clear[end - 1] === 0) end--;
  return clear.subarray(0, end);
}

/** Who asks, for type 1. `randSalt` empty: the device published none. */
export type DeviceLogin = { readonly username: string; readonly password: string; readonly randSalt: string };
/** Fresh for every datagram. */
export type Freshness = { readonly nonce: number; readonly createDate: number };

/** How LocalAddr of type 0 travels; reference clients claim a complement and send it plain. */
export type IpEncryptMode = 'complement' | 'legacy-plain' | 'off';

type Fields = Array<readonly [string, string]>;

function authBlock(login: DeviceLogin, { nonce, createDate }: Freshness, payload: string): Fields {
  const key = deviceKey(login.username, login.password, login.randSalt);
  return [
    ['CreateDate', String(createDate)],
    ['DevAuth', devAuth(key, nonce, createDate, payload)],
    ['Nonce', String(nonce)],
    ...(login.randSalt === '' ? [] : ([['RandSalt', login.randSalt]] as const)),
    ['UserName', login.username],
  ];
}

/** Body of `p2p-channel` without the device password. `identify` and `localAddr` are texts as they travel. */
export function channelBody0(identify: string, localAddr: string, mode: IpEncryptMode, version: string): string {
  return encodeBody([
    ['Identify', identify],
    ['IpEncrpt', mode === 'off' ? 'false' : 'true'],
    ['LocalAddr', localAddr],
    ['version', version],
  ]);
}

/** Body of `p2p-channel` with the device password; `localAddr` is clear. */
export async function channelBody1(
  identify: string,
  localAddr: string,
  login: DeviceLogin,
  freshness: Freshness,
  version: string,
): Promise<string> {
  const dk = await addressKey(deviceKey(login.username, login.password, login.randSalt), freshness.nonce);
  const encrypted = encryptAddress(dk, localAddr);
  return encodeBody([
    ...authBlock(login, freshness, encrypted),
    ['Identify', identify],
    ['IpEncrptV2', 'true'],
    ['LocalAddr', encrypted],
    ['version', version],
  ]);
}

/** Body of `relay-channel`; with `login`, of type 1. */
export function relayChannelBody(agentAddr: string, auth?: { login: DeviceLogin; freshness: Freshness }): string {
  const block = auth ? authBlock(auth.login, auth.freshness, '') : [];
  return encodeBody([...block, ['agentAddr', agentAddr]]);
}

/** Body of `relay/start`. */
export function relayStartBody(serial?: string): string {
  return encodeBody([['Client', ':0'], ...(serial === undefined ? [] : ([['Dev', serial]] as const))]);
}

/** Body of `relay/agent` in its POST form. */
export function relayAgentBody(serial: string): string {
  return encodeBody([['Dev', serial]]);
}
