// Every request passes here first: is the Host ours, who is calling, may they use this route, did their own page ask.

import '@fastify/cookie'; // gives requests their cookies
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/auth.ts';
import { type Access, type Caller, mayUse } from '../../auth/caller.ts';
import { parseAuthorization } from '../../auth/credentials.ts';
import type { Origin } from '../../auth/doors.ts';
import { isNvrError, NvrError } from '../../core/nvr-error.ts';
import type { App } from '../app.ts';
import type { OnRefused } from '../refused-credentials.ts';
import { HttpProblem } from './errors.ts';
import { isAllowedHost } from './hosts.ts';
import { isForeignPage } from './origins.ts';

/** Name of the session cookie. */
export const SESSION_COOKIE = 'perch_session';

/** Sent with a 401 on media: ffmpeg, motion and GStreamer only then send the password they have. */
const CHALLENGE = 'Basic realm="Perch", charset="UTF-8"';
/** Name of the cookie by which a browser is known again after it signed in: never a permission, see `auth/doors.ts`. */
export const DEVICE_COOKIE = 'perch_device';
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const PREFLIGHT_SECONDS = 24 * 3600;
/** Its requests have bodies, and a method more. */
const WHEP_ROUTE = /\/whep(\/|$)/;

/** How a caller was recognized. `ambient` credentials are attached by browsers on their own. */
type Known = { readonly caller: Caller; readonly ambient: boolean };

/** What the plugin needs. */
export type AuthPluginOptions = {
  readonly auth: Auth;
  readonly allowedHosts: readonly string[];
  readonly onRefused: OnRefused;
  /** Access of routes that other people's plugins make, by the start of their URL. */
  readonly foreignRoutes: readonly { readonly prefix: string; readonly access: Access }[];
};

/** Installs the checks for the whole server. Register before any route: a route without `config.access` throws. */
export function installAuth(app: App, options: AuthPluginOptions): void {
  const { auth, allowedHosts, foreignRoutes } = options;
  app.decorateRequest('caller', null);
  app.decorateRequest('callerSignal', null as unknown as AbortSignal);
  const preflighted = new Set<string>();

  app.addHook('onRoute', (route) => {
    const access = route.config?.access ?? foreignRoutes.find(({ prefix }) => route.url.startsWith(prefix))?.access;
    if (!access)
      throw new NvrError('internal', `Route ${String(route.method)} ${route.url} does not say who may use it`);
    const config: Record<string, unknown> = { ...route.config, access };
    route.config = config;
    if (access !== 'media') return;
    config.rateLimit = false;
    if (preflighted.has(route.url) || route.method === 'OPTIONS') return;
    preflighted.add(route.url);
    app.route({
      method: 'OPTIONS',
      url: route.url,
      config: { access: 'public' },
      schema: { hide: true } as object,
      handler: (request, reply) => preflight(reply, WHEP_ROUTE.test(request.routeOptions.url ?? '')),
    });
  });

  app.addHook('onRequest', async (request, reply) => {
    const access: Access | undefined = request.routeOptions.config.access;
    const foreignHost = !hostsOf(request).every((host) => isAllowedHost(host, allowedHosts));
    if (foreignHost && access !== 'media') throw misdirected(request);
    if (access === 'media') reply.header('cross-origin-resource-policy', 'cross-origin');
    else reply.header('cache-control', 'no-store'); // replies differ by caller; routes that may be kept say so

    const foreignPage = fromForeignPage(request);
    const asks = !SAFE_METHODS.has(request.method);
    const upgrades = request.headers.upgrade !== undefined;
    let known = await identify(request, options, access);
    if (known?.ambient && upgrades && foreignPage) known = null; // a socket may still sign in with a token
    if (known && access === 'media') {
      // Programs reach us by whatever name a proxy gave; a browser session must not.
      if (foreignHost && known.caller.kind === 'session') throw misdirected(request);
      if (known.caller.kind === 'token') allowReading(reply);
    }
    if (asks && foreignPage && known?.ambient !== false) {
      throw new NvrError('forbidden', 'A page of another site may not do this');
    }
    request.caller = known?.caller ?? null;
    (request as { callerSignal: AbortSignal }).callerSignal = watch(auth, request.caller, reply);
    if (access === undefined || access === 'public') return;
    if (!known) {
      if (access === 'media') reply.header('www-authenticate', CHALLENGE);
      throw new NvrError('unauthenticated', 'Sign in first');
    }
    if (!mayUse(known.caller, access)) throw new NvrError('forbidden', 'You may not do this');
  });
}

