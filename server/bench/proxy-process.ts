// Baselines of the tunnel: a TCP proxy that pipes, and a UDP socket that sends every datagram back.

import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { answer } from './child.ts';

const HOST = '127.0.0.1';

/** Its two ports. */
export type ProxyPorts = { readonly tcp: number; readonly udp: number };

answer({
  async start({ target }: { target: number }): Promise<ProxyPorts> {
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port: target, host: HOST, noDelay: true });
      for (const each of [near, far]) each.on('error', () => each.destroy());
      near.pipe(far).pipe(near);
      near.on('close', () => far.destroy());
    });
    const udp = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    udp.on('message', (datagram, from) => udp.send(datagram, from.port, from.address));
    await new Promise<void>((resolve) => udp.bind(0, HOST, resolve));
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    return { tcp: (server.address() as { port: number }).port, udp: udp.address().port };
  },
});
