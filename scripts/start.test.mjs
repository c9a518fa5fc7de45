// `npm start` as a user and a service manager have it: signals to npm alone and to its whole group, once and repeated.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Starts Perch through npm in a process group of its own; resolves when it answers. */
async function start(t, command = ['npm', 'start']) {
  const dataDir = mkdtempSync(join(tmpdir(), 'perch-start-'));
  const env = {
    ...process.env,
    PERCH_PORT: '0',
    PERCH_HOST: '127.0.0.1',
    PERCH_DATA_DIR: dataDir,
    PERCH_LOG_LEVEL: 'info',
  };
  const [file, ...args] = command;
  const npm = spawn(file, args, { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(npm, 'exit');
  t.after(async () => {
    if (npm.exitCode === null && npm.signalCode === null) process.kill(-npm.pid, 'SIGKILL');
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
  });
  const perch = { npm, ended, output: '', url: '' };
  const url = await new Promise((resolve, reject) => {
    const read = (text) => {
      perch.output += text;
      const match = /Open (http:\S+) in a browser/.exec(perch.output);
      if (match) resolve(match[1]);
    };
    npm.stdout.on('data', read);
    npm.stderr.on('data', read);
    npm.on('exit', () => reject(new Error(`ended before it ran: ${perch.output}`)));
  });
  perch.url = url;
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  return perch;
}

async function endsCleanly(perch) {
  await perch.ended;
  // The pipe ends when the last process that has it is gone: not npm alone, the server too.
  if (!perch.npm.stdout.readableEnded) await once(perch.npm.stdout, 'end');
  assert.match(perch.output, /"msg":"Stopped"/);
  assert.equal(perch.output.match(/"msg":"Stopping/g)?.length, 1);
  await assert.rejects(fetch(`${perch.url}/healthz`), 'the port is closed');
}

test('SIGTERM to npm alone', async (t) => {
  const perch = await start(t);
  perch.npm.kill('SIGTERM');
  await endsCleanly(perch);
  assert.equal(perch.npm.exitCode, 0);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} to the whole group, again and again`, async (t) => {
    const perch = await start(t);
    for (let i = 0; i < 3; i++) process.kill(-perch.npm.pid, signal);
    await endsCleanly(perch);
  });
}

// bash keeps in mind where it found `node`; with it as npm's shell the pinned one must still run the server.
test('with bash as the shell of npm', async (t) => {
  const perch = await start(t, ['npm', 'start', '--script-shell=bash']);
  perch.npm.kill('SIGTERM');
  await endsCleanly(perch);
});
