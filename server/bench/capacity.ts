// How many cameras of 640x480 at 20 pictures a second, each with one viewer, one Perch on one processor takes before
// pictures are lost; and its resident memory on the way. Cameras and viewers run on the other processors.

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { CameraCounts, CameraPlace } from './cameras-process.ts';
import { Child } from './child.ts';
import { PerchProcess } from './perch-process.ts';
import { cpuSeconds, residentBytes, wait } from './process-stats.ts';
import type { ViewerCounts } from './viewers-process.ts';

const LOAD = { fps: 20, minBytes: 20_000, maxBytes: 40_000 } as const;
const STEPS = [1, 10, 25, 50, 75, 100] as const;
const QUICK_STEPS = [1, 10, 25] as const;
const SETTLE_MS = 3000;
const MEGABYTE = 1e6;
/** A picture in two hundred may be lost before we call it overload. */
const LOSS_ALLOWED = 0.005;
/** The simulators share a processor with the viewers: when they fall behind, it is not Perch that is measured. */
const LOAD_REACHED = 0.95;

/** One number of cameras. Shares are of the pictures that the cameras really sent. */
export type CapacityStep = {
  readonly cameras: number;
  readonly preRollSeconds: number;
  /** Pictures that the cameras sent of those that they should have. */
  readonly offered: number;
  readonly lostByPerch: number;
  readonly seenByViewers: number;
  /** Sessions that ended and began again in the window: cameras and Perch keep them alive with packets. */
  readonly reconnects: number;
  readonly processorShare: number;
  readonly residentMegabytes: number;
  readonly framesPerSecond: number;
};

/** All steps and what they mean. */
export type CapacityResult = {
  readonly withoutPreRoll: CapacityStep[];
  readonly withPreRoll: CapacityStep[];
  /** The most cameras that lost nothing. */
  readonly cameras: number;
  /** Why it went no further. */
  readonly limit: 'perch' | 'simulators' | 'not reached';
};

const isGood = (step: CapacityStep) => step.lostByPerch <= LOSS_ALLOWED && step.offered >= LOAD_REACHED;

class Bench implements AsyncDisposable {
  readonly #perch: PerchProcess;
  readonly #cameras: Child;
  readonly #viewers: Child;
  readonly #preRollSeconds: number;
  #count = 0;

  private constructor(perch: PerchProcess, preRollSeconds: number) {
    this.#perch = perch;
    this.#preRollSeconds = preRollSeconds;
    this.#cameras = new Child('./cameras-process.ts');
    this.#viewers = new Child('./viewers-process.ts');
    if (availableParallelism() < 2) return;
    for (const { pid } of [this.#cameras, this.#viewers]) bindToOthers(pid);
  }

  static async start(preRollSeconds: number, profileDir?: string): Promise<Bench> {
    const processor = availableParallelism() < 2 ? {} : { processor: 0 };
    return new Bench(await PerchProcess.start({ ...processor, profileDir }), preRollSeconds);
  }

  async step(cameras: number, windowMs: number): Promise<CapacityStep> {
    const places = await this.#cameras.ask<CameraPlace[]>('add', { ...LOAD, count: cameras - this.#count });
    const streams: { port: number; path: string }[] = [];
    for (const [index, place] of places.entries()) {
      const camera = await this.#perch.addCamera(`Camera ${this.#count + index + 1}`, place, this.#preRollSeconds);
      streams.push({ port: this.#perch.port, path: this.#perch.streamPath(camera.slug) });
    }
    this.#count = cameras;
    await this.#perch.live(cameras);
    await this.#viewers.ask('open', streams);
    await wait(SETTLE_MS + this.#preRollSeconds * 1000);
    const step = await this.#measure(cameras, windowMs);
    // Once more when it went wrong: another program may have had the processor for a moment.
    return isGood(step) ? step : this.#measure(cameras, windowMs);
  }

  async #measure(cameras: number, windowMs: number): Promise<CapacityStep> {
    const before = await this.#read();
    await wait(windowMs);
    const after = await this.#read();
    const seconds = (after.ms - before.ms) / 1000;
    const sent = after.sent - before.sent;
    return {
      cameras,
      preRollSeconds: this.#preRollSeconds,
      offered: sent / (seconds * LOAD.fps * cameras),
      // What was on its way at the two readings is less than a picture for each camera.
      lostByPerch: Math.max(0, (sent - (after.received - before.received) - cameras) / sent),
      reconnects: after.reconnects - before.reconnects,
      seenByViewers: (after.parts - before.parts) / sent,
      processorShare: (after.cpu - before.cpu) / seconds,
      residentMegabytes: residentBytes(this.#perch.pid) / MEGABYTE,
      framesPerSecond: (after.received - before.received) / seconds,
    };
  }

  async #read() {
    const [counts, viewers, cameras] = await Promise.all([
      this.#cameras.ask<CameraCounts>('counts'),
      this.#viewers.ask<ViewerCounts>('counts'),
      this.#perch.cameras(),
    ]);
    return {
      ms: performance.now(),
      cpu: cpuSeconds(this.#perch.pid),
      sent: counts.framesSent,
      parts: viewers.parts,
      received: cameras.reduce((total, { status }) => total + status.framesReceived, 0),
      reconnects: cameras.reduce((total, { status }) => total + status.reconnects, 0),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#viewers[Symbol.dispose]();
    await this.#perch[Symbol.asyncDispose]();
    this.#cameras[Symbol.dispose]();
  }
}

/** All processors but the first, which is Perch's. */
function bindToOthers(pid: number): void {
  spawnSync('taskset', ['-apc', `1-${availableParallelism() - 1}`, String(pid)]);
}

async function climb(steps: readonly number[], preRollSeconds: number, windowMs: number, profileDir?: string) {
  await using bench = await Bench.start(preRollSeconds, profileDir);
  const results: CapacityStep[] = [];
  for (const cameras of steps) {
    const step = await bench.step(cameras, windowMs);
    results.push(step);
    if (!isGood(step)) break;
  }
  return results;
}

/** Climbs until pictures are lost, then again to 50 cameras with five seconds of pre-roll. */
export async function measureCapacity({
  quick = false,
  profileDir,
}: {
  quick?: boolean;
  profileDir?: string | undefined;
}) {
  const windowMs = quick ? 3000 : 6000;
  const withoutPreRoll = await climb(quick ? QUICK_STEPS : STEPS, 0, windowMs, profileDir);
  const withPreRoll = await climb(quick ? [1, 10] : [1, 10, 50], 5, windowMs / 2);
  const last = withoutPreRoll.at(-1);
  const good = withoutPreRoll.filter(isGood);
  const limit = !last || good.includes(last) ? 'not reached' : last.offered < LOAD_REACHED ? 'simulators' : 'perch';
  const result: CapacityResult = { withoutPreRoll, withPreRoll, cameras: good.at(-1)?.cameras ?? 0, limit };
  return result;
}
