// From the camera's sending of a picture to the decoded picture, for each output. Pictures carry their number (counter-strip),
// and every output is decoded by the same program, one ffmpeg of one thread. Beside it that ffmpeg on the camera's own RTSP
// at the same time: what is above it is what Perch adds. In Chromium the page's own player, read from its screen.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { skip as noBrowser, openBrowser } from '../test/chromium.ts';
import { Child } from './child.ts';
import { COUNTER_RANGE, readStrip, STRIP_BYTES, STRIP_FILTER } from './counter-strip.ts';
import { PerchProcess } from './perch-process.ts';
import { percentile, wait } from './process-stats.ts';
import type { RtspCameras, RtspLoad } from './rtsp-cameras-process.ts';
import { SocketViewer } from './socket-viewer.ts';

/** As long as its numbers reach: a picture that is 20 s late is still told from its successor in the loop. */
const LOAD: RtspLoad = { count: 1, width: 640, height: 360, fps: 25, seconds: 20, counted: true };
const WINDOW_MS = 6000;
const QUICK_WINDOW_MS = 3000;
/** The first pictures come out of the ring: they are older. HLS begins with a whole segment. */
const SETTLE_MS = 2500;
const PAGE_LIMIT_MS = 20_000;
const USER = { username: 'viewer', password: 'bench bench bench' } as const;

/** Milliseconds. */
export type GlassFigure = { readonly p50: number; readonly p99: number; readonly pictures: number };
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
  readonly #known = new Set<number>();
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
      // Parts of a multipart answer may be repeats. A loop later the number is new again.
      if (!this.#known.has(number)) this.seen.push({ number, ms });
      this.#known.add(number);
      this.#known.delete((number + COUNTER_RANGE / 4) % COUNTER_RANGE);
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

function figure(seen: readonly Seen[], sentMs: readonly number[]): GlassFigure {
  const values = seen.map(({ number, ms }) => ms - (sentMs[number] ?? Number.NaN)).filter((value) => value > 0);
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), pictures: values.length };
}

/** In the page: numbers of the pictures on the screen and when they were shown, by the wall clock. */
const WATCH_SCREEN = `(ms) => new Promise((done) => {
  const video = document.querySelector('.stage video');
  const canvas = document.createElement('canvas');
  canvas.width = ${STRIP_BYTES};
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const end = performance.now() + ms;
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
    if (performance.now() < end) video.requestVideoFrameCallback(shown); else done(seen);
  };
  video.requestVideoFrameCallback(shown);
})`;

/** The page's player in Chromium. @returns `null` where there is no Chromium or no page */
async function onScreen(perch: PerchProcess, slug: string, windowMs: number): Promise<Seen[] | null> {
  if (noBrowser || !existsSync(new URL('../../web/dist/index.html', import.meta.url))) return null;
  await using browser = await openBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const root = `http://127.0.0.1:${perch.port}`;
  await perch.call('POST', '/api/users', { ...USER, role: 'viewer', cameras: null });
  const reply = await page.context().request.post(`${root}/api/session`, { data: USER });
  if (!reply.ok()) throw new Error(`sign-in: ${reply.status()}`);
  await page.goto(`${root}/#/camera/${slug}`);
  await page.locator('.stage[data-picture=moving] video').waitFor({ timeout: PAGE_LIMIT_MS });
  await wait(SETTLE_MS);
  const seen = await page.evaluate<Seen[]>(`(${WATCH_SCREEN})(${windowMs})`);
  const offset = clockMs() - (performance.timeOrigin + performance.now());
  return seen.map(({ number, ms }) => ({ number, ms: ms + offset }));
}

/** Measures all outputs, one after the other. */
export async function measureGlass({ quick = false }: { quick?: boolean }): Promise<readonly GlassRow[]> {
  const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
  using cameras = new Child('./rtsp-cameras-process.ts');
  const { urls, pictures } = await cameras.ask<RtspCameras>('start', LOAD);
  if (pictures > COUNTER_RANGE) throw new Error('The numbers of pictures repeat');
  await using perch = await PerchProcess.start({ rtsp: true });
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
  const add = async (output: string, seen: readonly Seen[], fromMs: number) => {
    const sentMs = await cameras.ask<number[]>('sentMs');
    const since = (all: readonly Seen[]) => all.filter(({ ms }) => ms >= fromMs);
    rows.push({ output, perch: figure(since(seen), sentMs), camera: figure(since(direct.seen), sentMs) });
  };
  for (const [output, input] of Object.entries(outputs)) {
    using decoder = new Decoder(input);
    const viewer =
      output === 'live socket'
        ? new SocketViewer({ port, token, slug, onPiece: (piece) => decoder.child.stdin?.write(piece) })
        : null;
    await wait(output === 'HLS' ? 2 * SETTLE_MS : SETTLE_MS);
    const fromMs = clockMs();
    await wait(windowMs);
    await add(output, decoder.seen, fromMs);
    viewer?.close();
  }
  const seen = await onScreen(perch, slug, windowMs);
  if (seen) await add('the page in Chromium', seen, seen[0]?.ms ?? 0);
  return rows;
}
