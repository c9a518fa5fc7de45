// The HTTP server: all plugins and all routes, in order. What is not listed here is not served.

import { readFileSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import fastify, { type RouteOptions } from 'fastify';
import type { Logger } from 'pino';
import type { Auth } from '../auth/auth.ts';
import type { Discovery } from '../cameras/discovery.ts';
import type { EncoderStatus } from '../cameras/encoder-choice.ts';
import type { Fleet } from '../cameras/fleet.ts';
import type { CameraProbe } from '../cameras/probe.ts';
import type { Bus } from '../core/bus.ts';
import type { Clock } from '../core/clock.ts';
import { LiveFeeds } from '../live/live-feeds.ts';
import type { Exporter } from '../recording/exporter.ts';
import type { Recordings } from '../recording/recordings.ts';
import type { Timeline } from '../recording/timeline.ts';
import type { AuditLog } from '../store/audit.ts';
import type { EventLog } from '../store/events.ts';
import type { SegmentIndex } from '../store/segment-index.ts';
import type { SettingsTable } from '../store/settings.ts';
import type { WebrtcServer } from '../webrtc-out/server.ts';
import type { App } from './app.ts';
import { installAuth } from './plugins/auth.ts';
import { installBodies } from './plugins/bodies.ts';
import { installCoercion } from './plugins/coerce.ts';
import { boundConnections } from './plugins/connections.ts';
import { installErrors, refuseAddress, refuseBytes } from './plugins/errors.ts';
import { DOCS_PREFIX, installOpenapi } from './plugins/openapi.ts';
import { refuseChanges } from './plugins/read-only.ts';
import { installRequestLog, QuietLog, requestLogger } from './plugins/request-log.ts';
import { installSecurityHeaders } from './plugins/security-headers.ts';
import { auditRefusals } from './refused-credentials.ts';
import { RepeatedDeeds } from './repeated-deeds.ts';
import { auditRoutes } from './routes/audit.ts';
import { cameraRoutes } from './routes/cameras.ts';
import { captureRoutes } from './routes/captures.ts';
import { driverRoutes } from './routes/drivers.ts';
import { embedRoutes } from './routes/embed.ts';
import { eventRoutes } from './routes/events.ts';
import { exportRoutes } from './routes/exports.ts';
import { healthRoutes } from './routes/health.ts';
import { liveRoutes } from './routes/live.ts';
import { mediaRoutes } from './routes/media.ts';
import { mediaVideoRoutes } from './routes/media-video.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { type MediaOutputs, NO_OUTPUTS, outputRoutes } from './routes/outputs.ts';
import { pageRoutes } from './routes/pages.ts';
import { playbackRoutes } from './routes/playback.ts';
import { rehearsalRoutes } from './routes/rehearsals.ts';
import { segmentRoutes } from './routes/segments.ts';
import { sessionRoutes } from './routes/session.ts';
import { settingsRoutes } from './routes/settings.ts';
import { setupRoutes } from './routes/setup.ts';
import { storageRoutes } from './routes/storage.ts';
import { timelineRoutes } from './routes/timeline.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { notChecked, type UrlCheckRoutesOptions, urlCheckRoutes } from './routes/url-checks.ts';
import { userRoutes } from './routes/users.ts';
import { whepRoutes } from './routes/whep.ts';

/** How the process was told to serve. */
export type ServerSettings = {
  /** Fastify's `trustProxy`: whose X-Forwarded-... headers are believed. */
  readonly trustProxy: boolean | string;
  /** Extra host names (`PERCH_ALLOWED_HOSTS`). */
  readonly allowedHosts: readonly string[];
  /** Origins that may frame the pages (`PERCH_FRAME_ANCESTORS`). */
  readonly frameAncestors: readonly string[];
  /** PEM texts; `null` serves plain http. */
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer } | null;
  /** Folder of the built dashboard; `null` serves none (tests). */
  readonly webRoot: string | null;
  /** Why nothing can be changed, or `null`. */
  readonly readOnly?: string | null;
};

/** The domain objects that routes work on. */
export type ServerOptions = {
  readonly log: Logger;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly fleet: Fleet;
  readonly discovery: Discovery;
  readonly probe: CameraProbe;
  readonly auth: Auth;
  readonly audit: AuditLog;
  readonly events: EventLog;
  readonly settings: SettingsTable;
  /** What is known of this machine's H.264 encoders. */
  readonly encoders: () => readonly EncoderStatus[];
  readonly index: SegmentIndex;
  readonly recordings: Recordings;
  readonly timeline: Timeline;
  readonly exporter: Exporter;
  /** What is being watched; the RTSP server shares it. Made here unless given. */
  readonly feeds?: LiveFeeds;
  /** Answers WebRTC offers; missing: they are told that it is not served. */
  readonly webrtc?: WebrtcServer;
  /** Shared with the other doors, so that swarms of failed sign-ins are counted as one. Made here unless given. */
  readonly deeds?: RepeatedDeeds;
  /** The doors for media beside this server. */
  readonly outputs?: () => MediaOutputs;
  /** Opens one of Perch's own addresses; tests of the routes alone leave it out. */
  readonly checkUrl?: UrlCheckRoutesOptions['check'];
  readonly options: ServerSettings;
  /** Told of every route as it is made: how tests know them all. */
  readonly onRoute?: (route: RouteOptions) => void;
};

