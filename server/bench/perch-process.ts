// The real Perch as a process of its own, with an administrator, and on one processor if asked.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wait } from './process-stats.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const RUN = fileURLToPath(new URL('../../scripts/run.sh', import.meta.url));
const ADMIN = { user: 'bench', password: 'bench bench bench' };
const START_LIMIT_MS = 60_000;
const LIVE_LIMIT_MS = 30_000;

/** How to run it. */
export type PerchOptions = {
  /** Bind to this processor. */
  readonly processor?: number;
  /** Write a processor profile here when it ends. */
  readonly profileDir?: string | undefined;
  /** Serve RTSP, WebRTC, on any free port. */
  readonly rtsp?: boolean;
  readonly webrtc?: boolean;
};

/** A camera as the API shows it, as far as the benchmark looks. */
export type CameraReply = {
  readonly id: string;
  readonly slug: string;
  readonly status: { state: string; framesReceived: number; framesDropped: number; reconnects: number };
};

/** A running Perch. */
export class PerchProcess implements AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #dataDir: string;
  readonly #output: string[];
  #token = '';

  private constructor(child: ChildProcess, port: number, dataDir: string, output: string[]) {
    this.#process = child;
    this.pid = child.pid ?? 0;
    this.port = port;
    this.#dataDir = dataDir;
    this.#output = output;
  }

  static async start({
    processor,
    profileDir,
    rtsp = false,
    webrtc = false,
  }: PerchOptions = {}): Promise<PerchProcess> {
    const dataDir = mkdtempSync(join(tmpdir(), 'perch-bench-'));
    const profiling = profileDir ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`] : [];
    const pin = processor === undefined ? [] : ['taskset', '-c', String(processor)];
    const [command = '', ...args] = [...pin, 'sh', RUN, ...profiling, MAIN];
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
        ...{ PERCH_HOST: '127.0.0.1', PERCH_PORT: '0' },
        ...{ PERCH_RTSP_PORT: rtsp ? '0' : 'off', PERCH_WEBRTC_PORT: webrtc ? '0' : 'off' },
        ...{ PERCH_DATA_DIR: dataDir, PERCH_LOG_LEVEL: 'warn', NODE_ENV: 'production' },
        ...{ PERCH_ADMIN_USER: ADMIN.user, PERCH_ADMIN_PASSWORD: ADMIN.password },
      },
    });
    const output: string[] = [];
    const port = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`Perch did not start: ${output.join('')}`));
      }, START_LIMIT_MS);
      child.on('exit', (code) => reject(new Error(`Perch ended with ${code}: ${output.join('')}`)));
      child.stdout.on('data', (text) => {
        output.push(String(text));
        const match = /http:\/\/[^\s:]+:(\d+)/.exec(output.join(''));
        if (!match) return;
        clearTimeout(timer);
        resolve(Number(match[1]));
      });
    });
    const perch = new PerchProcess(child, port, dataDir, output);
    const basic = `Basic ${Buffer.from(`${ADMIN.user}:${ADMIN.password}`).toString('base64')}`;
    const { token } = await perch.call<{ token: string }>(
      'POST',
      '/api/tokens',
      { name: 'bench', scope: 'admin' },
      basic,
    );
    perch.#token = token;
    return perch;
  }

  async call<T>(method: string, path: string, body?: unknown, authorization = `Bearer ${this.#token}`): Promise<T> {
    const reply = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}\n${this.#output.join('')}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  /** Prometheus text with the figures of the process. */
  async metrics(): Promise<string> {
    const headers = { authorization: `Bearer ${this.#token}` };
    return (await fetch(`http://127.0.0.1:${this.port}/metrics`, { headers })).text();
  }

  addCamera(name: string, settings: { host: string; port: number }, preRollSeconds = 0): Promise<CameraReply> {
    return this.call('POST', '/api/cameras', { name, driver: 'iwfcam', settings, recording: { preRollSeconds } });
  }

  /** Any camera, as the body of `POST /api/cameras`. */
  add(camera: Record<string, unknown>): Promise<CameraReply> {
    return this.call('POST', '/api/cameras', camera);
  }

  /** For requests that the benchmark makes itself. */
  get token(): string {
    return this.#token;
  }

  /** Address of an output of a camera, `mjpeg` for example. */
  output(slug: string, name: string): string {
    return `http://127.0.0.1:${this.port}/cameras/${slug}/${name}?token=${this.#token}`;
  }

  /** Port of its RTSP server. */
  async rtspPort(): Promise<number> {
    return (await this.call<{ rtsp: { port: number } }>('GET', '/api/outputs')).rtsp.port;
  }

  cameras(): Promise<CameraReply[]> {
    return this.call('GET', '/api/cameras');
  }

  /** Path of the stream that the benchmark looks at. */
  streamPath(slug: string): string {
    return `/cameras/${slug}/mjpeg?token=${this.#token}`;
  }

  /** Waits until so many cameras are live. */
  async live(count: number): Promise<void> {
    const until = performance.now() + LIVE_LIMIT_MS;
    for (;;) {
      const cameras = await this.cameras();
      if (cameras.filter(({ status }) => status.state === 'live').length >= count) return;
      if (performance.now() > until) {
        throw new Error(`not live: ${JSON.stringify(cameras.filter(({ status }) => status.state !== 'live')[0])}`);
      }
      await wait(200);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.on('exit', resolve));
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}
