// Those who mean no good, in a process of their own: slow senders, viewers that do not read, guessers, forged datagrams.

import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { seededRandom } from '../core/random.ts';
import { answer } from './child.ts';

const DRIP_MS = 2000;
/** Datagrams between two breaths, so that sockets get their turn. */
const BURST = 50;
const HUGE_CHUNK_BYTES = 64 * 1024;
const HUGE_BYTES = 8 * 1024 * 1024;
const CAPTURES = new URL('../drivers/iwfcam/captures/iwfcam-vectors.json', import.meta.url);

const open = new Set<Socket>();
const drips = new Set<NodeJS.Timeout>();

function hold(port: number, first: string): Socket {
  const socket = connect(port, '127.0.0.1');
  open.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => open.delete(socket));
  socket.write(first);
  return socket;
}

/** How many datagrams, to which port of Perch, forging which camera. */
export type Flood = { readonly count: number; readonly port: number; readonly camera: string };

answer({
  /** A third sends headers letter by letter, a third a body, a third nothing at all. */
  slow({ port, count }: { port: number; count: number }) {
    const head = 'POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const senders: Socket[] = [];
    for (let n = 0; n < count; n++) {
      const first = [head, `${head}Content-Length: 1000\r\n\r\n{`, ''][n % 3]!;
      const socket = hold(port, first);
      socket.resume();
      if (n % 3 < 2) senders.push(socket);
    }
    const drip = setInterval(() => {
      for (const socket of senders) if (open.has(socket)) socket.write('x');
    }, DRIP_MS);
    drips.add(drip);
  },
  /** Half with headers of a megabyte, half with a body of a gigabyte, as fast as it is taken. @returns first lines told */
  async huge({ port, count }: { port: number; count: number }): Promise<Record<string, number>> {
    const told: Record<string, number> = {};
    const head = 'POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const chunk = Buffer.alloc(HUGE_CHUNK_BYTES, 'x');
    const one = (n: number) =>
      new Promise<void>((resolve) => {
        const socket = hold(port, n % 2 ? `${head}X: ` : `${head}Content-Length: 1000000000\r\n\r\n`);
        let answer = '';
        socket.on('data', (bytes: Buffer) => {
          answer ||= bytes.toString('latin1').split('\r\n', 1)[0] ?? '';
        });
        let sent = 0;
        const push = () => {
          while (!socket.destroyed && sent < HUGE_BYTES) {
            sent += chunk.length;
            if (!socket.write(chunk)) return void socket.once('drain', push);
          }
          socket.end();
        };
        push();
        socket.on('close', () => {
          const said = answer || 'closed';
          told[said] = (told[said] ?? 0) + 1;
          resolve();
        });
      });
    await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
    return told;
  },
  /** Viewers that ask for a stream and never read. */
  stuck({ port, path, count }: { port: number; path: string; count: number }) {
    for (let n = 0; n < count; n++) hold(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).pause();
  },
  /** Sign-ins at once. @returns how many of each status */
  async guess({ port, count }: { port: number; count: number }): Promise<Record<string, number>> {
    const statuses: Record<string, number> = {};
    const one = async (n: number) => {
      const body = JSON.stringify({ username: 'bench', password: `guess number ${n}` });
      const headers = { 'content-type': 'application/json' };
      const { status } = await fetch(`http://127.0.0.1:${port}/api/session`, { method: 'POST', headers, body });
      statuses[status] = (statuses[status] ?? 0) + 1;
    };
    await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
    return statuses;
  },
  /** Captured packets with flipped bits, cut, or whole: half from another address, half from another port of the camera. */
  async flood({ count, port, camera }: Flood): Promise<void> {
    const vectors = (JSON.parse(readFileSync(CAPTURES, 'utf8')) as { hex: string }[]).map(({ hex }) =>
      Buffer.from(hex, 'hex'),
    );
    const random = seededRandom(1);
    const int = (below: number) => Math.floor(random() * below);
    const sockets = await Promise.all(
      ['127.0.0.66', camera].map(async (address) => {
        const socket = createSocket('udp4');
        socket.on('error', () => {});
        await new Promise<void>((resolve) => socket.bind(0, address, resolve));
        return socket;
      }),
    );
    for (let n = 0; n < count; n++) {
      let bytes = Buffer.from(vectors[int(vectors.length)]!);
      if (random() < 0.3) bytes = bytes.subarray(0, int(bytes.length + 1));
      for (let flips = int(8); flips > 0 && bytes.length > 0; flips--) bytes[int(bytes.length)]! ^= 1 << int(8);
      sockets[n % 2]!.send(bytes, port, '127.0.0.1');
      if (n % BURST === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const socket of sockets) socket.close();
  },
  open: () => open.size,
  leave() {
    for (const drip of drips) clearInterval(drip);
    drips.clear();
    for (const socket of open) socket.destroy();
  },
});
