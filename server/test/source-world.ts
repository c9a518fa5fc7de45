// For tests of the drivers with an address: an in-memory network with a recorder and a camera on it, a clip that needs no
// ffmpeg, and a session opened on it.

import { type Clock, sessionTime } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { seededRandom } from '../core/random.ts';
import type { CameraDriver, CameraSession, DriverContext } from '../drivers/driver.ts';
import { MemoryNet } from '../net/memory-net.ts';
import type { Net } from '../net/net.ts';
import type { Clip } from '../sim/rtsp/clip.ts';

/** Addresses on the in-memory network. */
export const RECORDER = '10.0.0.1';
export const CAMERA = '10.0.0.2';

/** Parameter sets of a 640x360 picture, written by x264 for ffmpeg's test picture. */
const SPS = '6742c01eda0280bfe5c044000003000400000300ca3c58ba80';
const PPS = '68ce0fc8';
/** Parameter sets that x264 wrote for 640x360 pictures. */
export const testSps = new Uint8Array(Buffer.from(SPS, 'hex'));
export const testPps = new Uint8Array(Buffer.from(PPS, 'hex'));

/** A clip whose slices are random bytes after a true slice header's first bits: nobody here decodes. */
export function madeClip(pictures = 50, keyEvery = 10, fps = 25): Clip {
  const random = seededRandom(7);
  const unit = (head: number, bytes: number) => {
    const nal = Uint8Array.from({ length: bytes }, () => 1 + Math.floor(random() * 255));
    nal[0] = head;
    nal[1]! |= 0x80;
    return nal;
  };
  const all = Array.from({ length: pictures }, (_, n) => {
    const key = n % keyEvery === 0;
    return { key, units: [unit(key ? 0x65 : 0x41, key ? 9000 : 300 + (n % 7) * 400)] };
  });
  return { sps: testSps, pps: testPps, width: 640, height: 360, fps, pictures: all };
}

/** The world of one test. */
export type SourceWorld = {
  readonly clock: ManualClock;
  readonly net: MemoryNet;
  readonly recorder: Net;
  readonly camera: Net;
  /** Opens a session; time moves until it is there or failed. */
  open(driver: CameraDriver, settings: Record<string, unknown>, signal?: AbortSignal): Promise<CameraSession>;
  /** Moves time until the promise settles. */
  until<T>(work: Promise<T>): Promise<T>;
};

/** An in-memory world. */
export function sourceWorld(): SourceWorld {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const recorder = net.host(RECORDER);
  const until = async <T>(work: Promise<T>): Promise<T> => {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    work.then(settled, settled);
    for (let turn = 0; !isSettled && turn < 20_000; turn++) await clock.advance(10);
    return work;
  };
  return {
    ...{ clock, net, recorder, camera: net.host(CAMERA), until },
    async open(driver, settings, signal) {
      const session = await until(driver.open(settings, driverContext(clock, recorder, signal)));
      // The goodbye takes time of this clock, which stands still unless somebody moves it.
      const goodbye = session[Symbol.asyncDispose].bind(session);
      session[Symbol.asyncDispose] = () => until(Promise.resolve(goodbye()));
      return session;
    },
  };
}

/** A context on any clock and net. */
export function driverContext(clock: Clock, net: Net, signal = new AbortController().signal): DriverContext {
  return { clock, net, log: silentLogger, signal, memory: { load: () => null, save() {} }, time: sessionTime(clock) };
}

/** The next so many pictures of a session; sound is passed over. */
export async function takePictures(session: CameraSession, count: number): Promise<VideoFrame[]> {
  const pictures: VideoFrame[] = [];
  for await (const frame of session.frames()) {
    if (frame.kind === 'video') pictures.push(frame);
    if (pictures.length >= count) break;
  }
  return pictures;
}

/** The error that ends a session. */
export async function endOf(session: CameraSession): Promise<unknown> {
  try {
    for await (const _ of session.frames()) {
    }
  } catch (error) {
    return error;
  }
  return null;
}
