// What an H.264 camera (1080p25, 4 Mbit/s) costs Perch: with nobody looking, recorded, with one and ten viewers of the live
// socket. Beside it, in the same windows, one plain `ffmpeg -c copy` of each camera into a file.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.ts';
import { PerchProcess } from './perch-process.ts';
import { childrenOf, cpuSeconds, residentBytes, wait } from './process-stats.ts';
import type { RtspCameras, RtspLoad } from './rtsp-cameras-process.ts';
import type { SocketCounts } from './socket-viewers-process.ts';

const CAMERAS = 4;
const LOAD: RtspLoad = { count: CAMERAS, width: 1920, height: 1080, fps: 25, seconds: 4, bitRate: 4_000_000 };
const VIEWERS = [1, 10] as const;
const WINDOW_MS = 7000;
const QUICK_WINDOW_MS = 3000;
const SETTLE_MS = 2000;
/** ffmpegs of recordings start and end; viewers get their first picture. Only so that the benchmark ends. */
const LIMIT_MS = 30_000;
const MEGABYTE = 1e6;

/** One way of use; shares of one processor and megabytes, each per camera. */
export type H264Step = {
  readonly name: string;
  readonly perch: number;
  /** ffmpegs that Perch has started. */
  readonly ffmpegs: number;
  readonly copy: number;
  /** Memory above that of Perch without cameras. */
  readonly perchMegabytes: number;
  readonly ffmpegsMegabytes: number;
  readonly copyMegabytes: number;
  /** What viewers got of what the cameras sent, 1 = all; `null` without viewers. */
  readonly delivered: number | null;
};
/** All of them. */
export type H264Figures = {
  readonly cameras: number;
  readonly megabitsPerSecond: number;
  /** Perch before it had cameras. */
  readonly emptyShare: number;
  readonly emptyMegabytes: number;
  readonly steps: readonly H264Step[];
};

function startCopy(url: string, file: string): ChildProcess {
  const input = ['-nostdin', '-v', 'error', '-rtsp_transport', 'tcp', '-i', url];
  const output = ['-c', 'copy', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', '-f', 'mp4', '-y', file];
  return spawn('ffmpeg', [...input, ...output], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Of processes that may end meanwhile, as writers of recordings do at the end of a file: those do not count. */
function sum(pids: readonly number[], of: (pid: number) => number): number {
  let all = 0;
  for (const pid of pids) {
    try {
      all += of(pid);
    } catch {
      // it has ended
    }
  }
  return all;
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + LIMIT_MS; !(await isSo()); await wait(200)) {
    if (performance.now() > end) throw new Error(`it did not happen: ${what}`);
  }
}

/** Measures all ways of use. */
export async function measureH264({ quick = false, profileDir }: { quick?: boolean; profileDir?: string | undefined }) {
  const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
  const folder = mkdtempSync(join(tmpdir(), 'perch-bench-h264-'));
  using cameras = new Child('./rtsp-cameras-process.ts');
  using viewers = new Child('./socket-viewers-process.ts');
  const { urls, bitRate } = await cameras.ask<RtspCameras>('start', LOAD);
  await using perch = await PerchProcess.start({ profileDir });
  const copies = urls.map((url, n) => startCopy(url, join(folder, `${n}.mp4`)));
  const copyPids = copies.map(({ pid }) => pid ?? 0);
  try {
    const window = async (ffmpegPids: readonly number[]) => {
      const read = async () => ({
        ...{ ms: performance.now(), perch: cpuSeconds(perch.pid), copy: sum(copyPids, cpuSeconds) },
        ...{ ffmpegs: sum(ffmpegPids, cpuSeconds), bytes: (await viewers.ask<SocketCounts>('counts')).bytes },
      });
      const before = await read();
      await wait(windowMs);
      const after = await read();
      const seconds = (after.ms - before.ms) / 1000;
      const share = (key: 'perch' | 'copy' | 'ffmpegs') => (after[key] - before[key]) / seconds;
      return {
        ...{ perch: share('perch'), copy: share('copy'), ffmpegs: share('ffmpegs') },
        bytesPerSecond: (after.bytes - before.bytes) / seconds,
        perchBytes: residentBytes(perch.pid),
        ffmpegsBytes: sum(ffmpegPids, residentBytes),
        copyBytes: sum(copyPids, residentBytes),
      };
    };
    await wait(SETTLE_MS);
    const empty = await window([]);
    const steps: H264Step[] = [];
    const step = async (name: string, viewersEach: number) => {
      const ffmpegPids = childrenOf(perch.pid, 'ffmpeg');
      if (childrenOf(process.pid, 'ffmpeg').length < CAMERAS) throw new Error('A baseline has ended');
      const seen = await window(ffmpegPids);
      steps.push({
        name,
        perch: (seen.perch - empty.perch) / CAMERAS,
        ffmpegs: seen.ffmpegs / CAMERAS,
        copy: seen.copy / CAMERAS,
        perchMegabytes: (seen.perchBytes - empty.perchBytes) / CAMERAS / MEGABYTE,
        ffmpegsMegabytes: seen.ffmpegsBytes / CAMERAS / MEGABYTE,
        copyMegabytes: seen.copyBytes / CAMERAS / MEGABYTE,
        delivered: viewersEach === 0 ? null : (seen.bytesPerSecond * 8) / (bitRate * CAMERAS * viewersEach),
      });
    };

    const slugs: string[] = [];
    for (const [n, url] of urls.entries()) {
      slugs.push((await perch.add({ name: `Camera ${n + 1}`, driver: 'rtsp', settings: { url } })).slug);
    }
    await perch.live(CAMERAS);
    // The ring before a recording fills for five seconds.
    await wait(SETTLE_MS + 5000);
    await step('nobody looks', 0);

    const record = async (mode: 'continuous' | 'off') => {
      for (const slug of slugs) {
        // No file ends in the window: its writer's share would be missing.
        await perch.call('PATCH', `/api/cameras/${slug}`, { recording: { mode, segmentSeconds: 3600 } });
      }
      const count = mode === 'off' ? 0 : CAMERAS;
      await until(`recording ${mode}`, () => childrenOf(perch.pid, 'ffmpeg').length === count);
      await wait(SETTLE_MS);
    };
    await record('continuous');
    await step('recorded', 0);
    await record('off');

    for (const each of VIEWERS) {
      const { port, token } = perch;
      const streams = slugs.flatMap((slug) => Array.from({ length: each }, () => ({ port, token, slug })));
      await viewers.ask('open', streams);
      await until(`${each} viewers each`, async () => {
        return (await viewers.ask<SocketCounts>('counts')).open === streams.length;
      });
      await wait(SETTLE_MS);
      await step(`${each} ${each === 1 ? 'viewer' : 'viewers'}`, each);
      await viewers.ask('close');
    }
    const result: H264Figures = {
      ...{ cameras: CAMERAS, megabitsPerSecond: bitRate / 1e6 },
      ...{ emptyShare: empty.perch, emptyMegabytes: empty.perchBytes / MEGABYTE, steps },
    };
    return result;
  } finally {
    for (const copy of copies) copy.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
