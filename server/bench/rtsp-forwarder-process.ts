// Baseline of RTSP out: one reader of the camera, whose bytes are written to each TCP client as they are. No program that
// copies a stream to many in Node can do with less.

import { createServer, type Socket } from 'node:net';
import { answer } from './child.ts';
import { playRtsp } from './rtsp-reader.ts';

answer({
  /** @returns the port that gives the bytes of the camera */
  async start({ url }: { url: string }): Promise<number> {
    const sockets = new Set<Socket>();
    const source = await playRtsp(url);
    source.on('data', (bytes) => {
      for (const socket of sockets) socket.write(bytes);
    });
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  },
});
