// Media URLs for other tools: pictures and sound of one camera. The rules are "Reading rules for media" of the
// public interface; most were measured on the clients that read these.

import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Camera } from '../../cameras/camera.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { awaitSound, compressedForm, findSound, kindOf, soundHeaders, streamSound } from '../../live/audio-stream.ts';
import { FRAMES_HEADERS, streamFrames } from '../../live/frames-stream.ts';
import type { LiveFeeds } from '../../live/live-feeds.ts';
import { MJPEG_HEADERS, MjpegStream } from '../../live/mjpeg-stream.ts';
import { WIDTH_RANGE } from '../../live/resize.ts';
import { Snapshots } from '../../live/snapshot.ts';
import type { SoundForm } from '../../live/sound.ts';
import { StreamSink } from '../../live/stream-sink.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import { CameraParams, sourceQuery } from '../schemas/common.ts';

/** What these routes work on. */
export type MediaRoutesOptions = { readonly fleet: Fleet; readonly feeds: LiveFeeds };

const FPS_RANGE = { exclusiveMinimum: 0, maximum: 120 } as const;
const MAX_AGE_SECONDS = 366 * 24 * 3600;
const SECOND_MS = 1000;

const width = Type.Optional(
  Type.Integer({
    minimum: WIDTH_RANGE.min,
    maximum: WIDTH_RANGE.max,
    description: 'Pixels; pictures are only made smaller',
  }),
);
const fps = Type.Optional(Type.Number({ ...FPS_RANGE, description: 'At most so many pictures a second' }));
const plain = Type.Optional(Type.Boolean({ description: 'In an outage repeat the last picture, without a card' }));
const maxAge = Type.Optional(
  Type.Number({
    minimum: 0,
    maximum: MAX_AGE_SECONDS,
    description: 'Seconds; 503 and a card when the newest picture is older',
  }),
);
// Not strict: clients add parameters of their own against caches, and `token` was read by the auth hook.

const access = { access: 'media' } as const;
const methods = ['GET', 'HEAD'] as const;
const schemaOf = (summary: string) => ({ tags: ['media'], summary, params: CameraParams });

