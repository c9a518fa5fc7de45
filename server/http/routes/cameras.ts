// The registry of cameras over HTTP.

import Type from 'typebox';
import { maySee } from '../../auth/caller.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import type { CameraProbe } from '../../cameras/probe.ts';
import type { Recordings } from '../../recording/recordings.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { App } from '../app.ts';
import { writeAudit } from '../audit-trail.ts';
import { cameraOf } from '../camera-of.ts';
import { requestSignal } from '../request-signal.ts';
import {
  CameraInput,
  CameraPatch,
  CameraReply,
  CameraTestInput,
  CameraTestLine,
  CameraTestReply,
  cameraView,
  ReleaseInput,
} from '../schemas/camera.ts';
import { CameraParams, jsonOrLines, NoContent, NoQuery, OneOf, problems, strict } from '../schemas/common.ts';
import { LINES_TYPE, sendLines, wantsLines } from '../step-lines.ts';

/** What these routes work on. */
export type CameraRoutesOptions = {
  readonly fleet: Fleet;
  readonly probe: CameraProbe;
  readonly audit: AuditLog;
  readonly recordings: Pick<Recordings, 'deleteFolder'>;
};

const tags = ['cameras'];
const DeleteQuery = Type.Object({ recordings: Type.Optional(OneOf(['keep', 'delete'])) }, strict);

/** `/api/cameras`. */
export async function cameraRoutes(app: App, { fleet, probe, audit, recordings }: CameraRoutesOptions): Promise<void> {
  app.get(
    '/api/cameras',
    {
      config: { access: 'viewer' },
      schema: {
        tags,
        summary: 'All cameras',
        querystring: NoQuery,
        response: { 200: Type.Array(CameraReply), ...problems },
      },
    },
    async ({ caller }) =>
      fleet
        .all()
        .filter((camera) => caller !== null && maySee(caller, camera.id))
        .map((camera) => cameraView(fleet, camera, caller)),
  );

  app.post(
    '/api/cameras',
    {
      config: { access: 'admin' },
      schema: { tags, summary: 'Add a camera', body: CameraInput, response: { 201: CameraReply, ...problems } },
    },
    async (request, reply) => {
      const camera = await fleet.add(request.body);
      writeAudit(audit, request, { action: 'camera.added', target: camera.slug });
      return reply.code(201).send(cameraView(fleet, camera, request.caller));
    },
  );

  app.post(
    '/api/cameras/test',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Try settings: dial, take one picture, say goodbye',
        description: `With \`Accept: ${LINES_TYPE}\` the reply is one line of JSON for each step as it is reached, then one with the result.`,
        body: CameraTestInput,
        response: { 200: jsonOrLines(CameraTestReply, CameraTestLine), ...problems },
      },
    },
    async (request, reply) =>
      wantsLines(request)
        ? sendLines(request, reply, (listener) => probe.run(request.body, listener))
        : probe.run(request.body, { signal: requestSignal(request, reply) }),
  );

  app.get(
    '/api/cameras/:camera',
    {
      config: { access: 'viewer' },
      schema: {
        tags,
        summary: 'One camera',
        params: CameraParams,
        querystring: NoQuery,
        response: { 200: CameraReply, ...problems },
      },
    },
    async (request) => cameraView(fleet, cameraOf(request, fleet, request.params.camera), request.caller),
  );

  app.patch(
    '/api/cameras/:camera',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Change a camera (JSON merge patch)',
        params: CameraParams,
        body: CameraPatch,
        response: { 200: CameraReply, ...problems },
      },
    },
    async (request) => {
      const { id } = cameraOf(request, fleet, request.params.camera);
      const camera = await fleet.change(id, request.body);
      writeAudit(audit, request, {
        action: 'camera.changed',
        target: camera.slug,
        detail: Object.keys(request.body).join(', '),
      });
      return cameraView(fleet, camera, request.caller);
    },
  );

  app.delete(
    '/api/cameras/:camera',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Remove a camera; its recordings stay unless asked otherwise',
        params: CameraParams,
        querystring: DeleteQuery,
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, reply) => {
      const { id, slug } = cameraOf(request, fleet, request.params.camera);
      await fleet.remove(id);
      if (request.query.recordings === 'delete') await recordings.deleteFolder(id);
      writeAudit(audit, request, {
        action: 'camera.removed',
        target: slug,
        detail: `recordings: ${request.query.recordings ?? 'keep'}`,
      });
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/api/cameras/:camera/restart',
    {
      config: { access: 'admin' },
      schema: { tags, summary: 'Connect anew', params: CameraParams, response: { 200: CameraReply, ...problems } },
    },
    async (request) => {
      const camera = cameraOf(request, fleet, request.params.camera);
      fleet.restart(camera.id);
      writeAudit(audit, request, { action: 'camera.restarted', target: camera.slug });
      return cameraView(fleet, camera, request.caller);
    },
  );

  app.post(
    '/api/cameras/:camera/release',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: "Say goodbye and stay away, so that the vendor's app can have the camera",
        params: CameraParams,
        body: ReleaseInput,
        response: { 200: CameraReply, ...problems },
      },
    },
    async (request) => {
      const camera = cameraOf(request, fleet, request.params.camera);
      await fleet.release(camera.id, request.body.minutes);
      writeAudit(audit, request, {
        action: 'camera.released',
        target: camera.slug,
        detail: `${request.body.minutes} minutes`,
      });
      return cameraView(fleet, camera, request.caller);
    },
  );
}
