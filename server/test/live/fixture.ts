// The live routes on a real listening server, in front of cameras that the test plays itself: it publishes the frames.

import type { AddressInfo } from 'node:net';
import cookie from '@fastify/cookie';
import websocket from '@fastify/websocket';
import fastify from 'fastify';
import sharp from 'sharp';
import { type Auth, createAuth } from '../../auth/auth.ts';
import type { Camera } from '../../cameras/camera.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { FrameHub } from '../../cameras/frame-hub.ts';
import { Bus } from '../../core/bus.ts';
import { type CameraConfig, defaultRecording } from '../../core/camera-config.ts';
import type { CameraStatus } from '../../core/camera-status.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { AudioFrame, VideoFrame } from '../../core/frame.ts';
import { silentLogger } from '../../core/logger.ts';
import type { App } from '../../http/app.ts';
import { installAuth } from '../../http/plugins/auth.ts';
import { installCoercion } from '../../http/plugins/coerce.ts';
import { installErrors } from '../../http/plugins/errors.ts';
import { installSecurityHeaders } from '../../http/plugins/security-headers.ts';
import { embedRoutes } from '../../http/routes/embed.ts';
import { liveRoutes } from '../../http/routes/live.ts';
import { mediaRoutes } from '../../http/routes/media.ts';
import { mediaVideoRoutes } from '../../http/routes/media-video.ts';
import { LiveFeeds } from '../../live/live-feeds.ts';
import { openDatabase } from '../../store/database.ts';
import { KnownPlaceTable } from '../../store/known-places.ts';
import { SessionTable } from '../../store/sessions.ts';
import { TokenTable } from '../../store/tokens.ts';
import { UserTable } from '../../store/users.ts';

/** A camera played by the test. */
export class PlayedCamera {
  readonly id: string;
  readonly slug: string;
  readonly hub = new FrameHub();
  /** No encoder here: what is shown must be coded already. */
  readonly acquireEncoded = () => ({ hub: this.hub, [Symbol.dispose]() {} });
  config: CameraConfig;
  state: CameraStatus['state'] = 'live';
  error: CameraStatus['error'] = null;
  readonly #clock: Clock;

  constructor(slug: string, clock: Clock) {
    this.id = `cam_${slug}`;
    this.slug = slug;
    this.#clock = clock;
    this.config = {
      id: this.id,
      slug,
      folder: slug,
      name: `Camera ${slug}`,
      driver: 'iwfcam',
      settings: {},
      enabled: true,
      recording: defaultRecording,
      subSource: null,
      createdAt: 0,
    };
  }

  status(): Pick<CameraStatus, 'state' | 'since' | 'nextAttemptAt' | 'coolDownReason' | 'error'> {
    return { state: this.state, since: 0, nextAttemptAt: null, coolDownReason: null, error: this.error };
  }

  /** It has one source. */
  view(): this {
    return this;
  }

  viewOfWidth(): this {
    return this;
  }

  /** Publishes a picture as if its last packet had arrived now. */
  show(
    data: Uint8Array,
    size: { width: number; height: number; codec?: VideoFrame['codec'] } = { width: 0, height: 0 },
  ): void {
    const { width, height, codec = 'mjpeg' } = size;
    const now = { at: this.#clock.wallMs(), monoMs: this.#clock.monoMs() };
    this.hub.publish({ kind: 'video', codec, key: true, data, width, height, mediaMs: null, ...now });
  }

  /** Publishes a block of sound. */
  sound(data: Uint8Array, codec: AudioFrame['codec'] = 'ima-adpcm'): void {
    const now = { at: this.#clock.wallMs(), monoMs: this.#clock.monoMs() };
    const samples = codec === 'ima-adpcm' ? 2 * (data.length - 4) : data.length / 2;
    this.hub.publish({ kind: 'audio', codec, data, sampleRate: 8000, channels: 1, samples, mediaMs: null, ...now });
  }
}

/** Bytes that look like a JPEG from the outside, different for each number. */
export function fakeJpeg(n: number, bytes = 400): Buffer {
  const jpeg = Buffer.alloc(bytes, n & 0x7f);
  jpeg.set([0xff, 0xd8]);
  jpeg.writeUInt32BE(n, 2);
  jpeg.set([0xff, 0xd9], bytes - 2);
  return jpeg;
}

/** A real JPEG of one color. */
export function realJpeg(width: number, height: number, color = '#3366aa'): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: color } })
    .jpeg()
    .toBuffer();
}

/** The running fixture. */
export class LiveFixture implements AsyncDisposable {
  readonly app: App;
  readonly auth: Auth;
  readonly feeds: LiveFeeds;
  readonly bus: Bus;
  readonly cameras: readonly PlayedCamera[];
  readonly clock: Clock;
  port = 0;
  /** A token that may see everything. */
  token = '';
  tokenId = '';

  private constructor(clock: Clock, slugs: readonly string[], app: App, auth: Auth) {
    this.clock = clock;
    this.bus = new Bus();
    this.app = app;
    this.auth = auth;
    this.cameras = slugs.map((slug) => new PlayedCamera(slug, clock));
    this.feeds = new LiveFeeds({ clock, bus: this.bus, log: silentLogger });
  }

  /** Starts it on a free port. @param clock for feeds and frames; sockets always live in real time */
  static async start(slugs: readonly string[] = ['porch'], clock: Clock = systemClock): Promise<LiveFixture> {
    const db = openDatabase(':memory:');
    const tables = {
      users: new UserTable(db),
      sessions: new SessionTable(db),
      tokens: new TokenTable(db),
      places: new KnownPlaceTable(db),
    };
    const auth = createAuth({ ...tables, clock: systemClock });
    const app = fastify({
      connectionTimeout: 120_000,
      forceCloseConnections: true,
      ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
    }) as unknown as App;
    installErrors(app);
    await installSecurityHeaders(app, []);
    await app.register(cookie);
    const onRefused = () => {};
    installAuth(app, { auth, onRefused, allowedHosts: [], foreignRoutes: [] });
    const fixture = new LiveFixture(clock, slugs, app, auth);
    app.addHook('preClose', async () => fixture.feeds.close());
    await app.register(websocket, { options: { maxPayload: 64 * 1024 } });
    installCoercion(app);
    const fleet = fixture.fleet;
    await app.register(mediaRoutes, { fleet, feeds: fixture.feeds });
    await app.register(mediaVideoRoutes, { fleet, feeds: fixture.feeds });
    await app.register(liveRoutes, { fleet, feeds: fixture.feeds, auth, onRefused });
    await app.register(embedRoutes, { fleet });
    await app.listen({ host: '127.0.0.1', port: 0 });
    fixture.port = (app.server.address() as AddressInfo).port;
    const admin = await auth.accounts.setUp('admin', 'correct horse');
    const made = auth.apiTokens.add({ name: 'all', scope: 'stream', cameras: null, expiresAt: null }, admin.id);
    fixture.token = made.secret;
    fixture.tokenId = made.token.id;
    return fixture;
  }

  get camera(): PlayedCamera {
    return this.cameras[0]!;
  }

  get fleet(): Fleet {
    const find = (ref: string) => this.cameras.find(({ id, slug }) => id === ref || slug === ref) as unknown as Camera;
    return { find, all: () => [...this.cameras] } as unknown as Fleet;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
  }
}
