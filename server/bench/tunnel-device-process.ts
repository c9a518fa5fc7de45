// A simulated Dahua world whose device holds a TCP source: it floods, or sends stamped pictures at a steady rate, as it is
// told in the first line of a connection.

import { createServer, type Socket } from 'node:net';
import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import { DahuaSimulator } from '../sim/dahua-p2p/simulator.ts';
import { answer } from './child.ts';

/** What the device is asked for: `FLOOD\n`, or `RATE bytes everyMs\n`. */
export const FLOOD_LINE = 'FLOOD\n';
export const rateLine = (bytes: number, everyMs: number) => `RATE ${bytes} ${everyMs}\n`;

/** Where to find it. */
export type TunnelDevice = {
  readonly settings: { readonly serial: string; readonly server: string };
  /** The source itself, for baselines. */
  readonly sourcePort: number;
};

const HOST = '127.0.0.1';
const CHUNK = Buffer.alloc(64 * 1024, 7);
const STAMP_BYTES = 8;

function flood(socket: Socket): void {
  const more = () => {
    while (!socket.destroyed && socket.write(CHUNK));
  };
  socket.on('drain', more);
  more();
}

function steady(socket: Socket, bytes: number, everyMs: number): void {
  let dueMs = performance.now();
  const next = () => {
    if (socket.destroyed) return;
    const picture = Buffer.alloc(bytes);
    picture.writeBigUInt64BE(process.hrtime.bigint(), bytes - STAMP_BYTES);
    socket.write(picture);
    dueMs += everyMs;
    setTimeout(next, Math.max(0, dueMs - performance.now()));
  };
  next();
}

answer({
  async start({ relay }: { relay: boolean }): Promise<TunnelDevice> {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        const [command = '', bytes, everyMs] = data.toString('latin1').trim().split(' ');
        if (command === 'OPTIONS') socket.write('RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n');
        if (command === 'FLOOD') flood(socket);
        if (command === 'RATE') steady(socket, Number(bytes), Number(everyMs));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const sourcePort = (server.address() as { port: number }).port;
    const simulator = await DahuaSimulator.start({
      ...{ clock: systemClock, net: systemNet, host: HOST, window: 'constant' },
      targets: new Map([[554, { address: HOST, port: sourcePort }]]),
      faults: { isDirectBlocked: relay },
    });
    const { serial, server: main } = simulator.settings;
    return { settings: { serial, server: main }, sourcePort };
  },
});
