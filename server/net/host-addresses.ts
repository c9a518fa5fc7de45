// This machine's addresses, for clients that must be told where it is.

import { networkInterfaces } from 'node:os';

/** IPv4 addresses of all interfaces but loopback. */
export function hostAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ family, internal, address }) => (family === 'IPv4' && !internal ? [address] : [])),
  );
}
