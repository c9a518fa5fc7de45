// The preparation's parts, on made-up checkouts and with real processes that are really killed.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { acquireLock } from './lock.mjs';
import { packagesReady } from './packages.mjs';
import { webReady } from './web.mjs';

const here = (name) => new URL(name, import.meta.url).href;
const prepare = fileURLToPath(new URL('../prepare.mjs', import.meta.url));

function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), 'perch-prepare-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a piece of module code in a process of its own; `lines` is what it prints. */
function script(code, stdio = ['ignore', 'pipe', 'inherit']) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio });
  const ended = new Promise((resolve) => child.on('close', resolve));
  return { child, ended, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

test('one holder at a time, also when holders are killed', async (t) => {
  const folder = scratch(t);
  const log = join(folder, 'log');
  const take = (then) => `
    import { appendFileSync } from 'node:fs';
    import { acquireLock } from '${here('lock.mjs')}';
    const lock = await acquireLock(${JSON.stringify(folder)});
    appendFileSync(${JSON.stringify(log)}, 'in ' + process.pid + '\\n');
    ${then}`;
  const victim = script(take("console.log('holding'); setInterval(() => {}, 1000);"));
  await victim.lines.next();
  const finish = `await new Promise((resolve) => setImmediate(resolve));
    appendFileSync(${JSON.stringify(log)}, 'out ' + process.pid + '\\n'); lock.release();`;
  const crash = `appendFileSync(${JSON.stringify(log)}, 'out ' + process.pid + '\\n'); process.kill(process.pid, 'SIGKILL');`;
  const others = [finish, crash, finish, crash, finish, finish].map((then) => script(take(then)));
  victim.child.kill('SIGKILL');
  await Promise.all([victim, ...others].map((each) => each.ended));

  const [first, ...rest] = readFileSync(log, 'utf8').trim().split('\n');
  assert.equal(first, `in ${victim.child.pid}`);
  assert.equal(rest.length, 2 * others.length);
  for (let i = 0; i < rest.length; i += 2) assert.equal(rest[i].replace('in', 'out'), rest[i + 1]);
});

test('a released lock can be taken again, and a waiter is told who holds it', async (t) => {
  const folder = scratch(t);
  const held = await acquireLock(folder);
  const told = [];
  const waiting = acquireLock(folder, (pid) => {
    told.push(pid);
    held.release();
  });
  (await waiting).release();
  assert.deepEqual(told, [process.pid]);
});

test('packages are ready only when node_modules is what the lock file says', (t) => {
  const root = scratch(t);
  const put = (path, value) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), typeof value === 'string' ? value : JSON.stringify(value));
  };
  const ready = (withDev = true) => packagesReady({ root, withDev });
  const a = { version: '1.0.0', integrity: 'sha512-a' };
  const node = { version: '24.0.0', integrity: 'sha512-n', dev: true };
  const elsewhere = { version: '1.0.0', integrity: 'sha512-w', optional: true, os: ['plan9'] };
  const direct = { dependencies: { a: '1.0.0' }, devDependencies: { node: '24.0.0' } };
  put('package-lock.json', {
    packages: { '': direct, 'node_modules/a': a, 'node_modules/node': node, 'node_modules/w': elsewhere },
  });
  assert.equal(ready(), false);
  put('node_modules/.package-lock.json', { packages: { 'node_modules/a': a, 'node_modules/node': node } });
  assert.equal(ready(), false);
  put('node_modules/a/package.json', '{}');
  put('node_modules/node/package.json', '{}');
  assert.equal(ready(), false, 'the pinned Node was not fetched');
  put('node_modules/node/bin/node', 'x');
  chmodSync(join(root, 'node_modules/node/bin/node'), 0o755);
  mkdirSync(join(root, 'node_modules/.bin'));
  symlinkSync('../node/bin/node', join(root, 'node_modules/.bin/node'));
  assert.equal(ready(), true);
  put('node_modules/.package-lock.json', { packages: { 'node_modules/a': a } });
  assert.equal(ready(), false);
  assert.equal(ready(false), true, 'without development packages');
  put('node_modules/.package-lock.json', { packages: { 'node_modules/a': { ...a, version: '1.0.1' } } });
  assert.equal(ready(false), false);
});

test('the page is ready until a source changes', (t) => {
  const root = scratch(t);
  for (const folder of ['web/src', 'web/dist', '.prepare']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(root, 'web/src/a.ts'), 'a');
  writeFileSync(join(root, 'web/dist/index.html'), '');
  assert.equal(webReady(root), false);
  // The stamp as buildWeb writes it: name, size and time of each source.
  const at = new Date(1_700_000_000_000);
  for (const file of ['web/src/a.ts', 'package-lock.json']) utimesSync(join(root, file), at, at);
  writeFileSync(join(root, '.prepare/web-stamp'), `src/a.ts 1 ${at.getTime()}\nlock 2 ${at.getTime()}`);
  assert.equal(webReady(root), true);
  writeFileSync(join(root, 'web/src/b.ts'), 'b');
  assert.equal(webReady(root), false);
  rmSync(join(root, 'web/src/b.ts'));
  assert.equal(webReady(root), true);
  rmSync(join(root, 'web/dist/index.html'));
  assert.equal(webReady(root), false);
});

test('a missing ffmpeg is one clear line when nothing may be installed', () => {
  const env = { ...process.env, PATH: '', PERCH_NO_INSTALL: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [prepare, '--no-web'], { env, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^perch: ffmpeg, ffprobe.* are missing, and PERCH_NO_INSTALL is set\. .*ffmpeg.*\n$/);
  assert.equal(stderr.trim().split('\n').length, 1);
});

// npm passes a signal only to its shell, which dies and leaves the preparation alone in the world.
test('the death of the shell above ends the preparation and what it runs', async () => {
  const code = `import { run } from '${here('run.mjs')}';
    const running = run('sleep', ['600'], { what: 'a long step' });
    console.log('running');
    await running.catch((error) => console.log(error.message));`;
  const shell = spawn('sh', ['-c', '"$0" --input-type=module -e "$1"; exit $?', process.execPath, code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'running');
  shell.kill('SIGKILL');
  assert.equal((await lines.next()).value, 'ended before it was ready');
});
