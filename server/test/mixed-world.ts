// Perch with cameras of four kinds, each camera and Perch a process of its own, all recorded: for `mixed-grid.soak.ts`
// (sixteen cameras).

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from 'playwright-core';
import { processorSeconds } from '../ffmpeg/processor-time.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { until } from './chromium.ts';
import { ADMIN, freshHost } from './harness.ts';
import { missing, run, scratch } from './live/tools.ts';
import { type CameraOrder, type CameraReady, MIXED_KINDS, type MixedKind } from './mixed-camera.ts';
import { type PerchProcess, startPerch } from './perch-process.ts';

const CAMERA = fileURLToPath(new URL('./mixed-camera.ts', import.meta.url));
const JPEG_FPS = 8;
const CLIP = { source: 'testsrc', width: 640, height: 360, fps: 15, seconds: 4 } as const;
const START_CODE = Buffer.from([0, 0, 0, 1]);
const SEGMENT_SECONDS = 10;
const ASK_EVERY_MS = 100;
/** Only so that a failure says what is missing. */
const PATIENCE_MS = 120_000;
/** Pictures that another program must have decoded. */
const PICTURES = 5;
/** Readers of RTSP at the same time. */
const AT_ONCE = 4;
/** The same for VLCs, which decode and encode. */
const VLCS_AT_ONCE = 2;
const VLC_PLAYS_MS = 5000;

/** For `test(..., { skip })`. */
export const skip = missing('ffmpeg', 'ffprobe');

/**
 * A command that starts `cvlc` with its RTSP plugin (live555), and not as root: Debian 12's has none, so this may be a
 * script that runs another one in a chroot. Empty when `PERCH_TEST_VLC` is not set.
 */
export const rtspVlc: readonly string[] = (process.env.PERCH_TEST_VLC ?? '').split(' ').filter((word) => word !== '');

/** A camera of the API, as far as is looked at here. */
type CameraReply = {
  readonly slug: string;
  readonly status: { state: string; framesReceived: number; reconnects: number; recording: boolean };
};
type SegmentReply = { readonly id: string; start: string; end: string; frames: number; open: boolean };

/** One camera: killed and started again at the same address. */
export class MixedCamera {
  readonly kind: MixedKind;
  readonly name: string;
  readonly slug: string;
  readonly #order: Omit<CameraOrder, 'port'>;
  #port = 0;
  #process: ChildProcess | null = null;

  constructor(order: Omit<CameraOrder, 'port'>, name: string) {
    this.kind = order.kind;
    this.name = name;
    this.slug = name.toLowerCase().replaceAll(' ', '-');
    this.#order = order;
  }

