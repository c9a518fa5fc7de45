// One camera to many viewers: processor seconds of the whole Perch process per gigabyte delivered, beside a bare
// socket.write loop with the same pictures. Windows alternate, so that both see the same machine.

import type { CameraPlace } from './cameras-process.ts';
import { Child } from './child.ts';
import { PerchProcess } from './perch-process.ts';
import { cpuSeconds, wait } from './process-stats.ts';
import type { ViewerCounts } from './viewers-process.ts';

const LOAD = { fps: 20, bytes: 30_000 } as const;
const VIEWERS = [1, 10, 100] as const;
const SETTLE_MS = 1500;
const GIGABYTE = 1e9;

/** Processor seconds per gigabyte; `delivery` leaves out what the camera costs with nobody looking. */
export type FanOutFigures = {
  readonly viewers: number;
  readonly perch: number;
  readonly delivery: number;
  readonly baseline: number;
  readonly megabytesPerSecond: number;
  /** Pictures that viewers got of those that the camera sent to each of them, 1 = all. */
  readonly delivered: number;
};

type Window = { readonly seconds: number; readonly cpu: number; readonly bytes: number; readonly parts: number };

async function measure(pid: number, viewers: Child, ms: number): Promise<Window> {
  const before = await viewers.ask<ViewerCounts>('counts');
  const cpu = cpuSeconds(pid);
  const startMs = performance.now();
  await wait(ms);
  const cpuAfter = cpuSeconds(pid);
  const seconds = (performance.now() - startMs) / 1000;
  const after = await viewers.ask<ViewerCounts>('counts');
  return { seconds, cpu: cpuAfter - cpu, bytes: after.bytes - before.bytes, parts: after.parts - before.parts };
}

/** Measures all numbers of viewers. */
export async function measureFanOut({
  quick = false,
  profileDir,
}: {
  quick?: boolean;
  profileDir?: string | undefined;
}) {
  const windowMs = quick ? 2000 : 6000;
  await using perch = await PerchProcess.start({ profileDir });
  using cameras = new Child('./cameras-process.ts');
  using writer = new Child('./writer-process.ts');
  using viewers = new Child('./viewers-process.ts');
  const load = { count: 1, fps: LOAD.fps, minBytes: LOAD.bytes, maxBytes: LOAD.bytes };
  const [place] = await cameras.ask<CameraPlace[]>('add', load);
  const camera = await perch.addCamera('fan-out', place!);
  await perch.live(1);
  const writerPort = await writer.ask<number>('start', { fps: LOAD.fps, bytes: LOAD.bytes });
  const streams = {
    perch: { port: perch.port, path: perch.streamPath(camera.slug) },
    baseline: { port: writerPort, path: '/' },
  };

  const watch = async (stream: { port: number; path: string }, count: number, pid: number): Promise<Window> => {
    await viewers.ask(
      'open',
      Array.from({ length: count }, () => stream),
    );
    await wait(SETTLE_MS);
    const window = await measure(pid, viewers, windowMs);
    await viewers.ask('close');
    await wait(SETTLE_MS / 3);
    return window;
  };
  // Code that runs a lot is compiled in the first seconds; that is not what a recorder of weeks costs.
  for (const [stream, pid] of [[streams.perch, perch.pid] as const, [streams.baseline, writer.pid] as const]) {
    await watch(stream, VIEWERS.at(-1) ?? 1, pid);
  }
  const idle = await measure(perch.pid, viewers, windowMs);
  const idlePerSecond = idle.cpu / idle.seconds;
  const results: FanOutFigures[] = [];
  for (const count of VIEWERS) {
    const ours = await watch(streams.perch, count, perch.pid);
    const bare = await watch(streams.baseline, count, writer.pid);
    results.push({
      viewers: count,
      perch: (ours.cpu / ours.bytes) * GIGABYTE,
      delivery: ((ours.cpu - idlePerSecond * ours.seconds) / ours.bytes) * GIGABYTE,
      baseline: (bare.cpu / bare.bytes) * GIGABYTE,
      megabytesPerSecond: ours.bytes / ours.seconds / 1e6,
      delivered: ours.parts / (ours.seconds * LOAD.fps * count),
    });
  }
  return { idleProcessorShare: idlePerSecond, results };
}
