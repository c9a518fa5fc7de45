// From the camera's sending of a picture to the decoded picture, for each output. Pictures carry their number (counter-strip),
// and every output is decoded by the same program, one ffmpeg of one thread. Beside it that ffmpeg on the camera's own RTSP
// at the same time: what is above it is what Perch adds. In Chromium the page's own player and a WebRTC client, read from the
// screen.

import { type ChildProcess, spawn } from 'node:child_process';
import { OPEN_WHEP } from '../test/whep-page.ts';
import { Child } from './child.ts';
import { COUNTER_RANGE, readStrip, STRIP_BYTES, STRIP_FILTER } from './counter-strip.ts';
import { PageViewer } from './page-viewer.ts';
import { PerchProcess } from './perch-process.ts';
import { percentile, wait } from './process-stats.ts';
import type { RtspCameras, RtspLoad } from './rtsp-cameras-process.ts';
import { SocketViewer } from './socket-viewer.ts';

/** As long as its numbers reach: a picture that is 20 s late is still told from its successor in the loop. */
const LOAD: RtspLoad = { count: 1, width: 640, height: 360, fps: 25, seconds: 20, counted: true };
/** Pictures of each output; a machine that is too busy for them ends at the limit, less than one round of the clip. */
const PICTURES = 200;
const QUICK_PICTURES = 60;
const LIMIT_MS = 15_000;
const LOOK_MS = 100;
/** The first pictures come out of the ring: they are older. HLS begins with a whole segment. */
const SETTLE_MS = 2500;

/** Milliseconds; of the pictures that the camera sent meanwhile, so many were seen. */
export type GlassFigure = {
  readonly p50: number;
  readonly p99: number;
  readonly pictures: number;
  readonly sent: number;
};
/** One output, and the camera itself in the same window. */
export type GlassRow = { readonly output: string; readonly perch: GlassFigure; readonly camera: GlassFigure };

/** A clock that all processes of a machine share. */
const clockMs = () => Number(process.hrtime.bigint()) / 1e6;

