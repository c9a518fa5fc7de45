// Addresses as text: endpoints, lists of candidates, the complement, and Identify (sections 4.1 and 6).

import { isIPv4 } from 'node:net';
import { isUnicastIpv4 } from '../../net/ipv4.ts';
import type { Endpoint } from '../../net/net.ts';
import { wireError } from './wire-error.ts';

const MAX_PORT = 65535;
const MAX_CANDIDATES = 8;
const MAX_CHARS = 512;
const IDENTIFY_BYTES = 8;

/** `ip:port` as text. */
export const endpointText = ({ address, port }: Endpoint) => `${address}:${port}`;

const isPort = (text: string) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_PORT;

/**
 * `ip:port`; `:0` means "none" and is `null`.
 * @throws NvrError `protocol` BAD_ADDRESS
 */
export function parseEndpoint(text: string): Endpoint | null {
  const trimmed = text.trim();
  if (trimmed === ':0') return null;
  const colon = trimmed.lastIndexOf(':');
  const address = trimmed.slice(0, Math.max(0, colon));
  const port = trimmed.slice(colon + 1);
  if (colon < 0 || !isIPv4(address) || !isPort(port)) throw wireError('BAD_ADDRESS', 'An address that cannot be read');
  return { address, port: Number(port) };
}

/** Candidates of `ip[,ip...]:port`; entries without a port take the last one. Unusable entries are left out. */
export function parseCandidates(text: string, complemented: boolean): Endpoint[] {
  const clear = complemented ? complementAddresses(text) : text;
  const lastPort = /:(\d{1,5})\s*$/.exec(clear)?.[1];
  const found: Endpoint[] = [];
  for (const entry of clear.slice(0, MAX_CHARS).split(',')) {
    const [address = '', port = lastPort ?? '', ...rest] = entry.trim().split(':');
    if (rest.length > 0 || !isUnicastIpv4(address) || !isPort(port)) continue;
    if (found.length < MAX_CANDIDATES) found.push({ address, port: Number(port) });
  }
  return found;
}

/** Each decimal octet to 255 - octet; dots, commas and the port stay. Its own inverse. */
export function complementAddresses(text: string): string {
  return text
    .slice(0, MAX_CHARS)
    .replace(/(?<![\d.:])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\d.])/g, (...match) =>
      match
        .slice(1, 5)
        .map((octet) => 255 - Math.min(255, Number(octet)))
        .join('.'),
    );
}

/** Eight octets as `4a 16 eb e 33 41 6 df`. */
export function formatIdentify(identify: Uint8Array, padded: boolean): string {
  return Array.from(identify, (octet) => octet.toString(16).padStart(padded ? 2 : 1, '0')).join(' ');
}

/** One or two digits each, any case. @throws NvrError `protocol` BAD_IDENTIFY */
export function parseIdentify(text: string): Uint8Array {
  const parts = text.trim().split(/ +/);
  if (parts.length !== IDENTIFY_BYTES || !parts.every((part) => /^[0-9a-f]{1,2}$/i.test(part))) {
    throw wireError('BAD_IDENTIFY', 'Identify is not eight numbers');
  }
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}
