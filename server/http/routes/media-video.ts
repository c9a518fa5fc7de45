// Media URLs for other tools: one camera as video, H.264 or H.265, with its AAC sound. `live.mp4` and HLS.

import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import type { Fleet } from '../../cameras/fleet.ts';
import type { Clock } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { Fragmenter, Segment } from '../../live/fragmenter.ts';
import { encodePlaylist, PLAYLIST_TYPE } from '../../live/hls.ts';
import type { LiveFeeds } from '../../live/live-feeds.ts';
import { MP4_HEADERS, streamMp4 } from '../../live/mp4-stream.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import { requestSignal } from '../request-signal.ts';
import { CameraParams, sourceQuery } from '../schemas/common.ts';
import { headOnly, stream } from './media.ts';

/** What these routes work on. */
export type MediaVideoRoutesOptions = { readonly fleet: Fleet; readonly feeds: LiveFeeds };

/** A camera that has just come, or an encoder that was just started, gives its first second of pictures within this. */
const FIRST_SEGMENT_MS = 9000;
const RETRY_MS = 2000;

const access = { access: 'media' } as const;
const methods = ['GET', 'HEAD'] as const;
const Source = Type.Object({ source: sourceQuery('main') });
const schemaOf = (summary: string) => ({ tags: ['media'], summary, params: CameraParams });
const Numbered = Type.Object({ camera: Type.String(), number: Type.Integer({ minimum: 1, maximum: 2 ** 32 }) });
const HLS_HEADERS = { 'Cache-Control': 'no-store' } as const;

/** `/cameras/{camera}/live.mp4` and `/cameras/{camera}/hls/...` */
export async function mediaVideoRoutes(app: App, { fleet, feeds }: MediaVideoRoutesOptions): Promise<void> {
  app.route({
    method: [...methods],
    url: '/cameras/:camera/live.mp4',
    config: access,
    schema: {
      ...schemaOf('Endless fragmented MP4: H.264 or H.265 as the camera sends it, JPEG encoded; AAC sound'),
      querystring: Source,
    },
    handler: async (request, reply) => {
      const camera = cameraOf(request, fleet, request.params.camera).view(request.query.source ?? 'main');
      if (request.method === 'HEAD') return headOnly(reply, MP4_HEADERS);
      return stream(request, reply, (sink) =>
        feeds.watch(camera, (feed) => streamMp4(feed, sink, feeds.fragmenters.acquire(camera))),
      );
    },
  });

  app.route({
    method: [...methods],
    url: '/cameras/:camera/hls/index.m3u8',
    config: access,
    schema: { ...schemaOf('HLS: the playlist'), querystring: Source },
    handler: async (request, reply) => {
      const camera = cameraOf(request, fleet, request.params.camera).view(request.query.source ?? 'main');
      reply.headers(HLS_HEADERS).type(PLAYLIST_TYPE);
      if (request.method === 'HEAD') return reply.send();
      const fragmenter = feeds.fragmenters.hold(camera);
      const segments = await closedSegments(fragmenter, feeds.clock, requestSignal(request, reply));
      return reply.send(encodePlaylist(segments, fragmenter.discontinuitiesGone, pieceQuery(request.query)));
    },
  });

  /** One file that a playlist names. */
  const file = (url: string, summary: string, find: (fragmenter: Fragmenter, number: number) => Buffer | null) =>
    app.route({
      method: [...methods],
      url,
      config: access,
      schema: { tags: ['media'], summary, params: Numbered, querystring: Source },
      handler: async (request, reply): Promise<FastifyReply> => {
        const camera = cameraOf(request, fleet, request.params.camera).view(request.query.source ?? 'main');
        const fragmenter = feeds.fragmenters.held(camera);
        const bytes = fragmenter && find(fragmenter, request.params.number);
        if (!bytes) throw new NvrError('not_found', 'This piece of the stream is not kept any more');
        reply.headers(HLS_HEADERS).type('video/mp4');
        return request.method === 'HEAD' ? reply.send() : reply.send(bytes);
      },
    });
  file('/cameras/:camera/hls/init-:number.mp4', 'HLS: the format', (fragmenter, number) => {
    const segment = fragmenter.segments.find(({ init }) => init.number === number);
    return segment?.init.data ?? null;
  });
  file('/cameras/:camera/hls/segment-:number.m4s', 'HLS: a segment', (fragmenter, number) => {
    const segment = fragmenter.segments.find((one) => one.closed && one.number === number);
    return segment ? Buffer.concat(segment.fragments.map(({ data }) => data)) : null;
  });
}

/** What the pieces of a stream are asked for with: the playlist's own credentials and source. */
function pieceQuery(query: { readonly source?: string; readonly token?: unknown }): string {
  const { source, token } = query;
  const pairs = { ...(source && { source }), ...(typeof token === 'string' && { token }) };
  const text = new URLSearchParams(pairs).toString();
  return text === '' ? '' : `?${text}`;
}

/** The closed segments; waits for the first. @throws NvrError `unavailable` when none comes */
async function closedSegments(fragmenter: Fragmenter, clock: Clock, signal: AbortSignal): Promise<Segment[]> {
  const closed = () => fragmenter.segments.filter((segment) => segment.closed);
  const limit = new AbortController();
  const timer = clock.after(FIRST_SEGMENT_MS, () => limit.abort());
  const until = AbortSignal.any([signal, limit.signal]);
  if (closed().length === 0) fragmenter.wantSegment();
  while (closed().length === 0 && !until.aborted) {
    await new Promise<void>((resolve) => {
      const done = () => {
        stop();
        until.removeEventListener('abort', done);
        resolve();
      };
      const stop = fragmenter.onFragment(done);
      until.addEventListener('abort', done, { once: true });
    });
  }
  timer.cancel();
  const segments = closed();
  if (segments.length > 0) return segments;
  throw new NvrError('unavailable', 'The camera sends no pictures at the moment', {
    context: { retryAfterMs: RETRY_MS },
  });
}
