// API tokens for other programs.

import Type from 'typebox';
import type { Auth } from '../../auth/auth.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { Token } from '../../store/tokens.ts';
import type { App } from '../app.ts';
import { writeAudit } from '../audit-trail.ts';
import { cameraIds, cameraSlugs } from '../camera-refs.ts';
import { TokenCreated, TokenInput, TokenReply } from '../schemas/access.ts';
import {
  IdParams,
  isoTime,
  isoTimeOrNull,
  NoContent,
  NoQuery,
  type Of,
  parseTime,
  problems,
} from '../schemas/common.ts';

/** What these routes work on. */
export type TokenRoutesOptions = { readonly auth: Auth; readonly fleet: Fleet; readonly audit: AuditLog };

/** `/api/tokens`. */
export async function tokenRoutes(app: App, { auth, fleet, audit }: TokenRoutesOptions): Promise<void> {
  const { apiTokens, accounts } = auth;
  const view = (token: Token): Of<typeof TokenReply> => ({
    id: token.id,
    name: token.name,
    scope: token.scope,
    cameras: cameraSlugs(fleet, token.cameras),
    username: accounts.get(token.userId)?.username ?? '',
    createdAt: isoTime(token.createdAt),
    expiresAt: isoTimeOrNull(token.expiresAt),
    lastUsedAt: isoTimeOrNull(token.usedAt),
  });

  app.get(
    '/api/tokens',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['access'],
        summary: 'All tokens',
        querystring: NoQuery,
        response: { 200: Type.Array(TokenReply), ...problems },
      },
    },
    async () => apiTokens.all().map(view),
  );

  app.post(
    '/api/tokens',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['access'],
        summary: 'Make a token; it is shown once',
        body: TokenInput,
        response: { 201: TokenCreated, ...problems },
      },
    },
    async (request, reply) => {
      const { name, scope, cameras, expiresAt } = request.body;
      const userId = request.caller?.userId;
      if (!userId) throw new NvrError('forbidden', 'Only a user can make a token');
      const expiresAtMs = parseTime(expiresAt ?? undefined, 'expiresAt') ?? null;
      const made = apiTokens.add(
        { name, scope, cameras: cameraIds(fleet, cameras ?? null), expiresAt: expiresAtMs },
        userId,
      );
      writeAudit(audit, request, { action: 'token.created', target: name, detail: scope });
      return reply.code(201).header('cache-control', 'no-store').send({ id: made.token.id, token: made.secret });
    },
  );

  app.delete(
    '/api/tokens/:id',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['access'],
        summary: 'End a token, and every stream opened with it',
        params: IdParams,
        querystring: NoQuery,
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, reply) => {
      const token = apiTokens.all().find((other) => other.id === request.params.id);
      apiTokens.remove(request.params.id);
      writeAudit(audit, request, { action: 'token.removed', target: token?.name ?? request.params.id });
      return reply.code(204).send(null);
    },
  );
}
