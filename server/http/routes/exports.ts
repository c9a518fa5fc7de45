// Spans of recordings as one file each.

import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { maySee } from '../../auth/caller.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { Exporter, ExportStatus } from '../../recording/exporter.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { App } from '../app.ts';
import { writeAudit } from '../audit-trail.ts';
import { cameraOf } from '../camera-of.ts';
import type { RepeatedDeeds } from '../repeated-deeds.ts';
import { IdParams, isoTime, NoContent, NoQuery, parseTime, problems } from '../schemas/common.ts';
import { ExportBody, ExportEstimateReply, ExportReply, exportView } from '../schemas/export.ts';
import { sendFile } from '../send-file.ts';

/** What these routes work on. */
export type ExportRoutesOptions = {
  readonly fleet: Fleet;
  readonly exporter: Exporter;
  readonly audit: AuditLog;
  readonly deeds: RepeatedDeeds;
};

const tags = ['recordings'];

/** `/api/exports` and what is below it. */
export async function exportRoutes(app: App, { fleet, exporter, audit, deeds }: ExportRoutesOptions): Promise<void> {
  /** Exports of cameras that the caller may see; of cameras that are gone, for those who may see all. */
  const visible = ({ caller }: Pick<FastifyRequest, 'caller'>, { camera }: ExportStatus) =>
    caller !== null && (fleet.find(camera) ? maySee(caller, camera) : caller.cameras === null);
  const find = (request: FastifyRequest, id: string): ExportStatus => {
    const found = exporter.get(id);
    if (!found || !visible(request, found)) throw new NvrError('not_found', 'There is no such export');
    return found;
  };
  const asked = (request: FastifyRequest, body: { camera: string; from: string; to: string }) => {
    const camera = cameraOf(request, fleet, body.camera);
    const [from, to] = [parseTime(body.from, 'from'), parseTime(body.to, 'to')];
    return { camera: camera.id, name: camera.config.name, from, to, createdBy: request.caller?.username ?? '' };
  };

  app.get(
    '/api/exports',
    {
      config: { access: 'viewer' },
      schema: {
        ...{ tags, summary: 'All exports, oldest first', querystring: NoQuery },
        response: { 200: Type.Array(ExportReply), ...problems },
      },
    },
    async (request) =>
      exporter
        .all()
        .filter((row) => visible(request, row))
        .map(exportView),
  );

  app.post(
    '/api/exports/estimate',
    {
      config: { access: 'viewer' },
      schema: {
        ...{ tags, summary: 'What an export would take', body: ExportBody },
        response: { 200: ExportEstimateReply, ...problems },
      },
    },
    async (request) => exporter.estimate(asked(request, request.body)),
  );

  app.post(
    '/api/exports',
    {
      config: { access: 'viewer' },
      schema: {
        ...{ tags, summary: 'Make one MP4 of a span', body: ExportBody },
        response: { 202: ExportReply, ...problems },
      },
    },
    async (request, reply) => {
      const order = asked(request, request.body);
      const row = await exporter.add(order);
      const detail = `${isoTime(order.from)} to ${isoTime(order.to)}`;
      writeAudit(audit, request, { action: 'export.created', target: order.name, detail });
      return reply.code(202).send(exportView(row));
    },
  );

  app.get(
    '/api/exports/:id',
    {
      config: { access: 'viewer' },
      schema: { tags, summary: 'One export', params: IdParams, response: { 200: ExportReply, ...problems } },
    },
    async (request) => exportView(find(request, request.params.id)),
  );

  app.delete(
    '/api/exports/:id',
    {
      config: { access: 'viewer' },
      schema: {
        ...{ tags, summary: 'Cancel or delete an export: who asked for it, and administrators', params: IdParams },
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, reply) => {
      const { id, name, createdBy } = find(request, request.params.id);
      const { caller } = request;
      if (caller?.scope !== 'admin' && caller?.username !== createdBy) {
        throw new NvrError('forbidden', 'Only who asked for an export, and administrators, may delete it');
      }
      await exporter.remove(id);
      writeAudit(audit, request, { action: 'export.deleted', target: name });
      return reply.code(204).send(null);
    },
  );

  app.route({
    method: ['GET', 'HEAD'],
    url: '/api/exports/:id/media',
    config: { access: 'media' },
    schema: { tags, summary: 'The file, by byte ranges', params: IdParams },
    handler: async (request, reply) => {
      const found = find(request, request.params.id);
      const { id, name, state } = found;
      if (state !== 'done') throw new NvrError('conflict', `This export is ${state}`);
      if (request.method === 'GET') {
        deeds.write(request, `download ${id}`, 1, { action: 'export.downloaded', target: name });
      }
      const file = { id, file: exporter.file(id), bytes: null, type: 'video/mp4', name: fileName(found) };
      return sendFile(request, reply, { ...file, download: true });
    },
  });
}

/** `Camera 2026-05-01 12-00-00Z to 12-30-00Z.mp4`. */
function fileName({ name, from, to }: ExportStatus): string {
  const text = (ms: number) => isoTime(ms).slice(0, 19).replace('T', ' ').replaceAll(':', '-');
  const [begin, end] = [text(from), text(to)];
  const sameDay = begin.slice(0, 10) === end.slice(0, 10);
  return `${name} ${begin}Z to ${sameDay ? end.slice(11) : end}Z.mp4`;
}
