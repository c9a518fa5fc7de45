// From a request to the first picture that can be decoded, for each output of an H.264 camera (1080p25, 4 Mbit/s, a key
// picture every 2 s): when nobody has looked for a while, and when somebody does. Beside it, in the same rounds, the same
// question to the camera itself by RTSP, and the round trip of a request that does nothing.

import { spawn } from 'node:child_process';
import { H264 } from '../media/h264.ts';
import { jpegSize } from '../media/jpeg.ts';
import { MultipartReader } from '../media/multipart.ts';
import { RtspClient } from '../test/rtsp-client.ts';
import { Child } from './child.ts';
import { PageViewer } from './page-viewer.ts';
import { PerchProcess } from './perch-process.ts';
import { percentile, wait } from './process-stats.ts';
import type { RtspCameras, RtspLoad } from './rtsp-cameras-process.ts';
import { SocketViewer } from './socket-viewer.ts';

const ROUNDS = 4;
const QUICK_ROUNDS = 2;
/** Fragmenters and transcoders end 10 s after their last viewer. */
const LINGER_MS = 10_500;
const LIMIT_MS = 15_000;
const WIDTH = 1920;
const FU_A = 28;
const PAGE = 'the page in Chromium, on the screen';
const START_CODE = Buffer.from([0, 0, 0, 1]);

/** Milliseconds. */
export type FirstPictureFigure = { readonly p50: number; readonly max: number };
/** One output; `cold`: nobody has looked for ten seconds, `warm`: somebody looks. */
export type FirstPictureRow = {
  readonly output: string;
  readonly cold: FirstPictureFigure;
  readonly warm: FirstPictureFigure;
};
/** All of them. */
export type FirstPictureFigures = {
  readonly rounds: number;
  readonly rows: readonly FirstPictureRow[];
  readonly camera: FirstPictureFigure;
  readonly roundTrip: FirstPictureFigure;
};

/** The bytes of the first picture, as ffmpeg can decode them; `end` lets the viewer go. */
type First = { readonly bytes: Uint8Array; readonly format: 'mjpeg' | 'mp4' | 'h264'; end(): void };
type Place = { readonly perch: PerchProcess; readonly slug: string; readonly rtspPort: number };

/** Who asks for the same address again waits for a newer picture. */
let snapshots = 0;

const OUTPUTS: Readonly<Record<string, (place: Place) => Promise<First>>> = {
  'snapshot.jpg': async ({ perch, slug }) => {
    const { bytes } = await get(`${perch.output(slug, 'snapshot.jpg')}&n=${++snapshots}`);
    return { bytes, format: 'mjpeg', end() {} };
  },
  mjpeg: async ({ perch, slug }) => {
    const abort = new AbortController();
    const reply = await fetch(perch.output(slug, 'mjpeg'), { signal: abort.signal });
    let picture: Uint8Array | null = null;
    const reader = new MultipartReader({
      // A card comes first when the picture needs longer than a second.
      picture: (jpeg) => {
        if (jpegSize(jpeg)?.width === WIDTH) picture ??= new Uint8Array(jpeg);
      },
      damaged() {},
    });
    const body = reply.body!.getReader();
    while (!picture) reader.push((await body.read()).value!);
    return { bytes: picture, format: 'mjpeg', end: () => abort.abort() };
  },
  'live.mp4': async ({ perch, slug }) => {
    const abort = new AbortController();
    const reply = await fetch(perch.output(slug, 'live.mp4'), { signal: abort.signal });
    const body = reply.body!.getReader();
    let bytes = Buffer.alloc(0);
    while (!hasPicture(bytes)) bytes = Buffer.concat([bytes, (await body.read()).value!]);
    return { bytes, format: 'mp4', end: () => abort.abort() };
  },
  'live socket': async ({ perch, slug }) => {
    const done = Promise.withResolvers<Uint8Array>();
    let bytes = Buffer.alloc(0);
    const { port, token } = perch;
    const onPiece = (piece: Uint8Array) => {
      if (hasPicture(bytes)) return;
      bytes = Buffer.concat([bytes, piece]);
      if (hasPicture(bytes)) done.resolve(bytes);
    };
    const viewer = new SocketViewer({ port, token, slug, onPiece });
    return { bytes: await done.promise, format: 'mp4', end: () => viewer.close() };
  },
  HLS: async ({ perch, slug }) => {
    const url = perch.output(slug, 'hls/index.m3u8');
    const lines = Buffer.from((await get(url)).bytes)
      .toString()
      .split('\n');
    const init = /URI="([^"]+)"/.exec(lines.find((line) => line.startsWith('#EXT-X-MAP')) ?? '')?.[1] ?? '';
    const segment = lines.findLast((line) => line !== '' && !line.startsWith('#')) ?? '';
    const parts = [await get(new URL(init, url).href), await get(new URL(segment, url).href)];
    return { bytes: Buffer.concat(parts.map(({ bytes }) => bytes)), format: 'mp4', end() {} };
  },
  'RTSP out': ({ perch, slug, rtspPort }) => {
    return firstByRtsp(`rtsp://127.0.0.1:${rtspPort}/${slug}`, { Authorization: `Bearer ${perch.token}` });
  },
};

