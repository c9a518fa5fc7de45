// Two cameras with a picture, a recording and an event each, and those who may see only one of them: for tests of rights.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RouteOptions } from 'fastify';
import { newId } from '../core/ids.ts';
import { serveHttp, type WebOptions, type WebServer } from './http-server.ts';

/** The camera that limited callers may see, and the one that they may not. */
export const SEEN = 'porch';
export const HIDDEN = 'yard';
const START_AT = Date.UTC(2026, 4, 1, 10);
const MINUTE_MS = 60_000;
const FILM = 'not really a film, but the bytes of a file';

/** Streams without an end, what takes its time, and what starts an ffmpeg for pictures that no decoder takes: asked for in tests of their own. */
export const ENDLESS: ReadonlySet<string> = new Set([
  ...['/api/events/stream', '/api/live', '/cameras/:camera/mjpeg', '/cameras/:camera/frames'],
  ...['/cameras/:camera/live.mp4', '/cameras/:camera/hls/index.m3u8', '/cameras/:camera/audio'],
  ...['/cameras/:camera/audio.wav', '/api/cameras/:camera/capture'],
]);

/** A route's address with its parameters filled in, and the span where one must be given. */
export function addressOf(url: string, camera: string, id: string): string {
  const path = url.replace(':camera', camera).replace(':id', id).replace('*', 'nothing');
  const span = /timeline|playback|thumbnail\.jpg/.test(url) && url.includes(':camera');
  const filled = path
    .replace(':number', '1')
    .replace(':file', '0.mp4')
    .replace(':start', '0')
    .replace(':piece', '0.mp4');
  if (!span) return filled;
  return /thumbnail/.test(url)
    ? `${filled}?at=2026-05-01T10:00:30Z`
    : `${filled}?from=2026-05-01T10:00:00Z&to=2026-05-01T10:01:00Z`;
}

/** The server with all of it. */
export type TwoCameras = WebServer & {
  readonly routes: readonly RouteOptions[];
  /** Ids of the recordings, by camera. */
  readonly segments: Readonly<Record<string, string>>;
  /** Headers of everybody who is limited to {@link SEEN}: session, Basic, tokens. */
  readonly limited: Readonly<Record<string, Record<string, string>>>;
};

/** Starts it; both cameras are live. */
export async function serveTwoCameras(options: WebOptions = {}): Promise<TwoCameras> {
  const routes: RouteOptions[] = [];
  const web = await serveHttp({ cameras: [SEEN, HIDDEN], onRoute: (route) => routes.push(route), ...options });
  const segments: Record<string, string> = {};
  for (const slug of [SEEN, HIDDEN]) {
    const { id: camera } = web.fleet.get(slug);
    const id = newId('seg');
    const path = `${slug}/2026-05-01/10-00-00Z.mp4`;
    const file = web.recordings.files.absolute(path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, FILM);
    web.index.add({
      ...{ id, camera, folder: slug, path, startAt: START_AT, endAt: START_AT + MINUTE_MS, frames: 1 },
      ...{
        bytes: FILM.length,
        format: 'mp4',
        codec: 'h264',
        endReason: 'boundary',
        hasMotion: false,
        protected: false,
      },
    });
    segments[slug] = id;
    web.bus.publish('camera.lost', { camera, slug, code: 'timeout', message: `${slug} is lost` });
  }
  const live = Promise.all([SEEN, HIDDEN].map((slug) => web.bus.next('camera.wentLive', (fact) => fact.slug === slug)));
  web.fleet.start();
  await live;
  const person = { username: 'limited', password: 'a viewer password' };
  await web.auth.accounts.add({ ...person, role: 'viewer', cameras: [web.fleet.get(SEEN).id] });
  const origin = { address: '127.0.0.1' };
  const { secret } = await web.auth.authenticator.signIn(person.username, person.password, origin);
  const basic = Buffer.from(`${person.username}:${person.password}`).toString('base64');
  const limited = {
    session: { cookie: `perch_session=${secret}` },
    basic: { authorization: `Basic ${basic}` },
    viewerToken: { authorization: web.bearer('viewer', [SEEN]) },
    streamToken: { authorization: web.bearer('stream', [SEEN]) },
  };
  return { ...web, routes, segments, limited };
}
