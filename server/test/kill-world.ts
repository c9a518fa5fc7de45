// Perch recording four cameras, killed at random instants, for `kill.test.ts` (a few runs) and `kill.soak.ts` (a hundred):
// after each kill every promise of design/recordings.md is looked at with ffprobe, ffmpeg and the files themselves.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../core/clock.ts';
import { type Random, seededRandom } from '../core/random.ts';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import { systemNet } from '../net/system-net.ts';
import { fsck } from '../recording/fsck.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { openForCheck } from '../store/fsck.ts';
import { type Segment, SegmentIndex } from '../store/segment-index.ts';
import { freshHost, startSimulator } from './harness.ts';
import { type PerchProcess, startPerch } from './perch-process.ts';

const run = promisify(execFile);

/** What is killed. `start`: Perch, and then the next Perch while it still starts. */
export type Victim = 'perch' | 'ffmpeg' | 'both' | 'start';
/** What was seen in one run. */
export type KillResult = {
  readonly victim: Victim;
  /** Time before the kill that is in no file, by camera. */
  readonly lostMs: Readonly<Record<string, number>>;
  /** Whole pictures of open files that adoption did not keep. */
  readonly cutFrames: number;
  readonly adopted: number;
  /** The machine had several times more to do than it can: what was lost is told and not judged. */
  readonly overloaded: boolean;
};

/** The longest loss that is promised. */
const LOSS_MS = 2000;
/** Load average above so many times the processors: pictures and encoders wait for their turn for seconds. */
const OVERLOAD = 3;
/** Adoption and the cameras' return; only so that a failure says what is missing. */
const PATIENCE_MS = 60_000;
const MAX_DELAY_MS = 3500;
const START_DELAY_MS = 1500;
/** Longest distance of pictures in one cluster or fragment, in pictures of the quickest camera, and one more. */
const CLUSTER_FRAMES = 12;
const POLL_MS = 20;
const FILE = /\.(mp4|mkv)(\.part)?$/;
const PART = '.part';
const recording = { mode: 'continuous', preRollSeconds: 5 };

type Found = { readonly path: string; readonly bytes: number };