/** Who is calling. What is written into the request on purpose wins over what a browser adds. */
async function identify(
  request: FastifyRequest,
  { auth, onRefused }: AuthPluginOptions,
  access?: Access,
): Promise<Known | null> {
  if (access === undefined || (access === 'public' && !request.routeOptions.config.identify)) return null;
  const { authenticator } = auth;
  const given = parseAuthorization(request.headers.authorization);
  const name = given?.kind === 'basic' ? given.username : null;
  try {
    const query = access === 'media' ? (request.query as { token?: unknown } | undefined)?.token : undefined;
    const token = given?.kind === 'bearer' ? given.token : query;
    if (typeof token === 'string') {
      const caller = authenticator.byToken(token, originOf(request));
      if (!caller) onRefused(request, null, 'wrong');
      return caller && { caller, ambient: false };
    }
    const cookie = request.cookies[SESSION_COOKIE];
    const session = cookie === undefined ? null : authenticator.bySession(cookie);
    if (session) return { caller: session, ambient: true };
    if (given?.kind === 'basic') {
      const caller = await authenticator.byBasic(given.username, given.password, originOf(request));
      if (!caller) onRefused(request, name, 'wrong');
      return caller && { caller, ambient: true };
    }
  } catch (error) {
    if (isNvrError(error, 'rate_limited')) onRefused(request, name, 'limited');
    if (access === 'public') return null; // such a route works without knowing
    throw error;
  }
  return null;
}

/** From where the request came, for the bounds on guessing. */
export function originOf(request: FastifyRequest): Origin {
  return { address: request.ip ?? '', device: request.cookies[DEVICE_COOKIE] };
}

/** A signal that aborts when the caller is revoked while the reply is open. */
function watch(auth: Auth, caller: Caller | null, reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  // A client that left while its password was being verified: 'close' was before, and will not come again.
  if (reply.raw.destroyed || reply.request.raw.socket?.destroyed) controller.abort();
  else if (caller) {
    const off = auth.revocations.onRevoked(caller, () => controller.abort());
    reply.raw.once('close', off);
  }
  return controller.signal;
}

/** The names by which the client says it reached us: its Host header, and what a trusted proxy saw. */
function hostsOf(request: FastifyRequest): string[] {
  return [
    ...new Set([request.headers.host, request.host].filter((host) => host !== undefined && host !== '')),
  ] as string[];
}

function fromForeignPage(request: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  return isForeignPage({ origin, secFetchSite: typeof site === 'string' ? site : undefined }, hostsOf(request));
}

function misdirected(request: FastifyRequest): HttpProblem {
  const name = JSON.stringify((hostsOf(request).join(', ') || '(none)').slice(0, 200));
  return new HttpProblem(
    421,
    `Perch does not answer to the host name ${name}. If it is yours, add it to PERCH_ALLOWED_HOSTS and start Perch again.`,
  );
}

/** A token in hand may be used by any page: the token is the permission. */
function allowReading(reply: FastifyReply): void {
  reply.header('access-control-allow-origin', '*');
  reply.header('access-control-allow-headers', 'Authorization, Range');
  reply.header('access-control-expose-headers', 'Content-Length, Content-Range, Accept-Ranges, Last-Modified');
}

async function preflight(reply: FastifyReply, isWhep: boolean): Promise<FastifyReply> {
  reply.header('access-control-allow-origin', '*');
  reply.header('access-control-allow-methods', isWhep ? 'POST, PATCH, DELETE, OPTIONS' : 'GET, HEAD, POST, OPTIONS');
  reply.header('access-control-allow-headers', isWhep ? 'Authorization, Content-Type' : 'Authorization, Range');
  reply.header('access-control-max-age', String(PREFLIGHT_SECONDS));
  reply.header('cross-origin-resource-policy', 'cross-origin');
  return reply.code(204).send();
}
