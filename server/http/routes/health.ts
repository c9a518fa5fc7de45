// Is the service alive. Open to all, so it says no more than that.

import Type from 'typebox';
import { NvrError } from '../../core/nvr-error.ts';
import type { App } from '../app.ts';
import { NoQuery, problems } from '../schemas/common.ts';

/** What this route works on. `check` throws when something essential does not work. */
export type HealthRoutesOptions = { readonly check: () => void };

/** `GET /healthz`: 200 or 503. */
export async function healthRoutes(app: App, { check }: HealthRoutesOptions): Promise<void> {
  app.get(
    '/healthz',
    {
      config: { access: 'public', rateLimit: false },
      schema: {
        tags: ['system'],
        summary: 'Alive?',
        querystring: NoQuery,
        response: { 200: Type.Object({ status: Type.Literal('ok') }), ...problems },
      },
    },
    async (_request, reply) => {
      try {
        check();
      } catch (cause) {
        throw new NvrError('unavailable', 'The database does not answer', { cause });
      }
      return reply.header('cache-control', 'no-store').send({ status: 'ok' as const });
    },
  );
}
