// The whole app with one simulated RTSP camera that sends H.264: for tests of what viewers get of it.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { freshHost, type Nvr, startNvr } from './harness.ts';

/** For `test(..., { skip })`. */
export const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';

/** What the camera sends. */
export type CodedPicture = { readonly width: number; readonly height: number; readonly fps?: number };

/** See {@link startCodedNvr}. */
export type CodedWorld = AsyncDisposable & {
  readonly nvr: Nvr;
  readonly slug: string;
  readonly sim: RtspSimulator;
  /** The camera goes away and comes back, at the same address, with other pictures. */
  change(picture: CodedPicture): Promise<void>;
};

/** Starts it; the camera is live. */
export async function startCodedNvr(picture: CodedPicture = { width: 320, height: 240 }): Promise<CodedWorld> {
  const host = freshHost();
  const start = async ({ width, height, fps = 20 }: CodedPicture, port: number) => {
    const clip = await loadClip({ source: 'testsrc', width, height, fps, seconds: 4 });
    return RtspSimulator.start({ net: systemNet, clock: systemClock, host, port, clip });
  };
  let sim = await start(picture, 0);
  const nvr = await startNvr();
  const { slug } = await nvr.app.fleet.add({ name: 'Door', driver: 'rtsp', settings: { url: sim.url } });
  await nvr.state(slug, 'live');
  await nvr.frames(slug, 2);
  return {
    nvr,
    slug,
    get sim() {
      return sim;
    },
    async change(next) {
      const { port } = sim;
      await sim.vanish();
      await nvr.state(slug, 'backingOff');
      sim = await start(next, port);
    },
    async [Symbol.asyncDispose]() {
      await nvr[Symbol.asyncDispose]();
      await sim[Symbol.asyncDispose]();
    },
  };
}

/** Process ids of this process's children of that name; Linux only (elsewhere none). */
export function childrenOf(name: string): number[] {
  try {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .filter((pid) => {
        try {
          const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
          const [, comm = '', state = '', parent = ''] = /\((.*)\) (\S) (\d+)/.exec(stat) ?? [];
          return comm === name && state !== 'Z' && Number(parent) === process.pid;
        } catch {
          return false; // gone meanwhile
        }
      })
      .map(Number);
  } catch {
    return [];
  }
}
