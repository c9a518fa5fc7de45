// Baseline of the fan-out: the same parts, written to each socket by a bare loop and a timer. Nothing can be cheaper in Node.

import { createServer, type Socket } from 'node:net';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { answer } from './child.ts';

const sockets = new Set<Socket>();

/** What to write. */
export type WriterLoad = { readonly fps: number; readonly bytes: number };

answer({
  start({ fps, bytes }: WriterLoad): Promise<number> {
    const pictures = new CountedPictures({ minBytes: bytes, maxBytes: bytes, count: 64 });
    let number = 0;
    setInterval(() => {
      const jpeg = Buffer.from(pictures.picture(number++).data);
      const head = Buffer.from(`Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
      const end = Buffer.from('\r\n--frame\r\n');
      for (const socket of sockets) {
        if (socket.writableLength > 0) continue;
        socket.cork();
        socket.write(head);
        socket.write(jpeg);
        socket.write(end);
        socket.uncork();
      }
    }, 1000 / fps);
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n--frame\r\n');
        sockets.add(socket);
      });
    });
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
  },
});
