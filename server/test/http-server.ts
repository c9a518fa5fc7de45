// The HTTP server on a real store in memory, with a driver that plays pictures out of memory: for tests of routes and
// rights that need no camera protocol. `await using web = await serveHttp()`.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RouteOptions } from 'fastify';
import pino from 'pino';
import Type from 'typebox';
import { createAuth } from '../auth/auth.ts';
import { Discovery } from '../cameras/discovery.ts';
import { Fleet } from '../cameras/fleet.ts';
import { CameraProbe } from '../cameras/probe.ts';
import { Bus } from '../core/bus.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver } from '../drivers/driver.ts';
import { DriverRegistry } from '../drivers/registry.ts';
import type { App } from '../http/app.ts';
import { createServer, type ServerOptions, type ServerSettings } from '../http/server.ts';
import { MemoryNet } from '../net/memory-net.ts';
import { Exporter } from '../recording/exporter.ts';
import { Recordings } from '../recording/recordings.ts';
import { Timeline } from '../recording/timeline.ts';
import { AuditLog } from '../store/audit.ts';
import { CameraTable } from '../store/cameras.ts';
import { type Db, openDatabase } from '../store/database.ts';
import { EventLog } from '../store/events.ts';
import { ExportTable } from '../store/exports.ts';
import { GapTable } from '../store/gaps.ts';
import { KnownPlaceTable } from '../store/known-places.ts';
import { Secrets } from '../store/secrets.ts';
import { SegmentIndex } from '../store/segment-index.ts';
import { SessionTable } from '../store/sessions.ts';
import { SettingsTable } from '../store/settings.ts';
import { type TokenScope, TokenTable } from '../store/tokens.ts';
import { UserTable } from '../store/users.ts';

/** The administrator of every such server. */
export const WEB_ADMIN = { username: 'admin', password: 'correct horse battery' };

/** A whole, tiny JPEG as far as Perch looks at it. */
const PICTURE = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex');

/** A driver without a network: `host: "silent"` never answers, any other host gives one picture and stays. */
function stillDriver(): CameraDriver {
  return {
    id: 'iwfcam',
    name: 'Still',
    description: 'One picture from memory',
    settingsSchema: Type.Object(
      {
        host: Type.String({ minLength: 1, title: 'Host' }),
        port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
        password: Type.Optional(Type.String()),
      },
      { additionalProperties: false },
    ),
    secrets: ['password'],
    hostSettings: ['host'],
    capabilities: { video: ['mjpeg'], audio: [], discovery: true },
    async open(settings, { signal, time }) {
      const left = new Promise<never>((_resolve, reject) => {
        const leave = () => reject(new NvrError('cancelled', 'left'));
        if (signal.aborted) leave();
        else signal.addEventListener('abort', leave, { once: true });
      });
      left.catch(() => {});
      if (settings.host === 'silent') await left;
      return {
        facts: { peer: String(settings.host) },
        async *frames() {
          yield {
            kind: 'video' as const,
            codec: 'mjpeg' as const,
            key: true,
            data: PICTURE,
            width: 16,
            height: 16,
            mediaMs: null,
            ...time(),
          };
          await left;
        },
        counters: () => ({ framesDropped: 0, details: {} }),
        [Symbol.asyncDispose]: async () => {},
      };
    },
    async *discover() {
      yield { driver: 'iwfcam', name: 'Found', settings: { host: '192.0.2.7' } };
    },
  };
}

/** What a test may choose. */
export type WebOptions = Partial<ServerSettings> & {
  readonly clock?: Clock;
  /** Cameras to add, by slug; none of them is dialled before `fleet.start()`. */
  readonly cameras?: readonly string[];
  /** `false` leaves the server without any user. */
  readonly setUp?: boolean;
  /** Told every line of the log. */
  readonly onLog?: (line: string) => void;
  /** Told every route. */
  readonly onRoute?: (route: RouteOptions) => void;
  /** Adds routes of the test's own, with all that holds for ours. */
  readonly routes?: (app: App) => void;
};

