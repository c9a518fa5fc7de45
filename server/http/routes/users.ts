// The people who may sign in.

import Type from 'typebox';
import type { Auth } from '../../auth/auth.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { User } from '../../store/users.ts';
import type { App } from '../app.ts';
import { writeAudit } from '../audit-trail.ts';
import { cameraIds, cameraSlugs } from '../camera-refs.ts';
import { UserInput, UserPatch, UserReply } from '../schemas/access.ts';
import { IdParams, isoTime, NoContent, NoQuery, type Of, problems } from '../schemas/common.ts';

/** What these routes work on. */
export type UserRoutesOptions = { readonly auth: Auth; readonly fleet: Fleet; readonly audit: AuditLog };

/** `/api/users`. */
export async function userRoutes(app: App, { auth, fleet, audit }: UserRoutesOptions): Promise<void> {
  const { accounts } = auth;
  const view = (user: User): Of<typeof UserReply> => ({
    id: user.id,
    username: user.username,
    role: user.role,
    cameras: cameraSlugs(fleet, user.cameras),
    createdAt: isoTime(user.createdAt),
  });
  /** People are named by id; a name works too, for scripts. */
  const userOf = (ref: string): User => {
    const user = accounts.get(ref) ?? accounts.named(ref);
    if (!user) throw new NvrError('not_found', 'There is no such user');
    return user;
  };

  app.get(
    '/api/users',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['access'],
        summary: 'All users',
        querystring: NoQuery,
        response: { 200: Type.Array(UserReply), ...problems },
      },
    },
    async () => accounts.all().map(view),
  );

  app.post(
    '/api/users',
    {
      config: { access: 'admin' },
      schema: { tags: ['access'], summary: 'Add a user', body: UserInput, response: { 201: UserReply, ...problems } },
    },
    async (request, reply) => {
      const cameras = cameraIds(fleet, request.body.cameras ?? null);
      const user = await accounts.add({ ...request.body, cameras });
      writeAudit(audit, request, { action: 'user.created', target: user.username, detail: user.role });
      return reply.code(201).send(view(user));
    },
  );

  app.get(
    '/api/users/:id',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['access'],
        summary: 'One user',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: UserReply, ...problems },
      },
    },
    async (request) => view(userOf(request.params.id)),
  );

  app.patch(
    '/api/users/:id',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['access'],
        summary: 'Change a user; ends all sessions of that user',
        params: IdParams,
        body: UserPatch,
        response: { 200: UserReply, ...problems },
      },
    },
    async (request) => {
      const { cameras, ...patch } = request.body;
      const before = userOf(request.params.id);
      const user = await accounts.change(before.id, {
        ...patch,
        ...(cameras === undefined ? {} : { cameras: cameraIds(fleet, cameras) }),
      });
      writeAudit(audit, request, {
        action: 'user.changed',
        target: user.username,
        detail: Object.keys(request.body).join(', '),
      });
      return view(user);
    },
  );

  app.delete(
    '/api/users/:id',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['access'],
        summary: 'Remove a user with all sessions and tokens',
        params: IdParams,
        querystring: NoQuery,
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, reply) => {
      const user = userOf(request.params.id);
      accounts.remove(user.id);
      writeAudit(audit, request, { action: 'user.removed', target: user.username });
      return reply.code(204).send(null);
    },
  );
}
