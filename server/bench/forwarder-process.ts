// Baseline of the latency: each datagram is written to each TCP client as it is. No program that moves pictures from UDP to
// TCP in Node can be quicker.

import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { answer } from './child.ts';

/** Ports of the two sides. */
export type ForwarderPorts = { readonly udp: number; readonly tcp: number };

answer({
  async start(): Promise<ForwarderPorts> {
    const sockets = new Set<Socket>();
    const udp = createSocket('udp4');
    udp.on('message', (datagram) => {
      for (const socket of sockets) socket.write(datagram);
    });
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { udp: udp.address().port, tcp: (server.address() as { port: number }).port };
  },
});
