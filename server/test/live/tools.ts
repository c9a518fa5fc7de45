// Other people's programs as clients of the media URLs: found or skipped by name, always bounded, ended by their own id.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Guide, guidesOf } from '../../../web/src/clients/guides.ts';
import { ADMIN, type Nvr, startNvr } from '../harness.ts';

const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];
const LIMIT_MS = 40_000;
const FAREWELL_MS = 2000;
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/** For `test(..., { skip })`: names what is missing. */
export function missing(...tools: readonly string[]): string | false {
  const lacking = tools.filter((tool) => !FOLDERS.some((folder) => existsSync(join(folder, tool))));
  return lacking.length > 0 ? `not installed: ${lacking.join(', ')}` : false;
}

/** What a tool did. */
export type ToolRun = { readonly code: number | null; readonly out: Buffer; readonly err: string };

/** How to run it. */
export type ToolOptions = {
  readonly env?: Record<string, string>;
  readonly input?: Buffer;
  /** Asked now and then; when it says so, the tool is ended with SIGTERM. */
  readonly enough?: (soFar: { readonly out: Buffer; readonly err: string }) => boolean;
};

/** Runs a tool to its end, or until it has done enough, or the limit is over. */
export async function run(command: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolRun> {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // its own process group: ending it ends its children, and nobody else's
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
  });
  const out: Buffer[] = [];
  let bytes = 0;
  let err = '';
  child.stdin.on('error', () => {});
  child.stdin.end(options.input);
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_OUTPUT_BYTES) out.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err = (err + chunk.toString()).slice(-200_000);
  });
  let done = false;
  const limit = setTimeout(() => end(child, 'SIGKILL'), LIMIT_MS);
  const check = setInterval(() => {
    if (done || !options.enough?.({ out: Buffer.concat(out), err })) return;
    done = true;
    end(child, 'SIGTERM');
    setTimeout(() => end(child, 'SIGKILL'), FAREWELL_MS).unref(); // motion waits for its camera
  }, 100);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { code, out: Buffer.concat(out), err };
  } finally {
    clearTimeout(limit);
    clearInterval(check);
    end(child, 'SIGKILL');
  }
}

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // it has ended by itself
  }
}

/** A folder for a tool's files; removed at the end of the scope. Anybody may write: some tools run as nobody. */
export function scratch(): Disposable & { readonly path: string; files(suffix: string): string[] } {
  const path = mkdtempSync(join(tmpdir(), 'perch-client-'));
  return {
    path,
    files: (suffix) =>
      readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith(suffix))
        .map((name) => join(path, name)),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** A running Perch with one live camera, as a client would be given it. */
export type ClientStage = AsyncDisposable & {
  readonly nvr: Nvr;
  readonly token: string;
  readonly slug: string;
  /** A media URL with `?token=`. */
  url(name: string, query?: string): string;
  /** The same with the administrator's name and password inside, as people write it into other tools. */
  basicUrl(name: string): string;
  /** What the dashboard tells people to paste, by program and label. */
  guide(id: Guide['id']): Readonly<Record<string, string>>;
};

/** Starts it: 640x480, 10 pictures a second, with sound. */
export async function startStage(): Promise<ClientStage> {
  const nvr = await startNvr({ cameras: [{ name: 'Porch', audio: true }] });
  await nvr.state('porch', 'live');
  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', {
    name: 'tools',
    scope: 'stream',
    cameras: null,
  });
  const at = `127.0.0.1:${nvr.port}/cameras/porch`;
  const outputs = await nvr.ok<{ rtsp: { port: number | null } }>('GET', '/api/outputs');
  const facts = { slug: 'porch', root: `${nvr.url}/`, rtspPort: outputs.rtsp.port, token, hasSound: true };
  return {
    nvr,
    token,
    slug: 'porch',
    url: (name, query = '') => `http://${at}/${name}?token=${token}${query}`,
    basicUrl: (name) => `http://${ADMIN.username}:${encodeURIComponent(ADMIN.password)}@${at}/${name}`,
    guide: (id) => {
      const guide = guidesOf(facts).find((one) => one.id === id);
      return Object.fromEntries((guide?.lines ?? []).map(({ label, text }) => [label, text]));
    },
    [Symbol.asyncDispose]: () => nvr[Symbol.asyncDispose](),
  };
}
