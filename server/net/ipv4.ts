// What an IPv4 address is good for, decided on its text.

import { isIPv4 } from 'node:net';

/** Loopback, link-local and the private ranges of RFC 1918. */
export function isPrivateIpv4(address: string): boolean {
  if (!isIPv4(address)) return false;
  const [a = 0, b = 0] = address.split('.').map(Number);
  if (a === 10 || a === 127) return true;
  if (a === 172) return b >= 16 && b <= 31;
  return (a === 192 && b === 168) || (a === 169 && b === 254);
}

/** Whether a single host can have it: not "this network", not multicast, not reserved, not the broadcast address. */
export function isUnicastIpv4(address: string): boolean {
  if (!isIPv4(address)) return false;
  const first = Number(address.split('.')[0]);
  return first >= 1 && first < 224;
}
