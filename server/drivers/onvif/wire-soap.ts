// SOAP 1.2 envelopes (ONVIF Core 5.x) with a WS-Security UsernameToken: the password goes as a digest, never in clear.

import { createHash, randomBytes } from 'node:crypto';
import type { Credentials } from '../../net/http-auth.ts';
import { escapeXml, find, parseXml, text, type XmlElement } from './wire-xml.ts';

const SOAP = 'http://www.w3.org/2003/05/soap-envelope';
const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const TOKEN_PROFILE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0';
const ENCODING = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary';
const NONCE_BYTES = 16;

/** Media type of a request. */
export const SOAP_TYPE = 'application/soap+xml; charset=utf-8';

/** What stands in a UsernameToken. */
export type UsernameToken = {
  readonly username: string;
  readonly digest: string;
  /** Base64. */
  readonly nonce: string;
  readonly created: string;
};

/** Base64(SHA-1(nonce, created, password)): Username Token Profile 1.0. */
export function tokenDigest(nonce: Uint8Array, created: string, password: string): string {
  return createHash('sha1').update(nonce).update(created).update(password, 'utf8').digest('base64');
}

/** A token for one request. @param atMs the device's time: it refuses what seems old */
export function usernameToken({ username, password }: Credentials, atMs: number): UsernameToken {
  const nonce = randomBytes(NONCE_BYTES);
  const created = new Date(atMs).toISOString();
  return { username, digest: tokenDigest(nonce, created, password), nonce: nonce.toString('base64'), created };
}

/** An envelope around a body that is XML already. */
export function encodeEnvelope(body: string, token: UsernameToken | null): string {
  const header = token
    ? `<s:Header><Security s:mustUnderstand="1" xmlns="${WSSE}"><UsernameToken><Username>${escapeXml(token.username)}</Username>` +
      `<Password Type="${TOKEN_PROFILE}#PasswordDigest">${token.digest}</Password>` +
      `<Nonce EncodingType="${ENCODING}">${token.nonce}</Nonce>` +
      `<Created xmlns="${WSU}">${token.created}</Created></UsernameToken></Security></s:Header>`
    : '';
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${SOAP}">${header}<s:Body>${body}</s:Body></s:Envelope>`;
}

/** An answer: the element in its body, or what it complains of. */
export type SoapAnswer =
  | { readonly kind: 'answer'; readonly body: XmlElement }
  /** `codes`: all fault codes without prefixes, outermost first. Its words are hostile. */
  | { readonly kind: 'fault'; readonly codes: readonly string[]; readonly reason: string };

/** Reads an envelope. @throws NvrError `protocol` when it is none */
export function parseEnvelope(xml: string): SoapAnswer | null {
  const envelope = parseXml(xml);
  const body = envelope.name === 'Envelope' ? find(envelope, 'Body') : undefined;
  const content = body?.children[0];
  if (!content) return null;
  if (content.name !== 'Fault') return { kind: 'answer', body: content };
  const codes: string[] = [];
  // SOAP 1.2 has nested codes; some firmware answers with a fault of SOAP 1.1.
  for (let code = find(content, 'Code'); code; code = find(code, 'Subcode')) codes.push(text(code, 'Value'));
  codes.push(text(content, 'faultcode'));
  const reason = text(content, 'Reason', 'Text') || text(content, 'faultstring');
  return { kind: 'fault', codes: codes.filter((code) => code !== '').map(withoutPrefix), reason };
}

const withoutPrefix = (name: string) => name.slice(name.lastIndexOf(':') + 1);

/** The token of a request, for the simulator; `null` when there is none. */
export function readToken(xml: string): UsernameToken | null {
  const token = find(parseXml(xml), 'Header', 'Security', 'UsernameToken');
  if (!token) return null;
  return {
    username: text(token, 'Username'),
    digest: text(token, 'Password'),
    nonce: text(token, 'Nonce'),
    created: text(token, 'Created'),
  };
}