/** `/cameras/{camera}/mjpeg|frames|snapshot.jpg|audio|audio.wav` */
export async function mediaRoutes(app: App, { fleet, feeds }: MediaRoutesOptions): Promise<void> {
  const snapshots = new Snapshots(feeds.clock, feeds.cards, feeds.views);

  app.route({
    method: [...methods],
    url: '/cameras/:camera/mjpeg',
    config: access,
    schema: {
      ...schemaOf('Pictures as multipart JPEG, for ever'),
      querystring: Type.Object({ fps, width, plain, source: sourceQuery('sub') }),
    },
    handler: async (request, reply) => {
      const { query } = request;
      const camera = cameraOf(request, fleet, request.params.camera).view(query.source ?? 'sub');
      if (request.method === 'HEAD') return headOnly(reply, MJPEG_HEADERS);
      const options = { fps: query.fps ?? null, width: query.width ?? null, plain: query.plain ?? false };
      return stream(request, reply, (sink) => feeds.watch(camera, (feed) => new MjpegStream(feed, sink, options)));
    },
  });

  app.route({
    method: [...methods],
    url: '/cameras/:camera/frames',
    config: access,
    schema: {
      ...schemaOf('JPEGs one after another, for ever; only true frames, untouched'),
      querystring: Type.Object({ source: sourceQuery('sub') }),
    },
    handler: async (request, reply) => {
      const camera = cameraOf(request, fleet, request.params.camera).view(request.query.source ?? 'sub');
      if (request.method === 'HEAD') return headOnly(reply, FRAMES_HEADERS);
      const onSkipped = (frames: number) => feeds.tally.add('framesSkipped', frames);
      return stream(request, reply, (sink) => feeds.watch(camera, (feed) => streamFrames(feed, sink, onSkipped)));
    },
  });

  app.route({
    method: [...methods],
    url: '/cameras/:camera/snapshot.jpg',
    config: access,
    schema: {
      ...schemaOf('The newest picture, from memory'),
      querystring: Type.Object({
        width,
        maxAge,
        source: sourceQuery('main, but the sub when it runs and is as wide as `width`'),
      }),
    },
    handler: async (request, reply) => {
      const { query, headers } = request;
      const camera = cameraOf(request, fleet, request.params.camera);
      if (query.source === 'sub' && request.method === 'GET') camera.sub.hold()[Symbol.dispose](); // for the next ones
      const answer = await snapshots.answer(
        query.source === undefined && query.width !== undefined
          ? camera.viewOfWidth(query.width)
          : camera.view(query.source ?? 'main'),
        {
          caller: callerKey(request),
          width: query.width ?? null,
          maxAgeMs: query.maxAge === undefined ? null : query.maxAge * SECOND_MS,
          ifNoneMatch: headers['if-none-match'],
          ifModifiedSince: headers['if-modified-since'],
          wait: request.method === 'GET',
        },
        request.callerSignal,
      );
      if (answer.kind === 'stale') {
        reply.code(503).header('Retry-After', answer.retryAfterSeconds).header('Cache-Control', 'no-store');
        return sendJpeg(request, reply, answer.card);
      }
      reply.header('ETag', answer.etag).header('Last-Modified', answer.lastModified);
      reply.header('Cache-Control', 'private, no-cache');
      if (answer.kind === 'unchanged') return reply.code(304).send();
      return sendJpeg(request, reply, answer.frame.data);
    },
  });

  const sound = (url: string, formOf: (camera: Camera) => SoundForm, summary: string) =>
    app.route({
      method: [...methods],
      url,
      config: access,
      schema: schemaOf(summary),
      handler: async (request, reply) => {
        const camera = cameraOf(request, fleet, request.params.camera);
        if (request.method === 'HEAD') return headOnly(reply, soundHeaders(formOf(camera)));
        const format = await findSound(camera, feeds.clock, request.callerSignal);
        const form = formOf(camera);
        const onSkipped = (blocks: number) => feeds.tally.add('soundSkipped', blocks);
        // The stream takes a lease of its own; this one keeps the decoder from being started twice.
        using lease = feeds.sounds.acquire(camera, kindOf(form));
        await awaitSound(lease, feeds.clock, request.callerSignal);
        return stream(request, reply, (sink) =>
          feeds.watch(camera, (feed) => {
            const own = feeds.sounds.acquire(camera, kindOf(form));
            return streamSound(feed, sink, { form, format, lease: own, onSkipped });
          }),
        );
      },
    });
  const compressed = 'Sound, compressed: AAC as it is (ADTS), else one IMA ADPCM stream, high nibble first; for ever';
  sound('/cameras/:camera/audio', compressedForm, compressed);
  sound('/cameras/:camera/audio.wav', () => 'wav', 'Sound as a WAV of 16-bit PCM, for ever');
}

/** The answer to HEAD on an endless stream. */
export function headOnly(reply: FastifyReply, headers: Readonly<Record<string, string>>): FastifyReply {
  return reply.headers(headers).header('Connection', 'close').send();
}

/** Hands the connection to a stream; it ends with the client, the camera, or the caller's rights. */
export function stream(
  request: FastifyRequest,
  reply: FastifyReply,
  open: (sink: StreamSink) => unknown,
): FastifyReply {
  const sink = new StreamSink(reply.raw);
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  open(sink);
  reply.hijack();
  request.callerSignal.addEventListener('abort', () => sink.destroy(), { once: true });
  return reply;
}

/** The length of a card or of a shrunk picture is not known before the work is done, so HEAD does not say it. */
function sendJpeg(request: FastifyRequest, reply: FastifyReply, jpeg: Uint8Array): FastifyReply {
  reply.type('image/jpeg');
  return request.method === 'HEAD' ? reply.send() : reply.send(bufferOf(jpeg));
}

/** Tells pollers apart; two devices with the same token but other addresses are two. */
function callerKey({ caller, ip }: FastifyRequest): string {
  return `${caller?.tokenId ?? caller?.sessionId ?? caller?.userId ?? ''} ${ip}`;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