  /** @returns the settings to add it with */
  async start(): Promise<Record<string, unknown>> {
    const child = fork(CAMERA, [JSON.stringify({ ...this.#order, port: this.#port })], { execArgv: [] });
    this.#process = child;
    const ready = await new Promise<CameraReady>((resolve, reject) => {
      child.once('message', (message) => resolve(message as CameraReady));
      child.once('exit', (code) => reject(new Error(`${this.name} ended with ${code}`)));
    });
    this.#port = ready.port;
    return ready.settings;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}

/** See the head of this file. */
export class MixedWorld implements AsyncDisposable {
  readonly cameras: readonly MixedCamera[];
  readonly perch: PerchProcess;
  #parts: AsyncDisposableStack | null = null;
  #token = '';
  #rtspPort = 0;

  /** @param each how many cameras of each kind */
  static async start(each: number): Promise<MixedWorld> {
    const dataDir = await mkdtemp(join(tmpdir(), 'perch-mixed-'));
    const clipFile = join(dataDir, 'clip.h264');
    const clip = await loadClip(CLIP);
    const units = [clip.sps, clip.pps, ...clip.pictures.flatMap((picture) => picture.units)];
    writeFileSync(clipFile, Buffer.concat(units.flatMap((unit) => [START_CODE, unit])));
    const cameras = Array.from({ length: each * MIXED_KINDS.length }, (_, n) => {
      const kind = MIXED_KINDS[n % MIXED_KINDS.length]!;
      const order = { kind, host: freshHost(), fps: JPEG_FPS, seed: n + 1, clipFile, clipFps: CLIP.fps };
      return new MixedCamera(order, `${kind} ${Math.floor(n / MIXED_KINDS.length) + 1}`);
    });
    await using parts = new AsyncDisposableStack();
    parts.defer(() => rm(dataDir, { recursive: true, force: true }));
    for (const camera of cameras) parts.defer(() => camera.kill());
    const perch = parts.use(await startPerch(join(dataDir, 'data'), { PERCH_RTSP_PORT: '0' }));
    const settings = await Promise.all(cameras.map((camera) => camera.start()));
    const world = new MixedWorld(perch, cameras);
    await world.#add(settings);
    world.#parts = parts.move();
    return world;
  }

  private constructor(perch: PerchProcess, cameras: readonly MixedCamera[]) {
    this.perch = perch;
    this.cameras = cameras;
  }

  async #add(settings: readonly Record<string, unknown>[]): Promise<void> {
    await this.perch.ok('PATCH', '/api/settings', { minFreeBytes: 0 });
    for (const [n, camera] of this.cameras.entries()) {
      // Every second round in the format that needs no encoder.
      const format = Math.floor(n / MIXED_KINDS.length) % 2 === 1 && camera.kind !== 'rtsp' ? 'mjpeg' : 'mp4';
      const recording = { mode: 'continuous', format, segmentSeconds: SEGMENT_SECONDS, preRollSeconds: 0 };
      const added = { name: camera.name, driver: camera.kind, settings: settings[n], recording };
      const { slug } = await this.perch.ok<{ slug: string }>('POST', '/api/cameras', added);
      assert.equal(slug, camera.slug);
    }
    const made = await this.perch.ok<{ token: string }>('POST', '/api/tokens', { name: 'tools', scope: 'stream' });
    this.#token = made.token;
    const { rtsp } = await this.perch.ok<{ rtsp: { port: number } }>('GET', '/api/outputs');
    this.#rtspPort = rtsp.port;
  }

  /** What Perch says of a camera. */
  async status(camera: MixedCamera): Promise<CameraReply['status']> {
    return (await this.perch.ok<CameraReply>('GET', `/api/cameras/${camera.slug}`)).status;
  }

  /** Waits until what Perch says of a camera is so. */
  async until(
    camera: MixedCamera,
    what: string,
    isSo: (status: CameraReply['status']) => boolean,
  ): Promise<CameraReply['status']> {
    for (const end = performance.now() + PATIENCE_MS; ; await setTimeout(ASK_EVERY_MS)) {
      const status = await this.status(camera);
      if (isSo(status)) return status;
      assert.ok(performance.now() < end, `${camera.name} is not ${what}: ${JSON.stringify(status)}`);
    }
  }

  /** Waits until pictures come, and are recorded. */
  async live(camera: MixedCamera): Promise<void> {
    const { framesReceived } = await this.status(camera);
    await this.until(camera, 'live and recorded', (now) => {
      return now.state === 'live' && now.recording && now.framesReceived > framesReceived + PICTURES;
    });
  }

  /** Waits until pictures from after that moment are in a recording. */
  async recordedSince(camera: MixedCamera, since: number): Promise<void> {
    const from = new Date(since).toISOString();
    for (const end = performance.now() + PATIENCE_MS; ; await setTimeout(ASK_EVERY_MS)) {
      const { segments } = await this.perch.ok<{ segments: SegmentReply[] }>(
        'GET',
        `/api/cameras/${camera.slug}/segments?from=${from}`,
      );
      if (segments.some((segment) => Date.parse(segment.end) > since && segment.frames >= PICTURES)) return;
      assert.ok(performance.now() < end, `${camera.name} is not recorded since ${from}: ${JSON.stringify(segments)}`);
    }
  }

  /** The newest closed recording of a camera is decoded by ffmpeg. @returns its pictures */
  async decodeRecording(camera: MixedCamera): Promise<number> {
    const { segments } = await this.perch.ok<{ segments: SegmentReply[] }>(
      'GET',
      `/api/cameras/${camera.slug}/segments`,
    );
    const closed = segments.filter(({ open, frames }) => !open && frames >= PICTURES);
    const newest = closed.sort((a, b) => Date.parse(b.start) - Date.parse(a.start))[0];
    assert.ok(newest, `${camera.name}: no closed recording in ${JSON.stringify(segments)}`);
    const url = this.#url(`api/segments/${newest.id}/media`);
    const framehash = ['-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framehash', '-'];
    const { out, err, code } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', url, ...framehash]);
    assert.deepEqual([code, err], [0, ''], camera.name);
    const frames = out.toString().match(/^\d/gm)?.length ?? 0;
    assert.equal(frames, newest.frames, `${camera.name}: pictures of ${newest.id}`);
    return frames;
  }

  /** All RTSP URLs, a few at once. */
  async allPlayByRtsp(): Promise<void> {
    for (let n = 0; n < this.cameras.length; n += AT_ONCE) {
      await Promise.all(this.cameras.slice(n, n + AT_ONCE).map((camera) => this.playsByRtsp(camera)));
    }
  }

  /** Pictures that Perch has received of all cameras, and how many they make in a second. */
  async pictures(): Promise<{ readonly received: number; readonly perSecond: number }> {
    const all = await Promise.all(this.cameras.map((camera) => this.status(camera)));
    const perSecond = this.cameras.reduce((sum, { kind }) => sum + (kind === 'rtsp' ? CLIP.fps : JPEG_FPS), 0);
    return { received: all.reduce((sum, { framesReceived }) => sum + framesReceived, 0), perSecond };
  }

  /** Its RTSP URL as ffprobe and ffmpeg read it. @returns what ffprobe found */
  async playsByRtsp(camera: MixedCamera): Promise<string> {
    const url = this.#rtspUrl(camera);
    const from = ['-v', 'error', '-rtsp_transport', 'tcp', '-timeout', '20000000', '-analyzeduration', '1000000'];
    const entries = ['-select_streams', 'v', '-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0'];
    const probed = await run('ffprobe', [...from, ...entries, url]);
    const found = probed.out.toString().trim();
    assert.equal(found, camera.kind === 'rtsp' ? 'h264,640,360' : 'h264,320,240', `${camera.name}: ${probed.err}`);
    const frames = ['-map', '0:v', '-frames:v', `${PICTURES}`, '-f', 'framehash', '-'];
    const decoded = await run('ffmpeg', ['-nostdin', ...from, '-i', url, ...frames]);
    assert.equal(decoded.code, 0, `${camera.name}: ${decoded.err}`);
    assert.equal(decoded.out.toString().match(/^\d/gm)?.length, PICTURES, camera.name);
    return found;
  }

  /** All RTSP URLs in the VLC of {@link rtspVlc}, a few at once. @returns pictures that it decoded, by camera */
  async allPlayByRtspInVlc(): Promise<ReadonlyMap<MixedCamera, number>> {
    const decoded = new Map<MixedCamera, number>();
    for (let n = 0; n < this.cameras.length; n += VLCS_AT_ONCE) {
      const some = this.cameras.slice(n, n + VLCS_AT_ONCE);
      await Promise.all(some.map(async (camera) => decoded.set(camera, await this.#playsByRtspInVlc(camera))));
    }
    return decoded;
  }

  /** VLC decodes some seconds and encodes them again; ffmpeg says what came out. */
  async #playsByRtspInVlc(camera: MixedCamera): Promise<number> {
    const [command = '', ...args] = rtspVlc;
    const again = '#transcode{vcodec=mp4v,vb=1000}:std{access=file,mux=ts,dst=-}';
    let beganMs: number | null = null;
    const vlc = await run(
      command,
      [...args, '--intf=dummy', '--no-sout-audio', this.#rtspUrl(camera), `--sout=${again}`],
      {
        enough: ({ out }) => {
          if (out.length > 0) beganMs ??= performance.now();
          return beganMs !== null && performance.now() - beganMs > VLC_PLAYS_MS;
        },
      },
    );
    const hashes = ['-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framehash', '-'];
    const read = await run('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'mpegts', '-i', 'pipe:0', ...hashes], {
      input: vlc.out,
    });
    // VLC repeats pictures to keep the pace: only different ones count.
    const lines = read.out.toString().match(/^\d.*$/gm) ?? [];
    const pictures = new Set(lines.map((line) => line.split(',').at(-1))).size;
    const said = vlc.err.slice(-3000);
    assert.ok(
      pictures > PICTURES,
      `VLC, ${camera.name} by RTSP: ${pictures} pictures; ${said}; ${read.err.slice(-500)}`,
    );
    return pictures;
  }

  /** VLC (Debian's has no RTSP: it is built without live555) plays a URL over HTTP. */
  async playsInVlc(camera: MixedCamera, output: 'mjpeg' | 'hls/index.m3u8'): Promise<void> {
    using folder = scratch();
    const url = this.#url(`cameras/${camera.slug}/${output}`);
    // VLC 3 stops at any discontinuity of fragmented MP4 in HLS (seen with ffmpeg's own playlists too): a camera that was
    // late has one until it leaves the playlist.
    for (const end = performance.now() + PATIENCE_MS; output.startsWith('hls'); await setTimeout(ASK_EVERY_MS)) {
      if (!/^#EXT-X-DISCONTINUITY$/m.test(await (await fetch(url)).text())) break;
      assert.ok(performance.now() < end, `${camera.name}: the playlist keeps a discontinuity`);
    }
    chmodSync(folder.path, 0o777);
    const scene = ['--video-filter=scene', '--scene-format=jpg', '--scene-ratio=3', `--scene-path=${folder.path}`];
    const vlc = ['cvlc', '--intf=dummy', '--vout=dummy', '--no-audio', '--network-caching=300', ...scene, url];
    // VLC refuses to run as root.
    const [command = '', ...args] = process.getuid?.() === 0 ? ['runuser', '-u', 'nobody', '--', ...vlc] : vlc;
    const shownBy = () => folder.files('.jpg').length;
    const options = { env: { HOME: folder.path }, enough: () => shownBy() > PICTURES };
    let { err } = await run(command, args, options);
    // Seen once in twenty: its own converter of pictures to files failed to start. Twice would be ours.
    if (/Failed to create video converter/.test(err)) ({ err } = await run(command, args, options));
    const shown = shownBy();
    assert.ok(shown > PICTURES, `VLC, ${camera.name}, ${output}: ${shown} pictures; ${err.slice(0, 3000)}`);
  }

  #rtspUrl({ slug }: MixedCamera): string {
    return `rtsp://any:${this.#token}@127.0.0.1:${this.#rtspPort}/${slug}`;
  }

  #url(path: string): string {
    return `${this.perch.url}/${path}?token=${this.#token}`;
  }

  /** The page's grid with all cameras. The page's context is signed in. */
  async openGrid(page: Page): Promise<void> {
    const { url } = this.perch;
    const reply = await page.context().request.post(`${url}/api/session`, { data: ADMIN });
    assert.equal(reply.status(), 200);
    await page.goto(url);
    await until('all tiles', async () => (await page.locator('.tile').count()) === this.cameras.length);
  }

  /** A camera is killed and started again: Perch says so, the tile moves again, recording goes on. @returns how long it took */
  async outlives(camera: MixedCamera, page: Page): Promise<{ readonly awayMs: number; readonly backMs: number }> {
    const { reconnects } = await this.status(camera);
    const killedMs = performance.now();
    await camera.kill();
    await this.until(camera, 'away', ({ state }) => state !== 'live');
    const awayMs = performance.now() - killedMs;
    const since = Date.now();
    await camera.start();
    const startedMs = performance.now();
    await this.until(camera, 'connected again', (now) => now.state === 'live' && now.reconnects > reconnects);
    const backMs = performance.now() - startedMs;
    await tileMoves(stageOf(page, camera), camera.name);
    await this.recordedSince(camera, since);
    return { awayMs, backMs };
  }

  /** Processor seconds so far: of Perch, and of all ffmpegs below it, those that have ended too. */
  processor(): { readonly perch: number; readonly ffmpegs: number } {
    const pid = this.perch.child.pid!;
    const running = descendantsOf(pid).reduce((sum, child) => sum + (processorSeconds(child) ?? 0), 0);
    return { perch: processorSeconds(pid) ?? 0, ffmpegs: running + endedChildrenSeconds(pid) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // In order, so that its ffmpegs are gone before their folder.
    await this.perch.end('SIGTERM');
    await this.#parts?.disposeAsync();
  }
}

/** The stage of a camera's tile. */
export const stageOf = (page: Page, camera: MixedCamera): Locator =>
  page.locator('.tile').filter({ hasText: camera.name }).locator('.stage');

/** As much of a tile's contents as is used in the page: the server's types have no DOM. */
type Picture = {
  readonly videoWidth: number;
  readonly currentTime: number;
  readonly width: number;
  readonly height: number;
  getContext(kind: '2d'): { getImageData(x: number, y: number, width: number, height: number): { data: Uint8Array } };
};
type Stage = { querySelector(name: 'video' | 'canvas'): Picture | null };

/** In the page: something that is another whenever another picture is shown. */
function pictureOf(stage: Stage): number | null {
  const video = stage.querySelector('video');
  if (video) return video.videoWidth > 0 ? video.currentTime : null;
  const canvas = stage.querySelector('canvas');
  if (!canvas || canvas.width < 16) return null;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let hash = 7;
  for (let i = 0; i < data.length; i += 37) hash = (hash * 31 + (data[i] ?? 0)) | 0;
  return hash;
}

/** Waits until the picture of a tile is shown as live and has changed, whatever draws it. */
export async function tileMoves(stage: Locator, what: string): Promise<void> {
  await until(`${what} is shown as live`, async () => (await stage.getAttribute('data-picture')) === 'moving');
  let first: number | null = null;
  await until(`the picture of ${what} changes`, async () => {
    const now = await stage.evaluate(pictureOf);
    first ??= now;
    return now !== null && now !== first && (await stage.getAttribute('data-picture')) === 'moving';
  });
}
/** proc(5), fields 16 and 17 of `stat`: in ticks of 10 ms. */
function endedChildrenSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(/.*\) \S (\d+)/s.exec(stat)?.[1]));
    } catch {
      // gone meanwhile
    }
  }
  const isBelow = (child: number | undefined): boolean =>
    child !== undefined && child > 1 && (parents.get(child) === pid || isBelow(parents.get(child)));
  return [...parents.keys()].filter(isBelow);
}
