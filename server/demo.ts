// Perch with simulated cameras: a look around without hardware. Everything lives in a scratch folder that goes at the end.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger as PinoLogger } from 'pino';
import { createApp, type PerchApp } from './app.ts';
import type { Config } from './config.ts';
import { systemClock } from './core/clock.ts';
import { systemNet } from './net/system-net.ts';
import { TEST_SOURCE } from './sim/ffmpeg-pictures.ts';
import { IwfcamSimulator } from './sim/iwfcam/simulator.ts';
import { openPictures } from './sim/picture-source.ts';

/** The simulated camera's address: loopback, so that nothing leaves the machine. */
const CAMERA_HOST = '127.0.0.2';
const DEMO_FPS = 12;
const DEMO_SIZE = { width: 640, height: 480 };

/** Starts one simulator per driver and an app that has them added and recording. `start` still is the caller's. */
export async function startDemo(config: Config, log: PinoLogger): Promise<PerchApp> {
  await using parts = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-demo-'));
  parts.defer(() => rm(dataDir, { recursive: true, force: true }));
  const pictures = await openPictures({
    source: TEST_SOURCE,
    ...DEMO_SIZE,
    fps: DEMO_FPS,
    onEnd: (err) => log.error({ err }, 'Demo: the source of test pictures ended'),
  });
  parts.use(pictures);
  const simulator = await IwfcamSimulator.start({
    net: systemNet,
    clock: systemClock,
    host: CAMERA_HOST,
    port: 0,
    pictures,
    fps: DEMO_FPS,
    audio: true,
  });
  parts.defer(() => simulator.stop());
  const app = createApp({
    config: { ...config, dataDir, discoveryTargets: [`${CAMERA_HOST}:${simulator.discoveryPort}`] },
    log,
  });
  parts.defer(() => app.stop());
  await app.fleet.add({
    name: 'Demo IWFCam',
    driver: 'iwfcam',
    settings: { host: CAMERA_HOST, port: simulator.discoveryPort },
    recording: { mode: 'continuous' },
  });
  log.info({ dataDir }, 'Demo: a simulated camera is added and recorded into a scratch folder');
  const held = parts.move();
  return { ...app, stop: () => held.disposeAsync() };
}
