// Recordings: lists, manual orders, days, deletion. Their bytes are in segment-media.ts.

import type { FastifyRequest } from 'fastify';
import { maySee } from '../../auth/caller.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { Recordings } from '../../recording/recordings.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { Segment, SegmentIndex } from '../../store/segment-index.ts';
import type { App } from '../app.ts';
import { writeAudit } from '../audit-trail.ts';
import { cameraOf } from '../camera-of.ts';
import type { RepeatedDeeds } from '../repeated-deeds.ts';
import { CameraParams, NoContent, parseTime, problems } from '../schemas/common.ts';
import {
  DaysQuery,
  DaysReply,
  dayOf,
  dayText,
  encodeSegmentCursor,
  openSegmentView,
  parseSegmentCursor,
  RecordingOrder,
  RecordingReply,
  SegmentPage,
  SegmentParams,
  SegmentPatch,
  SegmentQuerySchema,
  SegmentReply,
  segmentView,
} from '../schemas/segment.ts';
import { segmentMediaRoutes } from './segment-media.ts';

/** What these routes work on. */
export type SegmentRoutesOptions = {
  readonly fleet: Fleet;
  readonly index: SegmentIndex;
  readonly recordings: Recordings;
  readonly audit: AuditLog;
  readonly deeds: RepeatedDeeds;
};

const tags = ['recordings'];
const DEFAULT_PAGE = 100;

/** Finds a segment that the caller may see. @throws NvrError `not_found` */
export function segmentOf(request: Pick<FastifyRequest, 'caller'>, index: SegmentIndex, id: string): Segment {
  const segment = index.get(id);
  const { caller } = request;
  // Recordings of unknown cameras belong to nobody's list: only those who may see all see them.
  const allowed =
    segment && caller && (segment.camera === null ? caller.cameras === null : maySee(caller, segment.camera));
  if (!segment || !allowed) throw new NvrError('not_found', 'There is no such recording');
  return segment;
}

/** `/api/cameras/{camera}/segments`, `/days`, `/recording`, and `/api/segments/{id}` with what is below it. */
export async function segmentRoutes(app: App, options: SegmentRoutesOptions): Promise<void> {
  const { fleet, index, recordings, audit } = options;
  await segmentMediaRoutes(app, options);

  app.get(
    '/api/cameras/:camera/segments',
    {
      config: { access: 'viewer' },
      schema: {
        ...{ tags, summary: 'Recordings of a camera that overlap a span, the open one too', params: CameraParams },
        querystring: SegmentQuerySchema,
        response: { 200: SegmentPage, ...problems },
      },
    },
    async (request) => {
      const { id } = cameraOf(request, fleet, request.params.camera);
      const { query } = request;
      const from = parseTime(query.from, 'from') ?? 0;
      const to = parseTime(query.to, 'to') ?? Number.MAX_SAFE_INTEGER;
      if (to <= from) throw new NvrError('bad_input', 'to must be after from');
      const after = query.cursor === undefined ? undefined : parseSegmentCursor(query.cursor);
      if (after === null) throw new NvrError('bad_input', 'cursor must be the `next` of a page before');
      const order = query.order ?? 'asc';
      const limit = query.limit ?? DEFAULT_PAGE;
      if (query.displaced) {
        const found = index.displaced(id, from, to, limit + 1, after);
        const next = found.length > limit ? encodeSegmentCursor(found[limit - 1]!) : null;
        return { segments: found.slice(0, limit).map(segmentView), next };
      }
      const found = index.find({ ...{ camera: id, from, to, order, limit: limit + 1 }, ...(after && { after }) });
      const more = found.length > limit;
      const page = found.slice(0, limit).map(segmentView);
      const open = recordings.openSegment(id);
      if (open && open.startAt < to && open.endAt > from) {
        if (order === 'asc' && !more) page.push(openSegmentView(id, open));
        if (order === 'desc' && !after) page.unshift(openSegmentView(id, open));
      }
      return { segments: page, next: more ? encodeSegmentCursor(found[limit - 1]!) : null };
    },
  );

  app.get(
    '/api/cameras/:camera/days',
    {
      config: { access: 'viewer' },
      schema: {
        ...{ tags, summary: 'Days (UTC) with recordings', params: CameraParams, querystring: DaysQuery },
        response: { 200: DaysReply, ...problems },
      },
    },
    async (request) => {
      const { config } = cameraOf(request, fleet, request.params.camera);
      const from = dayOf(parseTime(request.query.from, 'from') ?? 0);
      const to = dayOf(parseTime(request.query.to, 'to') ?? Number.MAX_SAFE_INTEGER);
      return index.days(config.folder, from, to).map((day) => ({ ...day, day: dayText(day.day) }));
    },
  );

  app.post(
    '/api/cameras/:camera/recording',
    {
      config: { access: 'admin' },
      schema: {
        ...{
          tags,
          summary: 'Start or stop recording by hand; auto: mode and schedule decide again',
          params: CameraParams,
        },
        body: RecordingOrder,
        response: { 200: RecordingReply, ...problems },
      },
    },
    async (request) => {
      const camera = cameraOf(request, fleet, request.params.camera);
      const { action } = request.body;
      recordings.setManual(camera.id, action);
      writeAudit(audit, request, { action: `recording.${action}`, target: camera.slug });
      return { action, recording: recordings.wanted(camera) };
    },
  );

  app.get(
    '/api/segments/:id',
    {
      config: { access: 'viewer' },
      schema: { tags, summary: 'One recording', params: SegmentParams, response: { 200: SegmentReply, ...problems } },
    },
    async (request) => segmentView(segmentOf(request, index, request.params.id)),
  );

  app.patch(
    '/api/segments/:id',
    {
      config: { access: 'admin' },
      schema: {
        ...{ tags, summary: 'Protect a recording from being deleted by age or space', params: SegmentParams },
        body: SegmentPatch,
        response: { 200: SegmentReply, ...problems },
      },
    },
    async (request) => {
      const { id } = segmentOf(request, index, request.params.id);
      index.setProtected(id, request.body.protected);
      const segment = segmentOf(request, index, id);
      const action = request.body.protected ? 'segment.protected' : 'segment.unprotected';
      writeAudit(audit, request, { action, target: segment.path });
      return segmentView(segment);
    },
  );

  app.delete(
    '/api/segments/:id',
    {
      config: { access: 'admin' },
      schema: { tags, summary: 'Delete a recording', params: SegmentParams, response: { 204: NoContent, ...problems } },
    },
    async (request, reply) => {
      const segment = segmentOf(request, index, request.params.id);
      await recordings.delete(segment);
      writeAudit(audit, request, { action: 'segment.deleted', target: segment.path });
      return reply.code(204).send(null);
    },
  );
}
