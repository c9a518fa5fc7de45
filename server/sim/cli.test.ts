// The command as a user runs it: a process, its one line, its end.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../core/clock.ts';
import { encodeCommand, encodeLive } from '../drivers/iwfcam/wire.ts';
import { askDevice } from '../drivers/onvif/ask.ts';
import { systemNet } from '../net/system-net.ts';
import { BareClient } from './iwfcam/bare-client.ts';

type Source = { readonly url: string };

const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';
const cli = fileURLToPath(new URL('cli.ts', import.meta.url));

function start(args: readonly string[]): { child: ChildProcess; line: Promise<string>; exit: Promise<string> } {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout!.on('data', (chunk) => (out += chunk));
  child.stderr!.on('data', (chunk) => (err += chunk));
  const exit = once(child, 'close').then(([code, signal]) => `${code ?? signal}|${out.trim()}|${err.trim()}`);
  const line = (async () => {
    while (!out.includes('\n')) {
      const outcome = await Promise.race([once(child.stdout!, 'data'), exit]);
      if (typeof outcome === 'string') throw new Error(`ended early: ${outcome}`);
    }
    return out.slice(0, out.indexOf('\n'));
  })();
  line.catch(() => {});
  return { child, line, exit };
}

/** Polls a fact of another process: it cannot tell us. */
async function eventually(fact: () => boolean): Promise<void> {
  while (!fact()) await setTimeout(5);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`it says how to add the camera, streams, and ends cleanly on ${signal}`, { timeout: 20_000 }, async () => {
    const { child, line, exit } = start(['iwfcam', '--port', '0', '--source', 'counter', '--host', '127.0.0.44']);
    const said = await line;
    const added = JSON.parse(said.slice(said.indexOf('{'))) as {
      driver: string;
      settings: { host: string; port: number };
    };
    assert.equal(added.driver, 'iwfcam');
    await using client = await BareClient.open(systemNet, '127.0.0.1');
    client.discover({ address: added.settings.host, port: added.settings.port });
    await eventually(() => client.mediaPort !== null);
    const camera = { address: '127.0.0.44', port: client.mediaPort! };
    client.login(camera);
    await eventually(() => client.logins.length > 0);
    client.send(encodeLive(1, 3), camera);
    await eventually(() => client.arrivals.length > 60);
    assert.ok(client.pictures.length > 0);
    client.send(encodeCommand(1, 'close'), camera);
    child.kill(signal);
    child.kill(signal);
    assert.match(await exit, /^0\|.*\|$/s);
  });
}

test('bad options: one line on stderr and exit 2', { timeout: 20_000 }, async () => {
  const ends = await Promise.all(
    [
      ['iwfcam', '--fps', 'many'],
      ['iwfcam', '--nope'],
      ['iwfcam', '--source', '/there/is/no/such/file'],
      ['nothing'],
    ].map((args) => start(args).exit),
  );
  for (const end of ends) assert.match(end, /^2\|\|simulate: [^\n]+$/);
});

test('--help explains and exits 0', { timeout: 20_000 }, async () => {
  const [general, driver] = await Promise.all([start(['--help']).exit, start(['iwfcam', '--help']).exit]);
  assert.match(general!, /^0\|.*iwfcam/s);
  for (const option of ['--host', '--port', '--source', '--fps', '--loss', '--duplicate', '--reorder', '--seed']) {
    assert.ok(driver!.includes(option), option);
  }
});

test('a port that is taken: one line and exit 1', { timeout: 20_000 }, async () => {
  await using taken = await systemNet.openUdp({ address: '127.0.0.45' });
  const args = ['iwfcam', '--host', '127.0.0.45', '--port', String(taken.local.port), '--source', 'counter'];
  assert.match(await start(args).exit, /^1\|\|simulate: [^\n]*in use$/);
});

test('many cameras: consecutive loopback addresses, different UIDs', { timeout: 20_000 }, async () => {
  const { child, exit } = start([
    'iwfcam',
    '--count',
    '3',
    '--host',
    '127.0.0.254',
    '--port',
    '0',
    '--source',
    'counter',
  ]);
  let said = '';
  child.stdout!.on('data', (chunk) => (said += chunk));
  await eventually(() => said.trim().split('\n').length === 3);
  const hosts = [...said.matchAll(/"host":"([^"]+)"/g)].map(([, host]) => host);
  assert.deepEqual(hosts, ['127.0.0.254', '127.0.0.255', '127.0.1.0']);
  assert.equal(new Set([...said.matchAll(/"uid":"([^"]+)"/g)].map(([, uid]) => uid)).size, 3);
  child.kill('SIGTERM');
  assert.match(await exit, /^0/);
});

test('an ONVIF device tells its two streams, and how to find it', { timeout: 30_000, skip: noFfmpeg }, async () => {
  const size = ['--width', '160', '--height', '120', '--fps', '5'];
  const { child, line, exit } = start(['onvif', '--port', '0', '--host', '127.0.0.45', ...size]);
  const said = await line;
  const added = JSON.parse(said.slice(said.indexOf('{'))) as { settings: Source; subSource: { settings: Source } };
  let note = '';
  child.stderr!.on('data', (chunk) => (note += chunk));
  await eventually(() => note.includes('\n'));
  const url = `http://${/by address: (\S+);/.exec(note)?.[1]}/`;
  const world = { net: systemNet, clock: systemClock, signal: new AbortController().signal };
  const offer = await askDevice({ url, credentials: { username: 'admin', password: 'secret' } }, world);
  assert.deepEqual(
    offer.profiles.map((profile) => [profile.token, profile.width, profile.height, profile.url]),
    [
      ['main', 160, 120, added.settings.url],
      ['sub', 80, 60, added.subSource.settings.url],
    ],
  );
  child.kill('SIGTERM');
  assert.match(await exit, /^0\|/);
});
