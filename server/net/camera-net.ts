// The network as drivers get it: the last look at an address, at the socket itself. Drivers check what users and cameras
// tell them and say what is wrong with it; this holds also where one of them forgot to, and for whatever a name, a
// redirect, a description or a discovery answer leads to.

import { NvrError } from '../core/nvr-error.ts';
import { isForbiddenDestination, isPerchItself } from './address-rules.ts';
import type { DatagramHandler, Endpoint, Net, UdpSocket } from './net.ts';

/** A network without the ways that no camera needs: metadata services, what is no host's address, Perch's own ports. */
export function cameraNet(net: Net): Net {
  return {
    async resolve(host) {
      const address = await net.resolve(host);
      if (isForbiddenDestination(address)) throw forbidden(host, address);
      return address;
    },
    async resolveAll(host) {
      const addresses = await net.resolveAll(host);
      const allowed = addresses.filter((address) => !isForbiddenDestination(address));
      if (allowed.length === 0 && addresses[0] !== undefined) throw forbidden(host, addresses[0]);
      return allowed;
    },
    localAddressFor: (address) => net.localAddressFor(address),
    broadcastAddresses: () => net.broadcastAddresses(),
    openUdp: async (options) => new GuardedUdpSocket(await net.openUdp(options)),
    streams: {
      async connect(options) {
        const { address, port } = options;
        if (isForbiddenDestination(address) || (await isPerchItself(net, address, port))) {
          throw new NvrError('protocol', `${address}:${port} is not where a camera may be`);
        }
        return net.streams.connect(options);
      },
      listen: (options, onStream) => net.streams.listen(options, onStream),
    },
  };
}

/** Not `bad_input`: a name may lead elsewhere tomorrow, so the camera is tried again. */
function forbidden(host: string, address: string): NvrError {
  const name = host === address ? host : `${host} (${address})`;
  return new NvrError('protocol', `${name} is a service of the cloud provider, not a camera`);
}

/** Broadcast is allowed, as searches need it. What may not be sent is counted like what the system refuses to send. */
class GuardedUdpSocket implements UdpSocket {
  readonly #socket: UdpSocket;
  #refused = 0;

  constructor(socket: UdpSocket) {
    this.#socket = socket;
  }

  get local(): Endpoint {
    return this.#socket.local;
  }

  get sendErrors(): number {
    return this.#socket.sendErrors + this.#refused;
  }

  onDatagram(handler: DatagramHandler): void {
    this.#socket.onDatagram(handler);
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (isForbiddenDestination(to.address)) this.#refused++;
    else this.#socket.send(bytes, to);
  }

  only(peer: Endpoint): void {
    this.#socket.only(peer);
  }

  close(): Promise<void> {
    return this.#socket.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#socket.close();
  }
}
