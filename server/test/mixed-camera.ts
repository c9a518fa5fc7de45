// One simulated camera as a process of its own, so that a test can kill it: `fork(this file, [JSON of CameraOrder])`. It
// tells its parent the settings to add it with, and ends with its parent.

import { readFileSync } from 'node:fs';
import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { HttpCameraSimulator } from '../sim/http-mjpeg/simulator.ts';
import { IwfcamSimulator } from '../sim/iwfcam/simulator.ts';
import { readClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';

/** Driver ids that have a camera here. */
export const MIXED_KINDS = ['iwfcam', 'rtsp', 'http-mjpeg', 'http-snapshot'] as const;
/** One of {@link MIXED_KINDS}. */
export type MixedKind = (typeof MIXED_KINDS)[number];

/** What to simulate, and where. */
export type CameraOrder = {
  readonly kind: MixedKind;
  readonly host: string;
  /** 0 the first time; the same port again after it was killed. */
  readonly port: number;
  readonly fps: number;
  /** Different pictures for each camera. */
  readonly seed: number;
  /** H.264 with start codes, for `rtsp`. */
  readonly clipFile: string;
  readonly clipFps: number;
};

/** What the parent is told when the camera answers. */
export type CameraReady = { readonly port: number; readonly settings: Record<string, unknown> };

const PICTURES = { width: 320, height: 240, minBytes: 4000, maxBytes: 12_000, count: 32 } as const;

async function start({ kind, host, port, fps, seed, clipFile, clipFps }: CameraOrder): Promise<CameraReady> {
  const at = { net: systemNet, clock: systemClock, host, port };
  if (kind === 'rtsp') {
    const simulator = await RtspSimulator.start({ ...at, clip: readClip(readFileSync(clipFile), clipFps) });
    return { port: simulator.port, settings: { url: simulator.url } };
  }
  const pictures = new CountedPictures({ ...PICTURES, seed });
  if (kind === 'iwfcam') {
    const uid = `SIMULAT-0123456789AB-${String(seed).padStart(6, '0')}`;
    const { discoveryPort } = await IwfcamSimulator.start({ ...at, pictures, fps, uid, seed });
    return { port: discoveryPort, settings: { host, port: discoveryPort } };
  }
  const { origin, port: open } = await HttpCameraSimulator.start({ ...at, pictures, fps });
  return kind === 'http-mjpeg'
    ? { port: open, settings: { url: `${origin}/video.mjpg` } }
    : { port: open, settings: { url: `${origin}/snapshot.jpg`, intervalMs: Math.round(1000 / fps) } };
}

process.on('disconnect', () => process.exit(0));
process.send?.(await start(JSON.parse(process.argv[2] ?? '{}') as CameraOrder));
