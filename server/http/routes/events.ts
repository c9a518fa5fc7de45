// What happened, as pages of the past and as a stream of now.

import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Caller, maySee } from '../../auth/caller.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import type { Bus } from '../../core/bus.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { EventLog } from '../../store/events.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import { NoQuery, parseTime, problems } from '../schemas/common.ts';
import {
  EVENTS_PER_PAGE,
  EventPage,
  EventQuerySchema,
  encodeCursor,
  eventView,
  parseCursor,
  serverSentEvent,
} from '../schemas/event.ts';

/** What these routes work on. */
export type EventRoutesOptions = {
  readonly fleet: Fleet;
  readonly bus: Bus;
  readonly events: EventLog;
  readonly clock: Clock;
};

/** A line now and then keeps proxies from closing the stream and finds clients that are gone. */
const HEARTBEAT_MS = 15_000;
/** A client that has so much waiting is not reading; it may come back and start afresh. */
const MAX_WAITING_BYTES = 1024 * 1024;
const MAX_STREAMS = 500;

/** `/api/events` and `/api/events/stream`. */
export async function eventRoutes(app: App, options: EventRoutesOptions): Promise<void> {
  const { fleet, events } = options;
  const open = new Set<Readable>();
  app.addHook('preClose', async () => {
    for (const stream of open) stream.push(null);
  });

  app.get(
    '/api/events',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['events'],
        summary: 'What happened, newest first',
        querystring: EventQuerySchema,
        response: { 200: EventPage, ...problems },
      },
    },
    async (request) => {
      const { camera, type, from, to, cursor, limit = EVENTS_PER_PAGE } = request.query;
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      if (after === null) throw new NvrError('bad_input', 'query cursor is not one that Perch gave out');
      const page = events.list({
        cameraId: camera === undefined ? undefined : cameraIdOf(request, fleet, camera),
        type,
        from: parseTime(from, 'query from'),
        to: parseTime(to, 'query to'),
        after,
        onlyCameras: request.caller?.cameras,
        limit: limit + 1,
      });
      const last = page.length > limit ? page[limit - 1] : undefined;
      return { events: page.slice(0, limit).map(eventView), next: last ? encodeCursor(last) : null };
    },
  );

  app.get(
    '/api/events/stream',
    {
      config: { access: 'viewer' },
      exposeHeadRoute: false,
      schema: {
        tags: ['events'],
        summary:
          'Server-sent events: camera.*, segment.*, recording.*, storage.*; begins with the status of each camera',
        querystring: NoQuery,
        produces: ['text/event-stream'],
      },
    },
    async (request, reply) => {
      if (open.size >= MAX_STREAMS) throw new NvrError('unavailable', 'Too many event streams are open');
      return sendStream(request, reply, options, open);
    },
  );
}

/** A camera to filter by; one that is gone can still be named by its id, by who may see all. */
function cameraIdOf(request: FastifyRequest, fleet: Fleet, ref: string): string {
  if (request.caller?.cameras === null && ref.startsWith('cam_')) return ref;
  return cameraOf(request, fleet, ref).id;
}

function sendStream(
  request: FastifyRequest,
  reply: FastifyReply,
  options: EventRoutesOptions,
  open: Set<Readable>,
): FastifyReply {
  const { bus, fleet, clock } = options;
  const caller = request.caller as Caller;
  const stream = new Readable({ read: () => {}, highWaterMark: MAX_WAITING_BYTES });
  open.add(stream);
  const send = (text: string) => {
    if (stream.readableLength + reply.raw.writableLength > MAX_WAITING_BYTES) stream.destroy();
    else if (!stream.readableEnded && !stream.destroyed) stream.push(text);
  };
  const sees = (camera: unknown) => (typeof camera === 'string' ? maySee(caller, camera) : caller.cameras === null);

  send(`retry: 3000\n\n`);
  for (const camera of fleet.all()) {
    if (!sees(camera.id)) continue;
    const fact = { camera: camera.id, slug: camera.slug, status: camera.status() };
    send(serverSentEvent('camera.status', fact, clock.wallMs()));
  }
  const off = bus.onAny((fact, name) => {
    if (sees((fact as { camera?: unknown }).camera)) send(serverSentEvent(name, fact, clock.wallMs()));
  });
  let timer: Timer;
  const beat = () => {
    send(': still here\n\n');
    timer = clock.after(HEARTBEAT_MS, beat);
  };
  timer = clock.after(HEARTBEAT_MS, beat);
  const end = () => void (stream.destroyed || stream.push(null));
  request.callerSignal.addEventListener('abort', end, { once: true });
  stream.once('close', () => {
    off();
    timer.cancel();
    open.delete(stream);
  });
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(stream);
}