const LOW_DELAY = ['-fflags', 'nobuffer', '-flags', 'low_delay', '-threads', '1', '-probesize', '32768'];
const STRIP = ['-an', '-vf', STRIP_FILTER, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-flush_packets', '1'];

/** An ffmpeg that tells when each picture was decoded first. */
class Decoder implements Disposable {
  readonly seen: { readonly number: number; readonly ms: number }[] = [];
  readonly child: ChildProcess;
  #rest = Buffer.alloc(0);

  constructor(input: readonly string[]) {
    const args = ['-v', 'error', ...LOW_DELAY, '-analyzeduration', '0', ...input, ...STRIP, 'pipe:1'];
    this.child = spawn('ffmpeg', args, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.child.stdin?.on('error', () => {});
    this.child.stdout?.on('data', (chunk: Buffer) => this.#take(chunk, clockMs()));
  }

  #take(chunk: Buffer, ms: number): void {
    let bytes = Buffer.concat([this.#rest, chunk]);
    for (; bytes.length >= STRIP_BYTES; bytes = bytes.subarray(STRIP_BYTES)) {
      const number = readStrip(bytes.subarray(0, STRIP_BYTES));
      // Parts of a multipart answer may be repeats.
      if (number !== this.seen.at(-1)?.number) this.seen.push({ number, ms });
    }
    this.#rest = Buffer.from(bytes);
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL');
  }
}

const http = (url: string, format: string, ...more: string[]) => ['-f', format, ...more, '-i', url];
const rtsp = (url: string, ...more: string[]) => ['-rtsp_transport', 'tcp', ...more, '-i', url];

type Seen = { readonly number: number; readonly ms: number };

/** @param sentMs when each picture of the clip was sent last */
function figure(all: readonly Seen[], sentMs: readonly number[], fromMs: number, toMs: number): GlassFigure {
  const isMeant = (ms: number) => ms >= fromMs && ms <= toMs;
  const seen = all.filter(({ ms }) => isMeant(ms));
  const values = seen.map(({ number, ms }) => ms - (sentMs[number] ?? Number.NaN)).filter((value) => value > 0);
  const sent = sentMs.filter(isMeant).length;
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), pictures: values.length, sent };
}

/** In the page: numbers of the pictures on the screen and when they were shown, by the wall clock. */
const WATCH_SCREEN = `({ pictures, limitMs }) => new Promise((done) => {
  const video = document.querySelector('video');
  const canvas = document.createElement('canvas');
  canvas.width = ${STRIP_BYTES};
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const end = performance.now() + limitMs;
  const seen = [];
  const shown = (_now, { expectedDisplayTime }) => {
    const side = video.videoWidth / ${LOAD.width} * 32;
    for (let bit = 0; bit < ${STRIP_BYTES}; bit++) {
      context.drawImage(video, (bit + 0.25) * side, side / 4, side / 2, side / 2, bit, 0, 1, 1);
    }
    const { data } = context.getImageData(0, 0, ${STRIP_BYTES}, 1);
    let number = 0;
    for (let bit = 0; bit < ${STRIP_BYTES}; bit++) if (data[bit * 4] >= 128) number += 2 ** bit;
    seen.push({ number, ms: performance.timeOrigin + expectedDisplayTime });
    if (seen.length < pictures && performance.now() < end) video.requestVideoFrameCallback(shown); else done(seen);
  };
  video.requestVideoFrameCallback(shown);
})`;

/** What the player on the page shows. */
async function onScreen({ page }: PageViewer, pictures: number): Promise<Seen[]> {
  await wait(SETTLE_MS);
  const watch = `(${WATCH_SCREEN})(${JSON.stringify({ pictures, limitMs: LIMIT_MS })})`;
  const seen = await page.evaluate<Seen[]>(watch);
  const offset = clockMs() - (performance.timeOrigin + performance.now());
  return seen.map(({ number, ms }) => ({ number, ms: ms + offset }));
}

/** Measures all outputs, one after the other: two decoders run at a time, this one's and the camera's. */
export async function measureGlass({ quick = false }: { quick?: boolean }): Promise<readonly GlassRow[]> {
  const wanted = quick ? QUICK_PICTURES : PICTURES;
  using cameras = new Child('./rtsp-cameras-process.ts');
  const { urls, pictures } = await cameras.ask<RtspCameras>('start', LOAD);
  if (pictures > COUNTER_RANGE) throw new Error('The numbers of pictures repeat');
  await using perch = await PerchProcess.start({ rtsp: true, webrtc: true });
  const { slug } = await perch.add({ name: 'Glass', driver: 'rtsp', settings: { url: urls[0]! } });
  await perch.live(1);
  const { port, token } = perch;
  const rtspUrl = `rtsp://any:${token}@127.0.0.1:${await perch.rtspPort()}/${slug}`;
  const outputs: Readonly<Record<string, readonly string[]>> = {
    'RTSP out': rtsp(rtspUrl),
    'live socket': http('pipe:0', 'mp4'),
    'live.mp4': http(perch.output(slug, 'live.mp4'), 'mp4'),
    mjpeg: http(perch.output(slug, 'mjpeg'), 'mpjpeg'),
    HLS: http(perch.output(slug, 'hls/index.m3u8'), 'hls', '-live_start_index', '-1'),
  };
  using direct = new Decoder(rtsp(urls[0]!));
  const rows: GlassRow[] = [];
  const add = async (output: string, seen: readonly Seen[], fromMs: number, toMs: number) => {
    const sentMs = await cameras.ask<number[]>('sentMs');
    const of = (all: readonly Seen[]) => figure(all, sentMs, fromMs, toMs);
    rows.push({ output, perch: of(seen), camera: of(direct.seen) });
  };
  for (const [output, input] of Object.entries(outputs)) {
    using decoder = new Decoder(input);
    const viewer =
      output === 'live socket'
        ? new SocketViewer({ port, token, slug, onPiece: (piece) => decoder.child.stdin?.write(piece) })
        : null;
    await wait(output === 'HLS' ? 2 * SETTLE_MS : SETTLE_MS);
    const fromMs = clockMs();
    const before = decoder.seen.length;
    while (decoder.seen.length - before < wanted && clockMs() - fromMs < LIMIT_MS) await wait(LOOK_MS);
    await add(output, decoder.seen, fromMs, clockMs());
    viewer?.close();
  }
  await using viewer = await PageViewer.open(perch);
  if (!viewer) return rows; // no Chromium, or no page
  const players: Readonly<Record<string, () => Promise<unknown>>> = {
    'the page in Chromium': () => viewer.show(slug),
    'WebRTC in Chromium': async () => {
      await viewer.leave();
      const whep = { url: perch.output(slug, 'whep'), token: '', audio: false };
      await viewer.page.evaluate(`(${OPEN_WHEP})(${JSON.stringify(whep)})`);
    },
  };
  for (const [output, open] of Object.entries(players)) {
    await open();
    const seen = await onScreen(viewer, wanted);
    await add(output, seen, seen[0]?.ms ?? 0, seen.at(-1)?.ms ?? 0);
  }
  return rows;
}
