// The RTSP server on real accounts and cameras that a test plays by hand: `await using world = await startRtsp()`.

import type { Camera } from '../cameras/camera.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { AudioFrame, VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { LiveFeeds } from '../live/live-feeds.ts';
import { encodeAvcC } from '../media/h264.ts';
import { joinUnits } from '../media/nal.ts';
import { systemNet } from '../net/system-net.ts';
import { RtspServer } from '../rtsp-out/server.ts';
import { serveHttp, type WebServer } from './http-server.ts';
import { testPps, testSps } from './source-world.ts';

/** See the head of this file. */
export type RtspWorld = AsyncDisposable & {
  readonly web: WebServer;
  readonly server: RtspServer;
  readonly feeds: LiveFeeds;
  readonly port: number;
  /** Refused credentials: address, name, reason. */
  readonly refused: string[][];
  camera(slug: string): Camera;
  /** `rtsp://127.0.0.1:PORT/PATH` */
  url(path: string): string;
};

/** Parameter sets of the played pictures. */
export const playedConfig = encodeAvcC([testSps], [testPps]);

/** @param cameras slugs; none is dialled */
export async function startRtsp(cameras: readonly string[] = ['door'], clock: Clock = systemClock): Promise<RtspWorld> {
  const web = await serveHttp({ cameras, clock });
  const feeds = new LiveFeeds({ clock, bus: web.bus, log: silentLogger });
  const refused: string[][] = [];
  const server = new RtspServer({
    ...{ net: systemNet.streams, auth: web.auth, fleet: web.fleet, feeds, log: silentLogger },
    onRefused: (...entry) => void refused.push(entry.map(String)),
  });
  const port = await server.listen('127.0.0.1', 0);
  return {
    ...{ web, server, feeds, port, refused },
    camera: (slug) => web.fleet.get(slug),
    url: (path) => `rtsp://127.0.0.1:${port}/${path}`,
    async [Symbol.asyncDispose]() {
      await server.close();
      feeds.close();
      await web[Symbol.asyncDispose]();
    },
  };
}

/** Shows an H.264 picture at the camera, as if it had come now. */
export function showPicture(
  camera: Camera,
  clock: Clock,
  key: boolean,
  more: Partial<VideoFrame> = {},
  bytes = 200,
): VideoFrame {
  const slice = new Uint8Array(bytes).fill(0x55);
  slice.set([key ? 0x65 : 0x41, 0x80]);
  const frame: VideoFrame = {
    ...{ kind: 'video', codec: 'h264', key, data: joinUnits([slice]), width: 640, height: 360, mediaMs: null },
    ...{ at: clock.wallMs(), monoMs: clock.monoMs(), codecConfig: playedConfig, ...more },
  };
  camera.hub.publish(frame);
  return frame;
}

/** 20 ms of µ-law. */
export function sayBlock(camera: Camera, clock: Clock, more: Partial<AudioFrame> = {}): void {
  camera.hub.publish({
    ...{ kind: 'audio', codec: 'pcmu', data: new Uint8Array(160).fill(0xd5), sampleRate: 8000, channels: 1 },
    ...{ samples: 160, at: clock.wallMs(), monoMs: clock.monoMs(), mediaMs: null, ...more },
  });
}
