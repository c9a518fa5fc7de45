// Stands between one UDP client and a server, and loses or delays what the server sends.

import type { Endpoint, UdpSocket } from '../net/net.ts';
import { systemNet } from '../net/system-net.ts';

/** What happens to a datagram of the server: it goes on now, never, or after the one that comes next. */
export type Fate = 'now' | 'never' | 'next';

/** See {@link startForwarder}. */
export type Forwarder = AsyncDisposable & { readonly port: number };

/** Forwards between its own port on loopback and a port of the server there. The first client is the only one. */
export async function startForwarder(serverPort: number, fateOf: (datagram: Uint8Array) => Fate): Promise<Forwarder> {
  const address = '127.0.0.1';
  const [front, back] = await Promise.all([systemNet.openUdp({ address }), systemNet.openUdp({ address })]);
  let client: Endpoint | null = null;
  let late: Uint8Array | null = null;
  front.onDatagram((bytes, from) => {
    client ??= from;
    back.send(bytes, { address, port: serverPort });
  });
  back.onDatagram((bytes) => {
    const fate = fateOf(bytes);
    if (!client || fate === 'never') return;
    if (fate === 'next' && !late) {
      late = bytes;
      return;
    }
    send(front, client, bytes);
    if (late) send(front, client, late);
    late = null;
  });
  return {
    port: front.local.port,
    async [Symbol.asyncDispose]() {
      await Promise.all([front.close(), back.close()]);
    },
  };
}

const send = (socket: UdpSocket, to: Endpoint, bytes: Uint8Array) => socket.send(bytes, to);
