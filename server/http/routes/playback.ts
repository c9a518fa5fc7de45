// Recordings played in a browser: a playlist of a span, and what it points to.

import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { parseAuthorization } from '../../auth/credentials.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { NvrError } from '../../core/nvr-error.ts';
import { PlaybackEncoder } from '../../recording/playback-encoder.ts';
import { MAX_PLAYLIST_MS, writePlaylist } from '../../recording/playback-playlist.ts';
import { type PlaybackFile, PlaybackSource } from '../../recording/playback-source.ts';
import type { Recordings } from '../../recording/recordings.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import type { RepeatedDeeds } from '../repeated-deeds.ts';
import { requestSignal } from '../request-signal.ts';
import { IsoTime } from '../schemas/common.ts';
import { parseSpan } from '../schemas/timeline.ts';
import { CACHE_CLOSED, sendFile } from '../send-file.ts';

/** What these routes work on. */
export type PlaybackRoutesOptions = {
  readonly fleet: Fleet;
  readonly recordings: Recordings;
  readonly deeds: RepeatedDeeds;
};

const MAX_REF_LENGTH = 100;
const PIECE = /^(\d{1,9})-(\d{1,9}|end)\.m4s$/;
const FILE = /^(\d{1,15})\.mp4$/;
const methods = ['GET', 'HEAD'] as const;
const access = { access: 'media' } as const;
const tags = ['recordings'];
const camera = Type.String({ minLength: 1, maxLength: MAX_REF_LENGTH, description: 'Id or slug of a camera' });

/** `/cameras/{camera}/playback.m3u8` and `/cameras/{camera}/playback/...`. */
export async function playbackRoutes(app: App, { fleet, recordings, deeds }: PlaybackRoutesOptions): Promise<void> {
  const source = new PlaybackSource(recordings);
  const encoder = new PlaybackEncoder();

  app.route({
    method: [...methods],
    url: '/cameras/:camera/playback.m3u8',
    config: access,
    schema: {
      ...{ tags, summary: 'A span of recordings as HLS, at most a day', params: Type.Object({ camera }) },
      querystring: Type.Object({ from: IsoTime, to: IsoTime }),
    },
    handler: async (request, reply) => {
      const { id, slug } = cameraOf(request, fleet, request.params.camera);
      const { from, to } = parseSpan(request.query, MAX_PLAYLIST_MS);
      reply.type('application/vnd.apple.mpegurl').header('Cache-Control', 'no-store');
      if (request.method === 'HEAD') return reply.send();
      deeds.write(request, `playback ${slug}`, 1, { action: 'recording.played', target: slug });
      return reply.send(await writePlaylist(source, id, { from, to }, tokenSuffix(request)));
    },
  });

  app.route({
    method: [...methods],
    url: '/cameras/:camera/playback/:file',
    config: access,
    schema: { tags, summary: 'A recorded file, by byte ranges', params: Type.Object({ camera, file: Type.String() }) },
    handler: async (request, reply) => {
      const { id } = cameraOf(request, fleet, request.params.camera);
      const startAt = FILE.exec(request.params.file)?.[1];
      if (startAt === undefined) throw new NvrError('not_found', 'There is no such recording');
      const send = async () => {
        const found = source.get(id, Number(startAt));
        if (found.format !== 'mp4') throw new NvrError('not_found', 'There is no such recording');
        return sendFile(request, reply, {
          ...{ id: `${id}-${startAt}`, file: await recordings.files.locate(found.path), type: 'video/mp4' },
          ...{ bytes: found.indexed ? null : Number.MAX_SAFE_INTEGER, name: `${startAt}.mp4`, download: false },
        });
      };
      // Between looking and opening, a file may get its final name: the second look finds that.
      return send().catch((error: unknown) => (reply.sent ? Promise.reject(error) : send()));
    },
  });

  app.route({
    method: [...methods],
    url: '/cameras/:camera/playback/:start/:piece',
    config: access,
    schema: {
      ...{ tags, summary: 'A piece of a recording, encoded for browsers' },
      params: Type.Object({ camera, start: Type.String({ pattern: '^[0-9]{1,15}$' }), piece: Type.String() }),
    },
    handler: async (request, reply) => {
      const { id } = cameraOf(request, fleet, request.params.camera);
      const { start, piece } = request.params;
      const match = PIECE.exec(piece);
      if (!match && piece !== 'init.mp4') throw new NvrError('not_found', 'There is no such piece');
      const found: PlaybackFile = source.get(id, Number(start));
      reply.type('video/mp4').header('Cache-Control', found.indexed ? CACHE_CLOSED : 'no-store');
      if (request.method === 'HEAD') return reply.send();
      const signal = requestSignal(request, reply);
      const file = await recordings.files.locate(found.path);
      if (!match) return reply.send(await encoder.head(`${id} ${start}`, file, signal));
      if (match && Number(match[1]) > found.endAt - found.startAt)
        throw new NvrError('not_found', 'There is no such piece');
      const span = { start: Number(match[1]) / 1000, end: match[2] === 'end' ? null : Number(match[2]) / 1000 };
      return reply.send(await encoder.piece(`${id} ${start}`, file, span, signal));
    },
  });
}

/** The caller's token for URIs, when that is how it came: players ask for the pieces without headers. */
function tokenSuffix(request: FastifyRequest): string {
  if (request.caller?.kind !== 'token') return '';
  const query = (request.query as { token?: unknown }).token;
  const given = parseAuthorization(request.headers.authorization);
  const token = given?.kind === 'bearer' ? given.token : given?.kind === 'basic' ? given.password : query;
  return typeof token === 'string' ? `?token=${encodeURIComponent(token)}` : '';
}
