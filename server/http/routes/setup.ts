// The first administrator, once.

import type { Auth } from '../../auth/auth.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { App } from '../app.ts';
import { writeAudit } from '../audit-trail.ts';
import { SessionUser, SetupInput } from '../schemas/access.ts';
import { problems } from '../schemas/common.ts';

/** What this route works on. */
export type SetupRoutesOptions = { readonly auth: Auth; readonly audit: AuditLog };

/** `POST /api/setup`: 201 while no user exists, then 409 for ever. */
export async function setupRoutes(app: App, { auth, audit }: SetupRoutesOptions): Promise<void> {
  app.post(
    '/api/setup',
    {
      config: { access: 'public' },
      schema: {
        tags: ['access'],
        summary: 'Make the first administrator',
        body: SetupInput,
        response: { 201: SessionUser, ...problems },
      },
    },
    async (request, reply) => {
      const user = await auth.accounts.setUp(request.body.username, request.body.password);
      writeAudit(audit, request, { action: 'setup.done', username: user.username });
      return reply.code(201).send({ username: user.username, role: user.role, cameras: null });
    },
  );
}
