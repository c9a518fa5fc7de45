// Whom a simulated camera may send to. The address in a login is only claimed, so without this rule anybody could point a
// stream of pictures at anybody (section 19).

import { isUnicastIpv4 } from '../../net/ipv4.ts';

const isLoopback = (address: string) => address.startsWith('127.');
const network = (address: string) => address.slice(0, address.lastIndexOf('.'));

/** Whether `address` is loopback, or in the /24 of the camera's own address. */
export function isOnOwnNetwork(own: string, address: string): boolean {
  if (!isUnicastIpv4(address)) return false;
  if (isLoopback(address)) return isLoopback(own);
  return network(address) === network(own) && !address.endsWith('.255');
}
