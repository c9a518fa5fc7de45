// Readers of RTSP out, and of its baseline, in a process of their own: they count bytes.

import { connect, type Socket } from 'node:net';
import { answer } from './child.ts';
import { playRtsp } from './rtsp-reader.ts';

/** What to read, so many times each: Perch's stream, and the bare copy of the same camera. */
export type ReadersOrder = {
  readonly count: number;
  readonly url: string;
  readonly authorization: string;
  readonly barePort: number;
};
/** Bytes that have come so far. */
export type ReaderBytes = { readonly perch: number; readonly bare: number };

const sockets: Socket[] = [];
const bytes = { perch: 0, bare: 0 };

function count(socket: Socket, kind: keyof ReaderBytes): void {
  sockets.push(socket);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    bytes[kind] += chunk.length;
  });
}

answer({
  async open({ count: times, url, authorization, barePort }: ReadersOrder) {
    for (let n = 0; n < times; n++) {
      count(await playRtsp(url, authorization), 'perch');
      count(connect({ port: barePort, host: '127.0.0.1' }), 'bare');
    }
  },
  close() {
    for (const socket of sockets.splice(0)) socket.destroy();
  },
  bytes: (): ReaderBytes => ({ ...bytes }),
});
