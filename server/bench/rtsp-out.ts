// What clients of RTSP out cost: one camera (1080p25, 4 Mbit/s H.264, copied) with one and ten of them. Beside it, in the
// same windows, a bare forwarder of the same camera with as many.

import { Child } from './child.ts';
import { PerchProcess } from './perch-process.ts';
import { cpuSeconds, wait } from './process-stats.ts';
import type { RtspCameras, RtspLoad } from './rtsp-cameras-process.ts';
import type { ReaderBytes, ReadersOrder } from './rtsp-readers-process.ts';

const LOAD: RtspLoad = { count: 1, width: 1920, height: 1080, fps: 25, seconds: 4, bitRate: 4_000_000 };
const CLIENTS = [1, 10] as const;
const WINDOW_MS = 10_000;
const QUICK_WINDOW_MS = 4000;
/** A new client first gets what is in the ring since the newest key picture. */
const SETTLE_MS = 3000;

/** So many clients; shares of one processor for each, above the same without clients. */
export type RtspOutStep = {
  readonly clients: number;
  readonly perch: number;
  readonly bare: number;
  /** What they got of what the camera sent, 1 = all. */
  readonly delivered: number;
};
/** All of them. */
export type RtspOutFigures = {
  readonly megabitsPerSecond: number;
  /** Shares with the camera and without clients. */
  readonly idle: { readonly perch: number; readonly bare: number };
  readonly steps: readonly RtspOutStep[];
};

/** Measures it. */
export async function measureRtspOut({
  quick = false,
  profileDir,
}: {
  quick?: boolean;
  profileDir?: string | undefined;
}): Promise<RtspOutFigures> {
  const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
  using cameras = new Child('./rtsp-cameras-process.ts');
  using forwarder = new Child('./rtsp-forwarder-process.ts');
  using readers = new Child('./rtsp-readers-process.ts');
  const { urls, bitRate } = await cameras.ask<RtspCameras>('start', LOAD);
  const [url = ''] = urls;
  const barePort = await forwarder.ask<number>('start', { url });
  await using perch = await PerchProcess.start({ profileDir, rtsp: true });
  const { slug } = await perch.add({ name: 'Camera', driver: 'rtsp', settings: { url } });
  await perch.live(1);

  const window = async () => {
    await wait(SETTLE_MS);
    const read = async () => ({
      ...{ ms: performance.now(), perch: cpuSeconds(perch.pid), bare: cpuSeconds(forwarder.pid) },
      bytes: (await readers.ask<ReaderBytes>('bytes')).perch,
    });
    const before = await read();
    await wait(windowMs);
    const after = await read();
    const seconds = (after.ms - before.ms) / 1000;
    return {
      perch: (after.perch - before.perch) / seconds,
      bare: (after.bare - before.bare) / seconds,
      bitsPerSecond: ((after.bytes - before.bytes) * 8) / seconds,
    };
  };
  const order: Omit<ReadersOrder, 'count'> = {
    ...{ barePort, url: `rtsp://127.0.0.1:${await perch.rtspPort()}/${slug}` },
    authorization: `Bearer ${perch.token}`,
  };
  // Once before anything is measured: code that runs for the first time costs many times more.
  await readers.ask('open', { ...order, count: 1 });
  await wait(windowMs);
  await readers.ask('close');
  const idle = await window();
  const steps: RtspOutStep[] = [];
  for (const clients of CLIENTS) {
    await readers.ask('open', { ...order, count: clients });
    const seen = await window();
    await readers.ask('close');
    steps.push({
      clients,
      perch: (seen.perch - idle.perch) / clients,
      bare: (seen.bare - idle.bare) / clients,
      delivered: seen.bitsPerSecond / (bitRate * clients),
    });
  }
  return { megabitsPerSecond: bitRate / 1e6, idle: { perch: idle.perch, bare: idle.bare }, steps };
}
