// Perch under attack: memory, and how long /healthz takes meanwhile, beside the same with nobody attacking.

import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { CameraCounts, CameraPlace } from './cameras-process.ts';
import { Child } from './child.ts';
import { PerchProcess } from './perch-process.ts';
import { percentile, residentBytes, wait } from './process-stats.ts';

const PROBE_EVERY_MS = 50;
const SLOW_SENDERS = 2000;
const SLOW_LIMIT_MS = 60_000;
/** The bare server closes nobody before its time-outs; the burst is what is compared. */
const BARE_SLOW_MS = 5000;
const HUGE_SENDERS = 200;
const STUCK_VIEWERS = 20;
const LOGINS = 60;
const WINDOW_MS = 10_000;
const QUICK_WINDOW_MS = 3000;
const DATAGRAMS = 1_000_000;
const QUICK_DATAGRAMS = 100_000;
const MEGABYTE = 1024 * 1024;
const RESET_PEAK = '5';

/** One attack. Megabytes above what Perch took right before; latencies of /healthz in milliseconds. */
export type HostileFigures = {
  readonly attack: string;
  readonly seconds: number;
  readonly peakMegabytes: number;
  readonly leftMegabytes: number;
  readonly healthP50: number;
  readonly healthP99: number;
  readonly healthMax: number;
  readonly failedProbes: number;
  /** The longest that Perch's own event loop stood still; without the noise of the machine and of the attackers. */
  readonly loopMax: number;
  readonly note: string;
};

/** Asks once, over a connection of its own. @returns milliseconds, or `null` when it was not 200 */
function probe(port: number): Promise<number | null> {
  const began = performance.now();
  return new Promise((resolve) => {
    const call = request({ port, host: '127.0.0.1', path: '/healthz', agent: false, timeout: 5000 }, (reply) => {
      reply.resume().on('end', () => resolve(reply.statusCode === 200 ? performance.now() - began : null));
    });
    call.on('timeout', () => call.destroy(new Error('timeout')));
    call.on('error', () => resolve(null));
    call.end();
  });
}

const peakBytes = (pid: number) =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

/** What is attacked. */
type Target = { readonly pid: number; readonly port: number; loopMax(): Promise<number> };

/** Longest delay of Perch's loop since the last time it was asked, milliseconds. */
async function loopMax(perch: PerchProcess): Promise<number> {
  const line = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(await perch.metrics());
  return Number(line?.[1] ?? Number.NaN) * 1000;
}

/** Runs an attack to its end with probes beside it. */
async function under(target: Target, attack: string, run: () => Promise<string>): Promise<HostileFigures> {
  const before = residentBytes(target.pid);
  writeFileSync(`/proc/${target.pid}/clear_refs`, RESET_PEAK);
  await target.loopMax();
  const latencies: number[] = [];
  let [failedProbes, isOver] = [0, false];
  const probing = (async () => {
    while (!isOver) {
      const latency = await probe(target.port);
      if (latency === null) failedProbes++;
      else latencies.push(latency);
      await wait(PROBE_EVERY_MS);
    }
  })();
  const began = performance.now();
  const note = await run();
  const seconds = (performance.now() - began) / 1000;
  isOver = true;
  await probing;
  const peakMegabytes = (peakBytes(target.pid) - before) / MEGABYTE;
  const stoodMs = await target.loopMax();
  await wait(1000);
  return {
    ...{ attack, seconds, peakMegabytes, leftMegabytes: (residentBytes(target.pid) - before) / MEGABYTE, note },
    ...{ healthP50: percentile(latencies, 0.5), healthP99: percentile(latencies, 0.99) },
    ...{ healthMax: latencies.at(-1) ?? Number.NaN, failedProbes, loopMax: stoodMs },
  };
}

/** All attacks, one after the other, on one Perch with one camera and one honest viewer. */
export async function measureHostile({ quick = false }: { quick?: boolean }): Promise<HostileFigures[]> {
  const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
  await using perch = await PerchProcess.start();
  using cameras = new Child('./cameras-process.ts');
  using attackers = new Child('./attackers-process.ts');
  using viewers = new Child('./viewers-process.ts');
  using bare = new Child('./bare-http-process.ts');
  const load = { count: 1, fps: 20, minBytes: 30_000, maxBytes: 30_000 };
  const [place] = await cameras.ask<CameraPlace[]>('add', load);
  const { slug } = await perch.addCamera('hostile', place!);
  await perch.live(1);
  const { port } = perch;
  await viewers.ask('open', [{ port, path: perch.streamPath(slug) }]);
  await wait(windowMs); // warm
  const figures: HostileFigures[] = [];
  const target = { pid: perch.pid, port, loopMax: () => loopMax(perch) };

  const nothing = async () => {
    await wait(windowMs);
    return 'the baseline';
  };
  figures.push(await under(target, 'nobody attacks', nothing));

  const bareTarget = { pid: bare.pid, port: await bare.ask<number>('listen'), loopMax: async () => Number.NaN };
  const slowAtBare = async () => {
    await attackers.ask('slow', { port: bareTarget.port, count: SLOW_SENDERS });
    await wait(BARE_SLOW_MS);
    await attackers.ask('leave');
    return "Node's bare server, for comparison";
  };
  figures.push(await under(bareTarget, `${SLOW_SENDERS} slow senders, bare`, slowAtBare));

  const slow = async () => {
    const began = performance.now();
    await attackers.ask('slow', { port, count: SLOW_SENDERS });
    let open = SLOW_SENDERS;
    while (open > 0 && performance.now() - began < SLOW_LIMIT_MS) {
      await wait(250);
      open = await attackers.ask<number>('open');
    }
    await attackers.ask('leave');
    return open === 0 ? 'all were closed' : `${open} still open`;
  };
  figures.push(await under(target, `${SLOW_SENDERS} slow senders`, slow));

  const huge = async () => JSON.stringify(await attackers.ask('huge', { port, count: HUGE_SENDERS }));
  figures.push(await under(target, `${HUGE_SENDERS} huge requests`, huge));

  const stuck = async () => {
    await attackers.ask('stuck', { port, path: perch.streamPath(slug), count: STUCK_VIEWERS });
    await wait(windowMs);
    await attackers.ask('leave');
    return 'aim: under 40 MB';
  };
  figures.push(await under(target, `${STUCK_VIEWERS} stuck viewers`, stuck));

  const guess = async () => JSON.stringify(await attackers.ask('guess', { port, count: LOGINS }));
  figures.push(await under(target, `${LOGINS} sign-ins at once`, guess));

  const flood = async () => {
    const [client] = await cameras.ask<(number | null)[]>('clientPorts');
    const [before] = await perch.cameras();
    const sentBefore = await cameras.ask<CameraCounts>('counts');
    const count = quick ? QUICK_DATAGRAMS : DATAGRAMS;
    await attackers.ask('flood', { count, port: client!, camera: place!.host });
    const [after] = await perch.cameras();
    const sent = (await cameras.ask<CameraCounts>('counts')).framesSent - sentBefore.framesSent;
    const got = after!.status.framesReceived - before!.status.framesReceived;
    return `${got} of ${sent} true pictures got through`;
  };
  figures.push(await under(target, 'mutated datagrams', flood));
  return figures;
}
