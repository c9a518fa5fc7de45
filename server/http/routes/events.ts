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
  const { fleet, events, bus, clock } = options;
  const open = new Set<EventStream>();
  // One text for all who may hear it.
  const off = bus.onAny((fact, name) => {
    if (open.size === 0) return;
    const text = serverSentEvent(name, fact, clock.wallMs());
    for (const stream of open) stream.hear((fact as { camera?: unknown }).camera, text);
  });
  app.addHook('preClose', async () => {
    off();
    for (const stream of open) stream.end();
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

/** One client that listens. */
class EventStream {
  readonly readable = new Readable({ read: () => {}, highWaterMark: MAX_WAITING_BYTES });
  readonly #caller: Caller;
  readonly #waitingBytes: () => number;

  /** @param waitingBytes what the socket has not taken yet */
  constructor(caller: Caller, waitingBytes: () => number) {
    this.#caller = caller;
    this.#waitingBytes = waitingBytes;
  }

  /** Whether this client may hear of a camera; `null` and `undefined` stand for facts about no camera. */
  mayHear(camera: unknown): boolean {
    return typeof camera === 'string' ? maySee(this.#caller, camera) : this.#caller.cameras === null;
  }

  hear(camera: unknown, text: string): void {
    if (this.mayHear(camera)) this.send(text);
  }

  send(text: string): void {
    const { readable } = this;
    if (readable.readableLength + this.#waitingBytes() > MAX_WAITING_BYTES) readable.destroy();
    else if (!readable.destroyed && !readable.readableEnded) readable.push(text);
  }

  end(): void {
    if (!this.readable.destroyed) this.readable.push(null);
  }
}

function sendStream(
  request: FastifyRequest,
  reply: FastifyReply,
  { fleet, clock }: EventRoutesOptions,
  open: Set<EventStream>,
): FastifyReply {
  const stream = new EventStream(request.caller as Caller, () => reply.raw.writableLength);
  stream.send('retry: 3000\n\n');
  for (const camera of fleet.all()) {
    const fact = { camera: camera.id, slug: camera.slug, status: camera.status() };
    if (stream.mayHear(camera.id)) stream.send(serverSentEvent('camera.status', fact, clock.wallMs()));
  }
  open.add(stream);
  let timer: Timer;
  const beat = () => {
    stream.send(': still here\n\n');
    timer = clock.after(HEARTBEAT_MS, beat);
  };
  timer = clock.after(HEARTBEAT_MS, beat);
  request.callerSignal.addEventListener('abort', () => stream.end(), { once: true });
  if (request.callerSignal.aborted) stream.end();
  stream.readable.once('close', () => {
    timer.cancel();
    open.delete(stream);
  });
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(stream.readable);
}
