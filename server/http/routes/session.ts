// Who am I, sign in, sign out.

import type { FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/auth.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { App } from '../app.ts';
import { writeAudit } from '../audit-trail.ts';
import { cameraSlugs } from '../camera-refs.ts';
import { DEVICE_COOKIE, originOf, SESSION_COOKIE } from '../plugins/auth.ts';
import type { OnRefused } from '../refused-credentials.ts';
import { Credentials, SessionReply } from '../schemas/access.ts';
import { NoContent, NoQuery, type Of, problems } from '../schemas/common.ts';

/** What these routes work on. */
export type SessionRoutesOptions = {
  readonly auth: Auth;
  readonly fleet: Fleet;
  readonly audit: AuditLog;
  readonly onRefused: OnRefused;
};

const DAY_SECONDS = 24 * 3600;
/** The browser keeps the cookie this long; the server decides by itself when the session ends. */
const SESSION_SECONDS = 180 * DAY_SECONDS;
const DEVICE_SECONDS = 30 * DAY_SECONDS;

/** `/api/session`. */
export async function sessionRoutes(app: App, options: SessionRoutesOptions): Promise<void> {
  const { auth, fleet, audit, onRefused } = options;
  const reply = (caller: FastifyRequest['caller']): Of<typeof SessionReply> => ({
    setupRequired: auth.accounts.setupRequired,
    user:
      caller === null || caller.scope === 'stream'
        ? null // a stream token opens media, not the dashboard
        : { username: caller.username, role: caller.scope, cameras: cameraSlugs(fleet, caller.cameras) },
  });

  app.get(
    '/api/session',
    {
      config: { access: 'public', identify: true },
      schema: {
        tags: ['access'],
        summary: 'Who am I',
        querystring: NoQuery,
        response: { 200: SessionReply, ...problems },
      },
    },
    async (request) => reply(request.caller),
  );

  app.post(
    '/api/session',
    {
      config: { access: 'public' },
      schema: { tags: ['access'], summary: 'Sign in', body: Credentials, response: { 200: SessionReply, ...problems } },
    },
    async (request, response) => {
      const { username, password } = request.body;
      try {
        const { secret, device, caller } = await auth.authenticator.signIn(username, password, originOf(request));
        const before = request.cookies[SESSION_COOKIE];
        const old = before === undefined ? null : auth.authenticator.bySession(before);
        if (old) auth.authenticator.signOut(old); // what a browser was before is over
        request.caller = caller;
        response.setCookie(SESSION_COOKIE, secret, cookieOptions(request, SESSION_SECONDS));
        response.setCookie(DEVICE_COOKIE, device, cookieOptions(request, DEVICE_SECONDS));
        writeAudit(audit, request, { action: 'session.created' });
        return reply(caller);
      } catch (error) {
        if (isNvrError(error, 'unauthenticated')) onRefused(request, username, 'wrong');
        else if (isNvrError(error, 'rate_limited')) onRefused(request, username, 'limited');
        throw error;
      }
    },
  );

  app.delete(
    '/api/session',
    {
      config: { access: 'public', identify: true },
      schema: {
        tags: ['access'],
        summary: 'Sign out',
        querystring: NoQuery,
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, response) => {
      if (request.caller?.sessionId) {
        writeAudit(audit, request, { action: 'session.ended' });
        auth.authenticator.signOut(request.caller);
      }
      // The device cookie stays: it says that this browser is no stranger, not who is in.
      return response.clearCookie(SESSION_COOKIE, cookieOptions(request)).code(204).send(null);
    },
  );
}

function cookieOptions(request: FastifyRequest, maxAge?: number) {
  return {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: request.protocol === 'https',
    ...(maxAge !== undefined && { maxAge }),
  } as const;
}
