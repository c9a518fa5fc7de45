// Perch with simulated cameras: a look around without hardware. Everything lives in a scratch folder that goes at the end.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger as PinoLogger } from 'pino';
import { createApp, type PerchApp } from './app.ts';
import type { Config } from './config.ts';
import { systemClock } from './core/clock.ts';
import { systemNet } from './net/system-net.ts';
import { DahuaSimulator } from './sim/dahua-p2p/simulator.ts';
import { TEST_SOURCE } from './sim/ffmpeg-pictures.ts';
import { HttpCameraSimulator } from './sim/http-mjpeg/simulator.ts';
import { IwfcamSimulator } from './sim/iwfcam/simulator.ts';
import { openPictures } from './sim/picture-source.ts';
import { loadClip } from './sim/rtsp/clip.ts';
import { RtspSimulator } from './sim/rtsp/simulator.ts';

/** Where the simulated cameras are: loopback, so that nothing leaves the machine. */
const CAMERA_HOST = '127.0.0.2';
const FPS = 12;
/** Of the RTSP server inside the Dahua device, and the path of its channels. */
const DAHUA_RTSP_PORT = 554;
const DAHUA_PATH = '/cam/realmonitor';
const SIZE = { width: 640, height: 480 };

type DemoCamera = { readonly name: string; readonly driver: string; readonly settings: Record<string, unknown> };

/** Starts one simulator per driver and an app that has them added and recording. `start` still is the caller's. */
export async function startDemo(config: Config, log: PinoLogger): Promise<PerchApp> {
  await using parts = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-demo-'));
  parts.defer(() => rm(dataDir, { recursive: true, force: true }));
  const { cameras, discoveryTargets } = await simulateCameras(parts, log);
  const app = createApp({ config: { ...config, dataDir, discoveryTargets }, log });
  parts.defer(() => app.stop());
  for (const camera of cameras) await app.fleet.add({ ...camera, recording: { mode: 'continuous' } });
  log.info(
    { dataDir, cameras: cameras.length },
    'Demo: simulated cameras are added and recorded into a scratch folder',
  );
  const held = parts.move();
  return { ...app, stop: () => held.disposeAsync() };
}

/** One simulator per driver; the JPEG cameras share one source of pictures. */
async function simulateCameras(
  parts: AsyncDisposableStack,
  log: PinoLogger,
): Promise<{ cameras: DemoCamera[]; discoveryTargets: string[] }> {
  const common = { net: systemNet, clock: systemClock, host: CAMERA_HOST, port: 0 };
  const pictures = parts.use(
    await openPictures({
      source: TEST_SOURCE,
      ...SIZE,
      fps: FPS,
      onEnd: (err) => log.error({ err }, 'Demo: the source of test pictures ended'),
    }),
  );
  const clip = await loadClip({ source: TEST_SOURCE, ...SIZE, fps: FPS });
  const iwfcam = parts.use(await IwfcamSimulator.start({ ...common, pictures, fps: FPS, audio: true }));
  const web = parts.use(await HttpCameraSimulator.start({ ...common, pictures, fps: FPS }));
  const rtsp = parts.use(await RtspSimulator.start({ ...common, clip }));
  const hidden = parts.use(await RtspSimulator.start({ ...common, clip, path: DAHUA_PATH, auth: 'digest-md5-old' }));
  const dahua = parts.use(
    await DahuaSimulator.start({
      ...common,
      targets: new Map([[DAHUA_RTSP_PORT, { address: CAMERA_HOST, port: hidden.port }]]),
    }),
  );
  return {
    discoveryTargets: [`${CAMERA_HOST}:${iwfcam.discoveryPort}`],
    cameras: [
      { name: 'Demo IWFCam', driver: 'iwfcam', settings: { host: CAMERA_HOST, port: iwfcam.discoveryPort } },
      { name: 'Demo Dahua', driver: 'dahua-p2p', settings: dahua.settings },
      { name: 'Demo RTSP', driver: 'rtsp', settings: { url: rtsp.url } },
      { name: 'Demo MJPEG', driver: 'http-mjpeg', settings: { url: `${web.origin}/video.mjpg` } },
      { name: 'Demo snapshots', driver: 'http-snapshot', settings: { url: `${web.origin}/snapshot.jpg` } },
    ],
  };
}
