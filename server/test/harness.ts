// The whole app on loopback for tests: `await using nvr = await startNvr({ cameras: 1 })`. Random ports, a scratch folder,
// simulated cameras, a signed-in administrator. Everything is gone at the end of the scope.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { createApp, type PerchApp } from '../app.ts';
import { type Config, readConfig } from '../config.ts';
import type { CameraState } from '../core/camera-status.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Net } from '../net/net.ts';
import { systemNet } from '../net/system-net.ts';
import type { IwfcamSimulatorOptions } from '../sim/iwfcam/options.ts';
import { IwfcamSimulator } from '../sim/iwfcam/simulator.ts';

/** The administrator that every test has. */
export const ADMIN = { username: 'admin', password: 'correct horse battery' };

/** Simulator options of one camera; what is left out gets a small, quick default. */
export type CameraSpec = Partial<IwfcamSimulatorOptions> & {
  /** Not added to Perch, only simulated. */
  readonly add?: boolean;
  readonly name?: string;
  readonly recording?: Record<string, unknown>;
  readonly settings?: Record<string, unknown>;
};

/** Options of {@link startNvr}. */
export type NvrOptions = {
  /** How many simulated cameras, or one spec each. They are added unless the spec says otherwise. */
  readonly cameras?: number | readonly CameraSpec[];
  readonly config?: Partial<Config>;
  /** Of the app; the simulators that it starts keep the real ones. */
  readonly clock?: Clock;
  /** Kept at the end when given: a second start on it is a restart. */
  readonly dataDir?: string;
  /** Instead of the network of this machine. */
  readonly net?: Net;
  /** `PERCH_TEST_LOG=debug` shows the app's log. */
  readonly setUp?: boolean;
};

/** A JSON answer. */
export type ApiReply = { readonly status: number; readonly body: unknown; readonly headers: Headers };

/** The running app with its simulators. */
export type Nvr = AsyncDisposable & {
  readonly app: PerchApp;
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly sims: readonly IwfcamSimulator[];
  /** The administrator's cookie, `perch_session=...`. */
  readonly cookie: string;
  /** One JSON request as the administrator. */
  api(method: string, path: string, body?: unknown): Promise<ApiReply>;
  /** Like `api`, but anything else than 2xx throws; answers the body. */
  ok<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>;
  /** A request with the administrator's cookie, any headers; the caller reads the body. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Waits for a camera's state (slug or id). */
  state(ref: string, state: CameraState): Promise<void>;
  /** Waits until the camera has received so many more pictures. */
  frames(ref: string, count: number): Promise<void>;
  /** Ends the app in order and keeps the simulators. */
  stopApp(): Promise<void>;
};

let nextHost = 10;

/** A loopback address that no other camera of this process has. */
export function freshHost(): string {
  nextHost = nextHost >= 250 ? 10 : nextHost + 1;
  return `127.0.${(process.pid % 200) + 10}.${nextHost}`;
}

/** Starts it all. */
export async function startNvr(options: NvrOptions = {}): Promise<Nvr> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'perch-test-')));
  const { cameras = [] } = options;
  const specs: readonly CameraSpec[] =
    typeof cameras === 'number' ? Array.from({ length: cameras }, () => ({})) : cameras;
  const sims = await Promise.all(specs.map((spec) => startSimulator(spec)));
  const base = readConfig({ PERCH_DATA_DIR: dataDir, PERCH_PORT: '0', PERCH_HOST: '127.0.0.1' });
  const app = createApp({
    config: {
      ...base,
      discoveryTargets: sims.map((sim) => `${sim.options.host}:${sim.discoveryPort}`),
      rtspPort: 0,
      webrtcPort: 0,
      ...options.config,
    },
    log: pino({ level: process.env.PERCH_TEST_LOG ?? 'silent' }),
    ...(options.clock && { clock: options.clock }),
    ...(options.net && { net: options.net }),
  });
  const { url, port } = await app.start();
  let stopped: Promise<void> | null = null;
  const stopApp = () => {
    stopped ??= app.stop();
    return stopped;
  };

  const request = async (cookie: string, method: string, path: string, body?: unknown): Promise<ApiReply> => {
    const reply = await fetch(`${url}${path}`, {
      method,
      headers: { cookie, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    const isJson = /json/.test(reply.headers.get('content-type') ?? '');
    return { status: reply.status, headers: reply.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
  };

  const cookie = options.setUp === false ? '' : await signIn(request);
  const api: Nvr['api'] = (method, path, body) => request(cookie, method, path, body);
  const ok = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const reply = await api(method, path, body);
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body as T;
  };

  for (const [index, spec] of specs.entries()) {
    if (spec.add === false || app.fleet.all().length > index) continue;
    const sim = sims[index]!;
    await app.fleet.add({
      name: spec.name ?? `Camera ${index + 1}`,
      driver: 'iwfcam',
      settings: { host: sim.options.host, port: sim.discoveryPort, ...spec.settings },
      ...(spec.recording && { recording: spec.recording }),
    });
  }

  return {
    app,
    url,
    port,
    dataDir,
    sims,
    cookie,
    api,
    ok,
    fetch: (path, init = {}) => fetch(`${url}${path}`, { ...init, headers: { cookie, ...init.headers } }),
    async state(ref, state) {
      const camera = app.fleet.get(ref);
      while (camera.status().state !== state) {
        await app.bus.next('camera.status', (fact) => fact.camera === camera.id);
      }
    },
    async frames(ref, count) {
      const camera = app.fleet.get(ref);
      using reader = camera.hub.open({ kinds: 'video', policy: 'every', start: 'live' });
      for (let seen = 0; seen < count; ) {
        if (reader.poll()) seen++;
        else await reader.wait();
      }
    },
    stopApp,
    async [Symbol.asyncDispose]() {
      await stopApp();
      await Promise.all(sims.map((sim) => sim.stop()));
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A simulated camera with quick defaults: small pictures, 10 a second, no ffmpeg. */
export function startSimulator(spec: CameraSpec = {}): Promise<IwfcamSimulator> {
  const { add: _add, name: _name, recording: _recording, settings: _settings, ...simulator } = spec;
  return IwfcamSimulator.start({
    net: systemNet,
    clock: systemClock,
    host: freshHost(),
    port: 0,
    fps: 10,
    ...simulator,
  });
}

async function signIn(
  request: (cookie: string, method: string, path: string, body?: unknown) => Promise<ApiReply>,
): Promise<string> {
  const setUp = await request('', 'POST', '/api/setup', ADMIN);
  const reply = await request('', 'POST', '/api/session', ADMIN);
  const cookie = reply.headers.get('set-cookie')?.split(';')[0];
  if (!cookie)
    throw new Error(`sign-in failed: setup ${setUp.status}, session ${reply.status} ${JSON.stringify(reply.body)}`);
  return cookie;
}