const SECOND_MS = 1000;
/** Bodies of the API are small; routes that need more say so themselves. */
const BODY_LIMIT_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
/** A request must have arrived whole within this; replies may take for ever. */
const REQUEST_TIMEOUT_MS = 30 * SECOND_MS;
const HEADERS_TIMEOUT_MS = 15 * SECOND_MS;
const KEEP_ALIVE_MS = 65 * SECOND_MS;
/** A socket on which nothing moved either way. Streams write at least every 15 s; a viewer that takes nothing ends here. */
const IDLE_TIMEOUT_MS = 120 * SECOND_MS;
const REQUESTS_PER_MINUTE = 6000;
const MAX_SOCKET_MESSAGE_BYTES = 64 * 1024;

const PACKAGE_FILE = new URL('../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { version: string };

/** Builds the server without listening: `await (await createServer(...)).listen({ host, port })`. */
export async function createServer(server: ServerOptions): Promise<App> {
  const { options } = server;
  const http = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: 5 * SECOND_MS,
  };
  const common = {
    loggerInstance: requestLogger(server.log),
    logController: new QuietLog(),
    trustProxy: options.trustProxy,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: true,
    frameworkErrors: refuseAddress,
    clientErrorHandler: refuseBytes,
    routerOptions: { ignoreTrailingSlash: true },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: true, allErrors: true } },
  } as const;
  const app = (options.tls
    ? fastify({
        ...common,
        https: { ...http, ...options.tls, minVersion: 'TLSv1.2', handshakeTimeout: HEADERS_TIMEOUT_MS },
      })
    : fastify({ ...common, http })) as unknown as App;
  const { clock } = server;
  boundConnections(app.server as HttpServer, { clock, behindProxy: options.trustProxy !== false });

  if (server.onRoute) app.addHook('onRoute', server.onRoute);
  installErrors(app);
  installRequestLog(app);
  installSecurityHeaders(app, options.frameAncestors);
  await app.register(cookie);
  const deeds = server.deeds ?? new RepeatedDeeds(server.audit, clock);
  const onRefused = auditRefusals(deeds, server.auth.accounts);
  installAuth(app, {
    auth: server.auth,
    onRefused,
    allowedHosts: options.allowedHosts,
    foreignRoutes: [{ prefix: DOCS_PREFIX, access: 'viewer' }],
  });
  await app.register(rateLimit, { max: REQUESTS_PER_MINUTE, timeWindow: 60 * SECOND_MS });
  const feeds = server.feeds ?? new LiveFeeds({ clock: server.clock, bus: server.bus, log: server.log });
  app.addHook('preClose', async () => feeds.close()); // before the WebSocket plugin's own hook, which gives no reason
  await app.register(websocket, { options: { maxPayload: MAX_SOCKET_MESSAGE_BYTES } });
  installCoercion(app);
  if (options.readOnly) refuseChanges(app, options.readOnly);

  installBodies(app);
  await installOpenapi(app, version);

  // Routes, one file each; each gets just what it works on.
  const { auth, fleet, audit, settings, bus, events, discovery, probe, index, recordings, timeline, exporter } = server;
  await app.register(sessionRoutes, { auth, fleet, audit, onRefused });
  await app.register(setupRoutes, { auth, audit });
  await app.register(userRoutes, { auth, fleet, audit });
  await app.register(tokenRoutes, { auth, fleet, audit });
  await app.register(driverRoutes, { fleet, discovery, channels: probe.channels });
  await app.register(cameraRoutes, { fleet, probe, audit, recordings });
  await app.register(captureRoutes, { fleet, clock, audit });
  await app.register(eventRoutes, { fleet, bus, events, clock });
  await app.register(settingsRoutes, { settings, audit, encoders: server.encoders });
  await app.register(auditRoutes, { audit });
  await app.register(mediaRoutes, { fleet, feeds });
  await app.register(mediaVideoRoutes, { fleet, feeds });
  await app.register(whepRoutes, { fleet, auth, webrtc: server.webrtc });
  await app.register(liveRoutes, { fleet, feeds, auth, onRefused });
  await app.register(embedRoutes, { fleet });
  await app.register(segmentRoutes, { fleet, index, recordings, audit, deeds });
  await app.register(playbackRoutes, { fleet, recordings, deeds });
  await app.register(timelineRoutes, { fleet, timeline, recordings, events });
  await app.register(exportRoutes, { fleet, exporter, audit, deeds });
  await app.register(rehearsalRoutes, { fleet, recordings, clock });
  await app.register(storageRoutes, { fleet, recordings });
  await app.register(metricsRoutes, { fleet });
  await app.register(outputRoutes, { outputs: server.outputs ?? (() => NO_OUTPUTS) });
  await app.register(urlCheckRoutes, { fleet, check: server.checkUrl ?? notChecked });
  await app.register(healthRoutes, { check: () => void auth.accounts.setupRequired });
  if (options.webRoot !== null) await app.register(pageRoutes, { webRoot: options.webRoot });
  return app;
}