/** The server and what is behind it. */
export type WebServer = AsyncDisposable &
  ServerOptions & {
    readonly app: App;
    readonly db: Db;
    /** Cookie header of the administrator, `perch_session=...`. */
    readonly cookie: string;
    /** `Authorization` header of a new token for these cameras (slugs), or all. */
    bearer(scope: TokenScope, cameras?: readonly string[] | null): string;
    /** Listens on a free loopback port and returns `http://127.0.0.1:PORT`. */
    listen(): Promise<string>;
  };

/** Builds it without listening: use `app.inject`, or `listen`. */
export async function serveHttp(options: WebOptions = {}): Promise<WebServer> {
  const { clock = systemClock, cameras = [], setUp = true, onLog, onRoute, routes, ...settings } = options;
  const log = onLog ? pino({ level: 'trace' }, { write: onLog }) : pino({ level: 'silent' });
  const db = openDatabase(':memory:');
  const bus = new Bus((error) => {
    throw error;
  });
  const drivers = new DriverRegistry([stillDriver()]);
  const net = new MemoryNet({ clock }).host('192.0.2.1');
  const fleet = new Fleet({
    table: new CameraTable(db, Secrets.ephemeral(), (driver) => drivers.get(driver).secrets),
    drivers,
    clock,
    net,
    log,
    bus,
    discoveryTargets: [],
    folderExists: () => false,
  });
  for (const slug of cameras) {
    await fleet.add({
      name: slug,
      slug,
      driver: 'iwfcam',
      settings: { host: `${slug}.lan`, password: 'camera-secret' },
    });
  }
  const tables = { users: new UserTable(db), sessions: new SessionTable(db), tokens: new TokenTable(db) };
  const auth = createAuth({ ...tables, places: new KnownPlaceTable(db), clock });
  const dataDir = mkdtempSync(join(tmpdir(), 'perch-web-'));
  const index = new SegmentIndex(db);
  const system = new SettingsTable(db);
  const events = new EventLog(db, clock, () => system.current.eventDays);
  const stopEvents = events.follow(bus);
  const recordings = new Recordings({ fleet, index, bus, clock, dataDir, log });
  const server: ServerOptions = {
    log,
    clock,
    bus,
    fleet,
    discovery: new Discovery({ fleet, clock, net, log, targets: [] }),
    probe: new CameraProbe({ fleet, drivers, clock, net, log }),
    auth,
    audit: new AuditLog(db, clock),
    events,
    settings: system,
    encoders: () => [],
    index,
    recordings,
    exporter: new Exporter({ recordings, table: new ExportTable(db), bus, dataDir, clock, log }),
    timeline: new Timeline({ gaps: new GapTable(db), clock, unindexed: (camera) => recordings.unindexed(camera) }),
    options: { trustProxy: false, allowedHosts: [], frameAncestors: [], tls: null, webRoot: null, ...settings },
    ...(onRoute && { onRoute }),
  };
  const app = await createServer(server);
  routes?.(app);
  let cookie = '';
  if (setUp) {
    await auth.accounts.setUp(WEB_ADMIN.username, WEB_ADMIN.password);
    const { secret } = await auth.authenticator.signIn(WEB_ADMIN.username, WEB_ADMIN.password, {
      address: '127.0.0.1',
    });
    cookie = `perch_session=${secret}`;
  }
  return {
    ...server,
    app,
    db,
    cookie,
    bearer(scope, slugs = null) {
      const ids = slugs === null ? null : slugs.map((slug) => fleet.get(slug).id);
      const owner = auth.accounts.all().find((user) => user.role === 'admin');
      return `Bearer ${auth.apiTokens.add({ name: scope, scope, cameras: ids, expiresAt: null }, owner!.id).secret}`;
    },
    listen: () => app.listen({ host: '127.0.0.1', port: 0 }),
    async [Symbol.asyncDispose]() {
      await fleet.stop();
      await app.close();
      stopEvents();
      rmSync(dataDir, { recursive: true, force: true });
      db.close();
    },
  };
}
