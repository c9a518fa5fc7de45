// The bytes of recordings: by range and condition (RFC 9110), as a thumbnail, and converted for browsers.

import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Fleet } from '../../cameras/fleet.ts';
import { NvrError } from '../../core/nvr-error.ts';
import { Playback } from '../../recording/playback.ts';
import type { Recordings } from '../../recording/recordings.ts';
import type { SegmentIndex } from '../../store/segment-index.ts';
import type { App } from '../app.ts';
import { chooseRange } from '../byte-range.ts';
import { cameraOf } from '../camera-of.ts';
import type { RepeatedDeeds } from '../repeated-deeds.ts';
import { requestSignal } from '../request-signal.ts';
import { isoTime } from '../schemas/common.ts';
import { openSegmentCamera, SegmentParams } from '../schemas/segment.ts';
import { CACHE_CLOSED, sendFile } from '../send-file.ts';
import { segmentOf } from './segments.ts';

/** What these routes work on. */
export type SegmentMediaOptions = {
  readonly fleet: Fleet;
  readonly index: SegmentIndex;
  readonly recordings: Recordings;
  readonly deeds: RepeatedDeeds;
};

/** A file that was asked for. An open segment's is served up to what is surely in it. */
type Media = {
  readonly id: string;
  readonly path: string;
  readonly format: 'mp4' | 'mjpeg';
  readonly startAt: number;
  readonly endAt: number;
  /** Served bytes; `null`: the whole file. */
  readonly bytes: number | null;
  /** For the download's name. */
  readonly name: string;
};

const TYPE_OF = { mp4: 'video/mp4', mjpeg: 'video/x-matroska' } as const;
const EXTENSION_OF = { mp4: 'mp4', mjpeg: 'mkv' } as const;
const MAX_FROM_SECONDS = 24 * 3600;
const methods = ['GET', 'HEAD'] as const;
const tags = ['recordings'];
const access = { access: 'media' } as const;

/** `/api/segments/{id}/media`, `/thumbnail.jpg`, `/play.mp4`. */
export async function segmentMediaRoutes(
  app: App,
  { fleet, index, recordings, deeds }: SegmentMediaOptions,
): Promise<void> {
  const playback = new Playback();

  const find = (request: FastifyRequest, id: string): Media => {
    const openCamera = openSegmentCamera(id);
    if (openCamera === null) {
      const segment = segmentOf(request, index, id);
      const name = fleet.all().find(({ config }) => config.folder === segment.folder)?.config.name ?? segment.folder;
      return { ...segment, bytes: null, name };
    }
    const camera = cameraOf(request, fleet, openCamera);
    const segment = recordings.openSegment(camera.id);
    if (!segment) throw new NvrError('not_found', 'Nothing is being recorded now');
    return { ...segment, id, name: camera.config.name };
  };

  /** Players ask for many ranges of many files: one entry for a camera's day, one for each file that is saved. */
  const noteDownload = (request: FastifyRequest, { path }: Media, saved: boolean) => {
    const day = path.slice(0, path.lastIndexOf('/'));
    deeds.write(request, `download ${saved ? path : day}`, 1, { action: 'recording.downloaded', target: path });
  };

  app.route({
    method: [...methods],
    url: '/api/segments/:id/media',
    config: access,
    schema: {
      ...{ tags, summary: 'The file, by byte ranges', params: SegmentParams },
      querystring: Type.Object({ download: Type.Optional(Type.Boolean({ description: 'Save instead of show' })) }),
    },
    handler: async (request, reply) => {
      const media = find(request, request.params.id);
      const download = request.query.download === true;
      const file = await recordings.files.locate(media.path);
      if (request.method === 'GET') noteDownload(request, media, download);
      const { id, bytes, format } = media;
      return sendFile(request, reply, { id, file, bytes, type: TYPE_OF[format], name: fileName(media), download });
    },
  });

  app.route({
    method: [...methods],
    url: '/api/segments/:id/thumbnail.jpg',
    config: access,
    schema: { tags, summary: 'Its first picture, small', params: SegmentParams },
    handler: async (request, reply) => {
      const media = find(request, request.params.id);
      reply.type('image/jpeg').header('Cache-Control', media.bytes === null ? CACHE_CLOSED : 'no-store');
      if (media.bytes === null) {
        // A picture of what never changes: asked again by every page that shows it.
        const etag = `"thumbnail-${media.id}"`;
        reply.header('ETag', etag).header('Last-Modified', new Date(media.endAt).toUTCString());
        const { range: _, ...conditions } = request.headers;
        const answer = chooseRange(request.method, conditions, { size: 0, etag, lastModifiedMs: media.endAt });
        if (!('start' in answer)) return reply.code(answer.status).send();
      }
      if (request.method === 'HEAD') return reply.send();
      const key = `${media.id} ${media.startAt}`;
      const signal = requestSignal(request, reply);
      const file = await recordings.files.locate(media.path);
      return reply.send(await recordings.thumbnails.get(key, file, 0, signal));
    },
  });

  app.route({
    method: [...methods],
    url: '/api/segments/:id/play.mp4',
    config: access,
    schema: {
      ...{
        tags,
        summary: 'As H.264 in MP4, converted on the way: for browsers and MJPEG recordings',
        params: SegmentParams,
      },
      querystring: Type.Object({
        from: Type.Optional(Type.Number({ minimum: 0, maximum: MAX_FROM_SECONDS, description: 'Seconds into it' })),
      }),
    },
    handler: async (request, reply) => {
      const media = find(request, request.params.id);
      reply.type('video/mp4').header('Cache-Control', 'no-store').header('Accept-Ranges', 'none');
      if (request.method === 'HEAD') return reply.send();
      const file = await recordings.files.locate(media.path);
      noteDownload(request, media, false);
      return reply.send(playback.open(file, request.query.from ?? 0, requestSignal(request, reply)));
    },
  });
}

/** `Camera 2026-05-01 12-00-00Z.mp4`. */
function fileName({ name, startAt, format }: Media): string {
  const moment = isoTime(startAt).slice(0, 19).replace('T', ' ').replaceAll(':', '-');
  return `${name} ${moment}Z.${EXTENSION_OF[format]}`;
}