/** Cameras that stay, and a data directory that outlives every Perch. */
export class KillWorld implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #random: Random;
  readonly #ends: (() => Promise<unknown>)[] = [];
  readonly #folders: string[] = [];
  readonly #checked = new Set<string>();
  #perch: PerchProcess | null = null;
  /** Closed recordings that were decoded so far. */
  decoded = 0;

  /**
   * @param seed of the instants
   * @param cameras how many, of four: MJPEG and encoded at 48 kbit/s, MJPEG with sound, copied H.264
   */
  static async start(seed: number, cameras = 4): Promise<KillWorld> {
    const world = new KillWorld(await mkdtemp(join(tmpdir(), 'perch-kill-')), seededRandom(seed));
    await world.#setUp(cameras);
    return world;
  }

  private constructor(dataDir: string, random: Random) {
    this.#dataDir = dataDir;
    this.#random = random;
  }

  async #setUp(cameras: number): Promise<void> {
    // 10 pictures of 600 bytes: 48 kbit/s.
    const small = new CountedPictures({ width: 64, height: 48, minBytes: 600, maxBytes: 600 });
    const [thin, thinToo, fat] = await Promise.all([
      startSimulator({ pictures: small, audio: false }),
      startSimulator({ pictures: small, audio: true }),
      startSimulator({ pictures: new CountedPictures({ count: 40 }), audio: true }),
    ]);
    const clip = await loadClip({ source: 'testsrc', width: 320, height: 240, fps: 10, seconds: 4 });
    const rtsp = await RtspSimulator.start({ net: systemNet, clock: systemClock, host: freshHost(), port: 0, clip });
    this.#ends.push(
      () => thin.stop(),
      () => thinToo.stop(),
      () => fat.stop(),
      () => rtsp[Symbol.asyncDispose](),
    );
    const iwfcam = ({ options, discoveryPort }: typeof thin) => ({
      ...{ driver: 'iwfcam', settings: { host: options.host, port: discoveryPort } },
    });
    const perch = await this.#start();
    await perch.ok('PATCH', '/api/settings', { minFreeBytes: 0 });
    const all = [
      ['thin mjpeg', iwfcam(thin), { format: 'mjpeg', segmentSeconds: 3, audio: false }],
      ['thin encoded', iwfcam(thinToo), { format: 'mp4', segmentSeconds: 3, audio: true }],
      ['fat mjpeg', iwfcam(fat), { format: 'mjpeg', segmentSeconds: 2, audio: true }],
      ['copied', { driver: 'rtsp', settings: { url: rtsp.url } }, { format: 'mp4', segmentSeconds: 3, audio: false }],
    ] as const;
    for (const [name, source, own] of all.slice(0, cameras)) {
      const { slug } = await perch.ok<{ slug: string }>('POST', '/api/cameras', {
        ...{ name, ...source, recording: { ...recording, ...own } },
      });
      this.#folders.push(slug);
    }
  }

  /** One kill and all that is promised after it. @throws AssertionError */
  async kill(victim: Victim): Promise<KillResult> {
    const since = Date.now();
    await this.#recordsSince(since);
    await systemClock.sleep(this.#random() * MAX_DELAY_MS);
    return victim === 'ffmpeg' ? this.#killWriters() : this.#killPerch(victim);
  }

  /** Ends in order; then database and disk must agree. */
  async finish(): Promise<void> {
    const { code } = await this.#perch!.end('SIGTERM');
    assert.equal(code, 0);
    const databaseFile = join(this.#dataDir, 'perch.db');
    assert.deepEqual((await fsck({ dataDir: this.#dataDir, databaseFile, repair: false })).found, []);
    await this.#decodeNew();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#perch?.[Symbol.asyncDispose]();
    await Promise.all(this.#ends.map((end) => end()));
    // PERCH_KILL_KEEP=1: what a failed run left can be looked at.
    if (!process.env.PERCH_KILL_KEEP) await rm(this.#dataDir, { recursive: true, force: true });
  }

  async #start(): Promise<PerchProcess> {
    this.#perch = await startPerch(this.#dataDir);
    return this.#perch;
  }

  async #killPerch(victim: Exclude<Victim, 'ffmpeg'>): Promise<KillResult> {
    const perch = this.#perch!;
    const ffmpegs = victim === 'both' ? childrenOf(perch.child.pid!) : [];
    const killedAt = Date.now();
    const ffmpegFirst = this.#random() < 0.5;
    if (ffmpegFirst) killAll(ffmpegs);
    perch.child.kill('SIGKILL');
    if (!ffmpegFirst) killAll(ffmpegs);
    await perch.end('SIGKILL');
    // What the next start must work with, as it stands once the writers are gone too.
    await this.#until(
      () => this.#writers().length === 0,
      () => 'ffmpeg outlives Perch',
    );
    const left = this.#files();
    const whole = await this.#framesOfParts(left);
    if (victim === 'start') {
      const delayMs = this.#random() * START_DELAY_MS;
      await startPerch(this.#dataDir, {}, (child) => setTimeout(() => child.kill('SIGKILL'), delayMs)).then(
        (early) => early.end('SIGKILL'),
        () => {}, // it did not get so far
      );
    }
    const startedAt = Date.now();
    await this.#start();
    await this.#recordsSince(startedAt);
    const rows = this.#rows();
    const byPath = new Map(rows.map((row) => [row.path, row]));
    for (const { path } of rows) assert.ok(existsSync(this.#absolute(path)), `a row without a file: ${path}`);
    let cutFrames = 0;
    let adopted = 0;
    for (const { path, bytes } of left) {
      const final = path.endsWith(PART) ? path.slice(0, -PART.length) : path;
      const row = byPath.get(final);
      if (final === path) {
        assert.ok(row, `a file without a row: ${path}`);
        assert.deepEqual([row.bytes, statSync(this.#absolute(path)).size], [bytes, bytes], path);
        continue;
      }
      assert.equal(existsSync(this.#absolute(path)), false, `${path} was left`);
      const frames = whole.get(path) ?? 0;
      if (row) adopted++;
      else assert.equal(frames, 0, `${path} had ${frames} pictures and is no recording now`);
      const cut = frames - (row?.frames ?? 0);
      assert.ok(cut <= CLUSTER_FRAMES, `${cut} of ${frames} pictures of ${path} were cut off`);
      cutFrames += Math.max(0, cut);
    }
    await this.#assertQuarantine();
    await this.#decodeNew();
    const lostMs = this.#lost(rows, killedAt);
    return { victim, lostMs, cutFrames, adopted, overloaded: assertLoss(lostMs) };
  }

  /** ffmpeg alone, one or all, writers and encoders: Perch goes on by itself, and what was in memory is recorded again. */
  async #killWriters(): Promise<KillResult> {
    const before = this.#rows().length;
    const ffmpegs = childrenOf(this.#perch!.child.pid!);
    const some = this.#random() < 0.5 ? ffmpegs : ffmpegs.filter(() => this.#random() < 0.4);
    const killedAt = Date.now();
    killAll(some);
    await this.#recordsSince(killedAt);
    // Until the segment after the kill is closed, too: then both sides of the hole have rows.
    const closedAfter = (folder: string) =>
      this.#rows().some((row) => row.folder === folder && row.startAt > killedAt && row.endReason === 'boundary');
    await this.#until(
      () => this.#folders.every(closedAfter),
      () => 'no closed recording after the kill of ffmpeg',
    );
    await this.#assertQuarantine();
    await this.#decodeNew();
    const rows = this.#rows();
    const lostMs = Object.fromEntries(
      this.#folders.map((folder) => {
        const own = rows.filter((row) => row.folder === folder).sort((a, b) => a.startAt - b.startAt);
        // Behind what the dead ffmpeg left, that is; when the camera sent nothing, that is no loss.
        const holes = own.map(({ startAt }, n) => {
          const before = own[n - 1];
          return { startAt, hole: before?.endReason === 'recorderFailed' ? startAt - before.endAt : 0 };
        });
        const near = holes.filter(({ startAt }) => startAt > killedAt - LOSS_MS);
        return [folder, Math.max(0, ...near.map(({ hole }) => hole))];
      }),
    );
    const overloaded = assertLoss(lostMs);
    return { victim: 'ffmpeg', lostMs, cutFrames: 0, adopted: rows.length - before, overloaded };
  }

  /** What was put aside has not one picture that anybody could play. */
  async #assertQuarantine(): Promise<void> {
    const folder = join(this.#dataDir, 'quarantine');
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      const pictures = await countPictures(join(folder, name)).catch(() => 0);
      assert.equal(pictures, 0, `${name} was put aside, ${statSync(join(folder, name)).size} bytes`);
    }
  }

  /** Each camera's time between its last recorded picture and the kill. */
  #lost(rows: readonly Segment[], killedAt: number): Record<string, number> {
    return Object.fromEntries(
      this.#folders.map((folder) => {
        const own = rows.filter((row) => row.folder === folder && row.startAt < killedAt);
        return [folder, killedAt - Math.max(...own.map(({ endAt }) => endAt))];
      }),
    );
  }

  /** Every closed file that was not looked at before: as many pictures as its row says, decoded without a complaint. */
  async #decodeNew(): Promise<void> {
    const rows = this.#rows().filter(({ path, bytes }) => !this.#checked.has(`${path} ${bytes}`));
    for (let n = 0; n < rows.length; n += 2) {
      await Promise.all(
        rows.slice(n, n + 2).map(async ({ path, bytes, frames }) => {
          const file = this.#absolute(path);
          const options = ['-v', 'error', '-i', file, '-fps_mode', 'passthrough', '-enc_time_base:v', '1:16000'];
          const [packets, { stderr }] = await Promise.all([
            countPictures(file),
            run('ffmpeg', [...options, '-f', 'null', '-']),
          ]);
          assert.equal(packets, frames, `pictures of ${path}`);
          assert.equal(stderr, '', `decoding ${path}`);
          this.#checked.add(`${path} ${bytes}`);
          this.decoded++;
        }),
      );
    }
  }

  /** Waits until every camera writes a file that was begun after a moment. */
  async #recordsSince(since: number): Promise<void> {
    const writes = (folder: string) =>
      this.#files().some(({ path, bytes }) => {
        if (!path.startsWith(`${folder}/`) || !path.endsWith(PART) || bytes === 0) return false;
        return (statSync(this.#absolute(path), { throwIfNoEntry: false })?.mtimeMs ?? 0) > since;
      });
    const silent = () => this.#folders.filter((folder) => !writes(folder));
    await this.#until(
      () => silent().length === 0,
      () => `${silent().join(', ')} not recorded`,
    );
  }

  async #until(holds: () => boolean, problem: () => string): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (performance.now() > until) assert.fail(`${problem()}\n${this.#perch?.output().slice(-3000)}`);
      await systemClock.sleep(POLL_MS);
    }
  }

  #rows(): Segment[] {
    const db = openForCheck(join(this.#dataDir, 'perch.db'));
    try {
      return [...new SegmentIndex(db).rows()];
    } finally {
      db.close();
    }
  }

  #absolute(path: string): string {
    return join(this.#dataDir, 'recordings', path);
  }

  #files(): Found[] {
    const root = join(this.#dataDir, 'recordings');
    if (!existsSync(root)) return [];
    return readdirSync(root, { recursive: true })
      .map(String)
      .filter((path) => FILE.test(path))
      .flatMap((path) => {
        const size = statSync(join(root, path), { throwIfNoEntry: false })?.size;
        return size === undefined ? [] : [{ path, bytes: size }];
      });
  }

  async #framesOfParts(files: readonly Found[]): Promise<Map<string, number>> {
    const parts = files.filter(({ path, bytes }) => path.endsWith(PART) && bytes > 0);
    const counted = parts.map(
      async ({ path }) => [path, await countPictures(this.#absolute(path)).catch(() => 0)] as const,
    );
    return new Map(await Promise.all(counted));
  }

  /** Processes that still have a recording open. */
  #writers(): number[] {
    const root = `${this.#dataDir}/recordings/`;
    return processes().filter((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(root));
      } catch {
        return false; // gone meanwhile
      }
    });
  }
}

/** The promise is about a machine that keeps up. @returns whether this one does not */
function assertLoss(lostMs: Readonly<Record<string, number>>): boolean {
  const overloaded = loadavg()[0]! > OVERLOAD * availableParallelism();
  if (overloaded) return true;
  for (const [folder, ms] of Object.entries(lostMs)) assert.ok(ms <= LOSS_MS, `${folder}: ${ms} ms lost`);
  return false;
}

async function countPictures(file: string): Promise<number> {
  const asked = ['-select_streams', 'v', '-show_packets', '-show_entries', 'packet=pts_time'];
  return (await ffprobe(file, asked)).packets?.length ?? 0;
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone meanwhile
    }
  }
}

const processes = () =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid);

/** The ffmpegs of one Perch. */
function childrenOf(parent: number): number[] {
  return processes().filter((pid) => {
    try {
      const [, comm, owner] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return comm === 'ffmpeg' && Number(owner) === parent;
    } catch {
      return false; // gone meanwhile
    }
  });
}
