// The doors for media beside HTTP: on which port each is open, or why it is not.

import Type, { type Static } from 'typebox';
import type { App } from '../app.ts';
import { NoQuery, Nullable, problems } from '../schemas/common.ts';

const Output = Type.Object({
  port: Nullable(Type.Integer({ description: 'null: not open' })),
  warning: Nullable(Type.String({ description: 'Why it is not open although it should be' })),
});
const OutputsReply = Type.Object({ rtsp: Output, webrtc: Output });

/** All doors. */
export type MediaOutputs = Static<typeof OutputsReply>;

const CLOSED = { port: null, warning: null };
/** None is open, and none should be. */
export const NO_OUTPUTS: MediaOutputs = { rtsp: CLOSED, webrtc: CLOSED };

/** What this route works on. */
export type OutputRoutesOptions = { readonly outputs: () => MediaOutputs };

/** `GET /api/outputs` */
export async function outputRoutes(app: App, { outputs }: OutputRoutesOptions): Promise<void> {
  app.get(
    '/api/outputs',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['system'],
        summary: 'Ports of the media servers',
        querystring: NoQuery,
        response: { 200: OutputsReply, ...problems },
      },
    },
    async () => outputs(),
  );
}
