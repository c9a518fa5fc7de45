// A real network whose datagrams suffer on the way: for simulators outside a MemoryNet.

import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { type Faults, FaultyPath } from '../../net/datagram-faults.ts';
import type { DatagramHandler, Net, UdpOptions, UdpSocket } from '../../net/net.ts';

/** `net` with faults on every UDP datagram, in and out; streams are untouched. */
export function withFaults(net: Net, clock: Clock, faults: Faults, random: Random): Net {
  return {
    streams: net.streams,
    localAddressFor: (address) => net.localAddressFor(address),
    resolve: (host) => net.resolve(host),
    resolveAll: (host) => net.resolveAll(host),
    broadcastAddresses: () => net.broadcastAddresses(),
    openUdp: async (options?: UdpOptions) => wrap(await net.openUdp(options), clock, faults, random),
  };
}

function wrap(socket: UdpSocket, clock: Clock, faults: Faults, random: Random): UdpSocket {
  let receive: DatagramHandler = () => {};
  const inbound = new FaultyPath({ faults, random, clock, deliver: ({ bytes, from }) => receive(bytes, from) });
  const outbound = new FaultyPath({ faults, random, clock, deliver: ({ bytes, to }) => socket.send(bytes, to) });
  const close = async () => {
    inbound.clear();
    outbound.clear();
    await socket.close();
  };
  return {
    local: socket.local,
    get sendErrors() {
      return socket.sendErrors;
    },
    onDatagram(handler) {
      receive = handler;
      socket.onDatagram((bytes, from) => inbound.push({ bytes, from, to: socket.local }));
    },
    send: (bytes, to) => outbound.push({ bytes: bytes.slice(), from: socket.local, to }),
    only: (peer) => socket.only(peer),
    close,
    [Symbol.asyncDispose]: close,
  };
}