async function get(url: string): Promise<{ bytes: Uint8Array }> {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${reply.status} for ${url}`);
  return { bytes: new Uint8Array(await reply.arrayBuffer()) };
}

/** Whether a whole `mdat` is there. */
function hasPicture(mp4: Buffer): boolean {
  for (let at = 0; at + 8 <= mp4.length; ) {
    const end = at + mp4.readUInt32BE(at);
    if (mp4.toString('latin1', at + 4, at + 8) === 'mdat') return end <= mp4.length;
    at = end;
  }
  return false;
}

/** By a client that plays at once and waits for the last packet of the first key picture. */
async function firstByRtsp(address: string, headers: Record<string, string> = {}): Promise<First> {
  const { hostname, port } = new URL(address);
  const client = await RtspClient.open(Number(port), hostname);
  const sdp = await client.play(address, headers);
  const units: Buffer[] = [];
  let seen = 0;
  let isKey = false;
  const isWhole = () => {
    const packets = client.rtp();
    for (; seen < packets.length; seen++) {
      const { payload, marker } = packets[seen]!;
      if (payload[0] === undefined || payload[1] === undefined) continue;
      const isPart = (payload[0] & 0x1f) === FU_A;
      const type = (isPart ? payload[1] : payload[0]) & 0x1f;
      isKey ||= type === H264.idr;
      if (!isPart) units.push(START_CODE, Buffer.from(payload));
      else {
        if (payload[1] & 0x80) units.push(START_CODE, Buffer.from([(payload[0] & 0xe0) | type]));
        units.push(Buffer.from(payload.subarray(2)));
      }
      if (isKey && marker) return true;
      if (marker) units.length = 0;
    }
    return false;
  };
  await client.until(isWhole);
  const sets = /sprop-parameter-sets=([^;\s]+)/.exec(sdp)?.[1]?.split(',') ?? [];
  const head = sets.flatMap((set) => [START_CODE, Buffer.from(set, 'base64')]);
  return { bytes: Buffer.concat([...head, ...units]), format: 'h264', end: () => client[Symbol.dispose]() };
}

/** @throws Error when ffmpeg finds no picture in it: then what was timed was not one */
async function decode({ bytes, format }: First, what: string): Promise<void> {
  const output = ['-frames:v', '1', '-f', 'framehash', '-'];
  const child = spawn('ffmpeg', ['-v', 'error', '-f', format, '-i', 'pipe:0', ...output], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(bytes);
  await new Promise((resolve) => child.once('close', resolve));
  if (!/^\d/m.test(text)) throw new Error(`The first picture of ${what} (${bytes.length} bytes) cannot be decoded`);
}

async function timed(what: string, ask: () => Promise<First>): Promise<First & { readonly ms: number }> {
  const begun = performance.now();
  const first = await Promise.race([ask(), wait(LIMIT_MS).then(() => null)]);
  if (!first) throw new Error(`no picture of ${what} within ${LIMIT_MS} ms`);
  return { ...first, ms: performance.now() - begun };
}

const figure = (values: number[]): FirstPictureFigure => ({ p50: percentile(values, 0.5), max: percentile(values, 1) });

/** Each output has a camera of its own, so that none warms another up. */
export async function measureFirstPicture({ quick = false }: { quick?: boolean }): Promise<FirstPictureFigures> {
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  const outputs = Object.entries(OUTPUTS);
  const load: RtspLoad = {
    count: outputs.length + 1,
    width: WIDTH,
    height: 1080,
    fps: 25,
    seconds: 4,
    bitRate: 4_000_000,
  };
  using cameras = new Child('./rtsp-cameras-process.ts');
  const { urls } = await cameras.ask<RtspCameras>('start', load);
  await using perch = await PerchProcess.start({ rtsp: true });
  const rtspPort = await perch.rtspPort();
  const slugs: string[] = [];
  for (const [n, url] of urls.entries()) {
    slugs.push((await perch.add({ name: `Camera ${n + 1}`, driver: 'rtsp', settings: { url } })).slug);
  }
  await perch.live(urls.length);
  await using page = await PageViewer.open(perch);
  const names = [...outputs.map(([name]) => name), ...(page ? [PAGE] : [])];
  const cold = names.map((): number[] => []);
  const warm = names.map((): number[] => []);
  const camera: number[] = [];
  const roundTrip: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // Also the ring of each camera holds a key picture by then.
    await wait(LINGER_MS);
    for (const [n, [name, ask]] of outputs.entries()) {
      const place = { perch, slug: slugs[n]!, rtspPort };
      const first = await timed(name, () => ask(place));
      const second = await timed(name, () => ask(place));
      first.end();
      second.end();
      cold[n]!.push(first.ms);
      warm[n]!.push(second.ms);
      if (round === 0) await decode(first, name);
    }
    if (page) {
      for (const times of [cold, warm]) {
        times.at(-1)!.push(await page.show(slugs.at(-1)!));
        await page.leave();
      }
    }
    for (const url of urls.slice(0, 2)) {
      const direct = await timed('the camera', () => firstByRtsp(url));
      direct.end();
      camera.push(direct.ms);
      const begun = performance.now();
      await get(`http://127.0.0.1:${perch.port}/healthz`);
      roundTrip.push(performance.now() - begun);
    }
  }
  return {
    rounds,
    rows: names.map((output, n) => ({ output, cold: figure(cold[n]!), warm: figure(warm[n]!) })),
    camera: figure(camera),
    roundTrip: figure(roundTrip),
  };
}
