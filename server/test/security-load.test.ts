// Many at once: sign-ins in memory, guesses at all doors with forged addresses, live sockets of one address.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MAX_STRANGERS_PER_ADDRESS } from '../http/socket-counts.ts';
import { ADMIN } from './harness.ts';
import { serveHttp, WEB_ADMIN } from './http-server.ts';
import { startPerch } from './perch-process.ts';

const MEGABYTE = 1024 * 1024;
const LOGINS = 60;

const highWater = (pid: number) =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

test('60 parallel sign-ins, right and wrong, add under 300 MB', async (context) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-load-'));
  context.after(() => rm(dataDir, { recursive: true, force: true }));
  // With libuv's usual four threads no more than four would be hashed at once anyway.
  await using perch = await startPerch(dataDir, { UV_THREADPOOL_SIZE: '64' });
  await perch.ok('GET', '/api/session');
  const before = highWater(perch.child.pid!);
  const signIn = async (password: string) => {
    const reply = await fetch(`${perch.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: ADMIN.username, password }),
    });
    return reply.status;
  };
  const right = await Promise.all(Array.from({ length: LOGINS }, () => signIn(ADMIN.password)));
  assert.deepEqual([...new Set(right)], [200]);
  const wrong = await Promise.all(Array.from({ length: LOGINS }, (_, n) => signIn(`wrong ${n}`)));
  assert.equal(wrong.filter((status) => status === 401).length, 15);
  assert.equal(wrong.filter((status) => status === 429).length, LOGINS - 15);
  const grown = highWater(perch.child.pid!) - before;
  context.diagnostic(`${(grown / MEGABYTE).toFixed(0)} MB`);
  assert.ok(grown < 300 * MEGABYTE, `${grown}`);
});

test('guesses over all doors, in parallel and with forged proxy headers: fifteen are heard', async () => {
  await using web = await serveHttp({ setUp: false });
  await web.auth.accounts.setUp(WEB_ADMIN.username, WEB_ADMIN.password);
  const url = await web.listen();
  const socketUrl = url.replace('http', 'ws');
  const forged = (n: number) => ({
    'x-forwarded-for': `198.51.100.${n}, 203.0.113.${n}`,
    forwarded: `for=198.51.100.${n}`,
    'x-real-ip': `198.51.100.${n}`,
    'true-client-ip': `198.51.100.${n}`,
    cookie: `perch_device=${String(n).padStart(43, 'd')}`,
  });
  const basic = (n: number) => `Basic ${Buffer.from(`ADMIN:wrong ${n}`).toString('base64')}`;
  const token = (n: number) => String(n).padStart(43, 't');
  const status = async (path: string, init: RequestInit) => (await fetch(url + path, init)).status;
  const doors = [
    (n: number) =>
      status('/api/session', {
        method: 'POST',
        headers: { ...forged(n), 'content-type': 'application/json' },
        body: JSON.stringify({ username: 'admin', password: `wrong ${n}` }),
      }),
    (n: number) => status('/api/cameras', { headers: { ...forged(n), authorization: basic(n) } }),
    (n: number) => status('/cameras/none/mjpeg', { headers: { ...forged(n), authorization: basic(n) } }),
    (n: number) => status('/api/cameras', { headers: { ...forged(n), authorization: `Bearer ${token(n)}` } }),
    (n: number) => status(`/cameras/none/snapshot.jpg?token=${token(n)}`, { headers: forged(n) }),
    (n: number) => {
      const headers = { ...forged(n), 'content-type': 'application/sdp' };
      return status(`/cameras/none/whep?token=${token(n)}`, { method: 'POST', headers, body: 'v=0' });
    },
    (n: number) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`${socketUrl}/api/live`);
        socket.onopen = () => socket.send(JSON.stringify({ type: 'auth', token: token(n) }));
        socket.onmessage = ({ data }) => resolve(JSON.parse(String(data)).code === 'rate_limited' ? 429 : 401);
      }),
  ];
  const statuses = await Promise.all(Array.from({ length: 105 }, (_, n) => doors[n % doors.length]!(n)));
  assert.equal(statuses.filter((code) => code === 401).length, 15);
  assert.equal(statuses.filter((code) => code === 429).length, 90);
});

test('live sockets: one address has so many before they say who they are, and no stranger keeps others out', async () => {
  await using web = await serveHttp();
  const url = (await web.listen()).replace('http', 'ws');
  const open = (headers?: Record<string, string>) => {
    const socket = new WebSocket(`${url}/api/live`, headers ? ({ headers } as unknown as string[]) : []);
    return new Promise<WebSocket | null>((resolve) => {
      socket.onopen = () => resolve(socket);
      socket.onerror = () => resolve(null);
    });
  };
  const strangers = await Promise.all(Array.from({ length: MAX_STRANGERS_PER_ADDRESS }, () => open()));
  assert.ok(strangers.every((socket) => socket !== null));
  assert.equal(await open(), null);
  const known = await open({ authorization: web.bearer('stream') });
  assert.ok(known, 'who is known at once still comes in');
  const closed = new Promise((resolve) => {
    strangers[0]!.onclose = resolve;
  });
  strangers[0]!.send('nonsense');
  await closed;
  let again: WebSocket | null = null;
  while (!again) again = await open();
  for (const socket of [known, again, ...strangers]) socket?.close();
});
