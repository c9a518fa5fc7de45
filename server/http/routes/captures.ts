// A camera's traffic as a file for bug reports.

import { Readable } from 'node:stream';
import Type from 'typebox';
import { CAPTURE_SECONDS, MAX_CAPTURE_BYTES, MAX_CAPTURE_SECONDS } from '../../cameras/captures.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import type { Clock } from '../../core/clock.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { App } from '../app.ts';
import { writeAudit } from '../audit-trail.ts';
import { cameraOf } from '../camera-of.ts';
import { requestSignal } from '../request-signal.ts';
import { CameraParams, isoTime, problems, strict } from '../schemas/common.ts';

/** What these routes work on. */
export type CaptureRoutesOptions = { readonly fleet: Fleet; readonly clock: Clock; readonly audit: AuditLog };

const MEDIA_TYPE = 'application/x-pcapng';
const MEBIBYTE = 1024 * 1024;
const CaptureQuery = Type.Object(
  { seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_CAPTURE_SECONDS, default: CAPTURE_SECONDS })) },
  strict,
);

/** `/api/cameras/{camera}/capture`. */
export async function captureRoutes(app: App, { fleet, clock, audit }: CaptureRoutesOptions): Promise<void> {
  app.get(
    '/api/cameras/:camera/capture',
    {
      config: { access: 'admin' },
      exposeHeadRoute: false, // a HEAD would record and throw away
      schema: {
        tags: ['cameras'],
        summary: "Record the camera's network traffic for a bug report (pcapng)",
        description: [
          `Answers when the time is up, or at ${MAX_CAPTURE_BYTES / MEBIBYTE} MiB; one at a time per camera.`,
          'Passwords, logins and tokens are overwritten with x, and a serial number but for its end; pictures and sound are inside.',
          'Of a connection inside TLS only its beginning and end are shown, not its contents.',
          'Cameras of one device that share a connection are captured together.',
        ].join(' '),
        params: CameraParams,
        querystring: CaptureQuery,
        response: {
          200: { content: { [MEDIA_TYPE]: { schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }) } } },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const camera = cameraOf(request, fleet, request.params.camera);
      const { seconds = CAPTURE_SECONDS } = request.query;
      const signal = requestSignal(request, reply);
      const recording = fleet.captures.record(camera, seconds, signal);
      writeAudit(audit, request, { action: 'camera.captured', target: camera.slug, detail: `${seconds} s` });
      const file = await recording;
      const body = Readable.from(file.chunks, { objectMode: false });
      body.once('close', () => file[Symbol.dispose]());
      const name = `${camera.slug}-${isoTime(clock.wallMs()).slice(0, 19).replaceAll(':', '-')}Z.pcapng`;
      return reply
        .header('content-type', MEDIA_TYPE)
        .header('content-disposition', `attachment; filename="${name}"`)
        .header('cache-control', 'no-store')
        .send(body);
    },
  );
}
