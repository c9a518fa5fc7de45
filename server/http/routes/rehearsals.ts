// What recording with settings that are not saved yet would cost: measured on the camera itself.

import Type from 'typebox';
import type { Fleet } from '../../cameras/fleet.ts';
import { patchRecording } from '../../cameras/settings-check.ts';
import type { Clock } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { Recordings } from '../../recording/recordings.ts';
import { rehearse } from '../../recording/rehearsal.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import { requestSignal } from '../request-signal.ts';
import { CameraParams, Nullable, problems, strict } from '../schemas/common.ts';

/** What this route works on. */
export type RehearsalRoutesOptions = {
  readonly fleet: Fleet;
  readonly recordings: Pick<Recordings, 'storage'>;
  readonly clock: Clock;
};

const RehearsalInput = Type.Object(
  {
    recording: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'As in PATCH: what would change' }),
    ),
  },
  strict,
);
const RehearsalReply = Type.Object({
  measuredMs: Type.Integer(),
  frames: Type.Integer(),
  encodes: Type.Boolean({ description: 'Whether pictures are encoded, which is what takes the processor' }),
  bytesPerHour: Type.Integer(),
  hoursPerDay: Type.Number({ description: 'On an average day of the coming week' }),
  bytesPerDay: Type.Integer(),
  processorShare: Nullable(
    Type.Number({ description: 'Of one core while it records; null where the system does not tell' }),
  ),
  daysLeft: Nullable(Type.Number({ description: 'Until a limit of bytes or space begins to press; null: never' })),
  keepsDays: Nullable(Type.Number({ description: 'Days of recordings there will be in the end; null: no limit' })),
  limitedBy: Nullable(Type.String({ description: 'What decides that: days, bytes, total or disk' })),
});

/** `POST /api/cameras/{camera}/recording/rehearsal` */
export async function rehearsalRoutes(app: App, { fleet, recordings, clock }: RehearsalRoutesOptions): Promise<void> {
  // Each may run an encoder: two of one camera would only measure each other.
  const running = new Map<string, { readonly signal: AbortSignal; readonly done: Promise<unknown> }>();
  app.post(
    '/api/cameras/:camera/recording/rehearsal',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['recordings'],
        summary: 'Measure for ten seconds what recording with these settings would take; nothing is saved',
        params: CameraParams,
        body: RehearsalInput,
        response: { 200: RehearsalReply, ...problems },
      },
    },
    async (request, reply) => {
      const camera = cameraOf(request, fleet, request.params.camera);
      const settings = patchRecording(camera.config.recording, request.body.recording ?? {});
      const before = running.get(camera.id);
      if (before && !before.signal.aborted) {
        throw new NvrError('conflict', 'This camera is being measured already; wait for the result');
      }
      const signal = requestSignal(request, reply);
      const { folder } = camera.config;
      // One that was given up is still putting its encoder away.
      const work = Promise.resolve(before?.done).then(() =>
        rehearse({ camera, settings, clock, log: request.log, signal }),
      );
      const mine = { signal, done: work.catch(() => {}) };
      running.set(camera.id, mine);
      try {
        const report = await work;
        const plan = { folder, retention: settings.retention, bytesPerDay: report.bytesPerDay };
        const planned = (await recordings.storage(0, plan)).folders.find((one) => one.folder === folder);
        const { daysLeft = null, keepsDays = null, limitedBy = null } = planned ?? {};
        return { ...report, daysLeft, keepsDays, limitedBy };
      } finally {
        if (running.get(camera.id) === mine) running.delete(camera.id);
      }
    },
  );
}
