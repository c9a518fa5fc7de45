// Perch as a user runs it: a process of its own, for tests that kill it.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ADMIN } from './harness.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const LISTENING = /Open (http\S+) in a browser/;

/** A running Perch process. */
export type PerchProcess = AsyncDisposable & {
  readonly url: string;
  readonly child: ChildProcess;
  /** One JSON request as the administrator (Basic). Throws on anything else than 2xx. */
  ok<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Everything it wrote so far. */
  output(): string;
};

/**
 * Starts the server on a data folder; resolves when it listens. `onOutput` may act on it before that.
 * @throws Error with its exit code and output when it ends instead
 */
export async function startPerch(
  dataDir: string,
  env: Record<string, string> = {},
  onOutput: (child: ChildProcess, output: string) => void = () => {},
): Promise<PerchProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      PERCH_DATA_DIR: dataDir,
      PERCH_HOST: '127.0.0.1',
      PERCH_PORT: '0',
      PERCH_RTSP_PORT: 'off',
      PERCH_WEBRTC_PORT: 'off',
      PERCH_ADMIN_USER: ADMIN.username,
      PERCH_ADMIN_PASSWORD: ADMIN.password,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const url = await new Promise<string>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      text += chunk.toString();
      onOutput(child, text);
      const match = LISTENING.exec(text);
      if (match) resolve(match[1]!);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    void ended.then(({ code, signal }) =>
      reject(new Error(`Perch ended before it listened (${code ?? signal}):\n${text}`)),
    );
  });
  const authorization = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;
  return {
    url,
    child,
    output: () => text,
    async ok<T>(method: string, path: string, body?: unknown): Promise<T> {
      const reply = await fetch(`${url}${path}`, {
        method,
        headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const answer = await reply.text();
      if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${answer}`);
      return (answer === '' ? {} : JSON.parse(answer)) as T;
    },
    end(signal) {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
