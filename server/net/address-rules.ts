// Which addresses a camera may have, and where a camera may send us on. Decided on the resolved address, which is then the
// one that is dialled: a name that changes its mind in between gains nothing.

import { NvrError } from '../core/nvr-error.ts';
import { isPrivateIpv4, isUnicastIpv4 } from './ipv4.ts';
import type { Net } from './net.ts';

/** Where cloud machines answer with their secrets to whoever asks from inside. */
const METADATA_ADDRESSES = new Set(['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16']);

/** Ports on which this process itself serves; whoever listens adds his. */
export const ownPorts = new Set<number>();

const isLinkLocal = (address: string) => address.startsWith('169.254.');
const isLoopback = (address: string) => address.startsWith('127.');

/** Whether nothing is ever sent there, whoever says so. */
export const isForbiddenDestination = (address: string): boolean => METADATA_ADDRESSES.has(address);

/** Whether one of our own listeners is there. */
export async function isPerchItself(net: Net, address: string, port: number): Promise<boolean> {
  return ownPorts.has(port) && (await isOwn(net, address));
}

/**
 * Checks where a name that the user gave leads to.
 * @throws NvrError `bad_input` naming the field
 */
export function checkCameraHost(host: string, address: string, field = 'url'): void {
  const name = `${field}: ${shown(host, address)}`;
  if (!isUnicastIpv4(address)) throw forbidden(`${name} is an address that no camera has`, field);
  if (METADATA_ADDRESSES.has(address)) {
    throw forbidden(`${name} is a service of the cloud provider, not a camera`, field);
  }
}

/**
 * Checks an address that the user gave.
 * @throws NvrError `bad_input` naming the field `url`
 */
export async function checkCameraAddress(net: Net, host: string, address: string, port: number): Promise<void> {
  checkCameraHost(host, address);
  if (await isPerchItself(net, address, port)) {
    throw forbidden('url: this is Perch itself; a camera cannot be its own source');
  }
}

/**
 * Checks an address that a camera redirects to.
 * @param from the address that sent us on
 * @throws NvrError `protocol` naming what is wrong
 */
export async function checkRedirect(
  net: Net,
  from: string,
  host: string,
  address: string,
  port: number,
): Promise<void> {
  const name = shown(host, address);
  if (!isUnicastIpv4(address) || METADATA_ADDRESSES.has(address) || (isLinkLocal(address) && address !== from)) {
    throw refused(`The camera redirects to ${name}, which is not allowed`);
  }
  const isLocal = isLoopback(address) || (await isOwn(net, address));
  if (isLocal && ownPorts.has(port)) throw refused('The camera redirects to Perch itself, which is not allowed');
  if (isLocal && address !== from && !isLoopback(from)) {
    throw refused(`The camera redirects to ${name}, which is this machine; that is not allowed`);
  }
  // A server on the Internet has no business in this network.
  if (isPrivateIpv4(address) && !isPrivateIpv4(from)) {
    throw refused(`The camera redirects from the Internet to ${name} in a private network; that is not allowed`);
  }
}

/** Whether an address is this machine's: the way to it begins with it. */
async function isOwn(net: Net, address: string): Promise<boolean> {
  if (isLoopback(address)) return true;
  return (await net.localAddressFor(address).catch(() => null)) === address;
}

const shown = (host: string, address: string) => (host === address ? host : `${host} (${address})`);
const forbidden = (message: string, field = 'url') => new NvrError('bad_input', message, { context: { field } });
const refused = (message: string) => new NvrError('protocol', message, { context: { reason: 'redirect' } });
