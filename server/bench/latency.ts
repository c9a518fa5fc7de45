// From the last UDP packet of a picture to its first byte at an HTTP client. Cameras and clients are in this process, so
// one clock times both ends; Perch and the baseline's forwarder are processes of their own.

import { connect } from 'node:net';
import { systemClock } from '../core/clock.ts';
import type { Net, UdpSocket } from '../net/net.ts';
import { systemNet } from '../net/system-net.ts';
import { CountedPictures, pictureNumber } from '../sim/counted-pictures.ts';
import { noPace } from '../sim/iwfcam/options.ts';
import { IwfcamSimulator } from '../sim/iwfcam/simulator.ts';
import type { PictureReader, PictureSource } from '../sim/pictures.ts';
import { Child } from './child.ts';
import type { ForwarderPorts } from './forwarder-process.ts';
import { MultipartViewer } from './multipart-viewer.ts';
import { PerchProcess } from './perch-process.ts';
import { percentile, wait } from './process-stats.ts';

const FPS = 20;
const PICTURE_BYTES = 30_000;
const FRAGMENT_BYTES = 1032;
const HOST = '127.0.20.1';
/** Anything smaller is not a piece of a picture. */
const MEDIA_BYTES = 300;
const WARM_UP_PICTURES = 20;

/** Milliseconds. */
export type LatencyFigures = { readonly p50: number; readonly p99: number; readonly pictures: number };
/** Both sides and their difference. */
export type LatencyResult = {
  readonly perch: LatencyFigures;
  readonly baseline: LatencyFigures;
  readonly lost: number;
};

/** Notes when the last media datagram of each picture was handed to the kernel. */
class SendTimes {
  readonly lastMs = new Map<number, number>();
  #current = -1;

  source(pictures: CountedPictures): PictureSource {
    const reader = (): PictureReader => {
      const inner = pictures.reader();
      return {
        next: () => {
          const picture = inner.next();
          if (picture) this.#current = pictureNumber(picture.data) ?? -1;
          return picture;
        },
      };
    };
    return { width: pictures.width, height: pictures.height, reader, [Symbol.asyncDispose]: async () => {} };
  }

  net(): Net {
    return {
      ...systemNet,
      openUdp: async (options) => this.#watch(await systemNet.openUdp(options)),
    };
  }

  #watch(socket: UdpSocket): UdpSocket {
    const send = socket.send.bind(socket);
    socket.send = (bytes, to) => {
      if (bytes.length >= MEDIA_BYTES) this.lastMs.set(this.#current, performance.now());
      send(bytes, to);
    };
    return socket;
  }
}

function figures(values: number[]): LatencyFigures {
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), pictures: values.length };
}

/** Through Perch. Each picture is used once, so that its number tells it apart. */
async function throughPerch(count: number, profileDir?: string): Promise<{ values: number[]; lost: number }> {
  const times = new SendTimes();
  const pictures = new CountedPictures({ minBytes: PICTURE_BYTES, maxBytes: PICTURE_BYTES, count: 50_000 });
  await using perch = await PerchProcess.start({ profileDir });
  await using simulator = await IwfcamSimulator.start({
    ...{ net: times.net(), clock: systemClock, host: HOST, fps: FPS, pace: noPace, pictures: times.source(pictures) },
  });
  const camera = await perch.addCamera('latency', { host: HOST, port: simulator.discoveryPort });
  await perch.live(1);

  const values: number[] = [];
  const done = Promise.withResolvers<void>();
  let first = -1;
  let last = -1;
  const viewer = new MultipartViewer({
    port: perch.port,
    path: perch.streamPath(camera.slug),
    onPart({ firstByteMs, repeat, body }) {
      const number = pictureNumber(body);
      if (number === null || repeat) return;
      if (first < 0) first = number + WARM_UP_PICTURES;
      if (number < first) return;
      const sentMs = times.lastMs.get(number);
      if (sentMs !== undefined) values.push(firstByteMs - sentMs);
      last = number;
      if (values.length >= count) done.resolve();
    },
  });
  await Promise.race([done.promise, wait((count / FPS) * 2000 + 10_000)]);
  viewer.close();
  return { values, lost: Math.max(0, last - first + 1 - values.length) };
}

/** Through the forwarder: the same datagrams, timed from the last one's sending to its arrival. */
async function throughForwarder(count: number): Promise<number[]> {
  using forwarder = new Child('./forwarder-process.ts');
  const ports = await forwarder.ask<ForwarderPorts>('start');
  await using socket = await systemNet.openUdp({ address: '127.0.0.1' });
  const client = connect({ port: ports.tcp, host: '127.0.0.1' });
  await new Promise((resolve) => client.once('connect', resolve));
  let received = 0;
  let wanted = 0;
  let arrived = Promise.withResolvers<number>();
  client.on('data', (bytes) => {
    received += bytes.length;
    if (received >= wanted) arrived.resolve(performance.now());
  });
  const values: number[] = [];
  for (let i = 0; i < count + WARM_UP_PICTURES; i++) {
    arrived = Promise.withResolvers<number>();
    received = 0;
    wanted = PICTURE_BYTES;
    let sentMs = 0;
    for (let left = PICTURE_BYTES; left > 0; left -= FRAGMENT_BYTES) {
      sentMs = performance.now();
      socket.send(Buffer.alloc(Math.min(left, FRAGMENT_BYTES)), { address: '127.0.0.1', port: ports.udp });
    }
    // A lost datagram (none was seen on loopback) must not end the benchmark.
    const arrivedMs = await Promise.race([arrived.promise, wait(1000).then(() => null)]);
    if (arrivedMs !== null && i >= WARM_UP_PICTURES) values.push(arrivedMs - sentMs);
    await wait(1000 / FPS);
  }
  client.destroy();
  return values;
}

/** Half of the baseline before, half after: a machine that gets busy meanwhile shows in both. */
export async function measureLatency({
  quick = false,
  profileDir,
}: {
  quick?: boolean;
  profileDir?: string | undefined;
}) {
  const count = quick ? 100 : 600;
  const before = await throughForwarder(count / 2);
  const perch = await throughPerch(count, profileDir);
  const after = await throughForwarder(count / 2);
  const result: LatencyResult = {
    perch: figures(perch.values),
    baseline: figures([...before, ...after]),
    lost: perch.lost,
  };
  return result;
}
