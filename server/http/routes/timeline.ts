// What is recorded, what is missing and why; and a small picture of any moment.

import Type from 'typebox';
import { maySee } from '../../auth/caller.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { Recordings } from '../../recording/recordings.ts';
import type { Timeline } from '../../recording/timeline.ts';
import type { EventLog } from '../../store/events.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import { requestSignal } from '../request-signal.ts';
import { CameraParams, IsoTime, isoTime, parseTime, problems } from '../schemas/common.ts';
import { eventView } from '../schemas/event.ts';
import { parseSpan, SpanQuery, TimelineReply, TimelinesReply, timelineView } from '../schemas/timeline.ts';

/** What these routes work on. */
export type TimelineRoutesOptions = {
  readonly fleet: Fleet;
  readonly timeline: Timeline;
  readonly recordings: Recordings;
  readonly events: EventLog;
};

const MAX_EVENTS = 500;
const MAX_TOKEN_LENGTH = 200;
/** Pictures of the same moment, so to say: hovering makes few of them. */
const MOMENT_MS = 2000;
const CACHE_CLOSED = 'private, max-age=3600';
const tags = ['recordings'];

/** `/api/cameras/{camera}/timeline`, `/api/timeline`, `/api/cameras/{camera}/thumbnail.jpg`. */
export async function timelineRoutes(app: App, options: TimelineRoutesOptions): Promise<void> {
  const { fleet, timeline, recordings, events } = options;

  app.get(
    '/api/cameras/:camera/timeline',
    {
      config: { access: 'viewer' },
      schema: {
        ...{ tags, summary: 'Recorded spans, gaps with their reasons, events', params: CameraParams },
        querystring: SpanQuery,
        response: { 200: TimelineReply, ...problems },
      },
    },
    async (request) => {
      const { id } = cameraOf(request, fleet, request.params.camera);
      const { from, to } = parseSpan(request.query);
      const found = events.list({ cameraId: id, from, to, limit: MAX_EVENTS });
      return { ...timelineView(timeline.read(id, from, to)), events: found.map(eventView) };
    },
  );

  app.get(
    '/api/timeline',
    {
      config: { access: 'viewer' },
      schema: {
        ...{ tags, summary: 'Recorded spans and gaps of all cameras', querystring: SpanQuery },
        response: { 200: TimelinesReply, ...problems },
      },
    },
    async ({ caller, query }) => {
      const { from, to } = parseSpan(query);
      const seen = fleet.all().filter(({ id }) => caller && maySee(caller, id));
      const spans = seen.map(({ id, slug }) => ({ id, slug, ...timelineView(timeline.read(id, from, to)) }));
      return { now: isoTime(timeline.nowMs), cameras: spans };
    },
  );

  app.route({
    method: ['GET', 'HEAD'],
    url: '/api/cameras/:camera/thumbnail.jpg',
    config: { access: 'media' },
    schema: {
      ...{ tags, summary: 'A small picture of a recorded moment', params: CameraParams },
      querystring: Type.Object(
        { at: IsoTime, token: Type.Optional(Type.String({ maxLength: MAX_TOKEN_LENGTH })) },
        { additionalProperties: true },
      ),
    },
    handler: async (request, reply) => {
      const { id } = cameraOf(request, fleet, request.params.camera);
      const source = recordings.at(id, parseTime(request.query.at, 'at'));
      if (!source) throw new NvrError('not_found', 'Nothing was recorded at this moment');
      const { startAt, offsetMs, indexed, path } = source;
      const moment = Math.floor(offsetMs / MOMENT_MS) * MOMENT_MS;
      reply.type('image/jpeg').header('Cache-Control', indexed ? CACHE_CLOSED : 'no-store');
      reply.header('Last-Modified', new Date(isoTime(startAt + moment)).toUTCString());
      if (request.method === 'HEAD') return reply.send();
      const key = `${id} ${startAt} ${moment}`;
      const signal = requestSignal(request, reply);
      const file = await recordings.files.locate(path);
      return reply.send(await recordings.thumbnails.get(key, file, moment / 1000, signal));
    },
  });
}
