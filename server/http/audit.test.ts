// The audit trail: sign-ins, failures at every door, changes, downloads; and no swarm pushes the rest out.

import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { newId } from '../core/ids.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { serveHttp, type WebServer } from '../test/http-server.ts';

const trail = (web: WebServer) => web.audit.list(1000).reverse();
const actions = (web: WebServer) => trail(web).map(({ action, username }) => `${action} ${username}`);
const basic = (username: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

test('failures are written down at every door', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const wrong = 'x'.repeat(43);
  await web.app.inject({ method: 'POST', url: '/api/session', payload: { username: 'admin', password: 'wrong' } });
  await web.app.inject({ url: '/api/cameras', headers: basic('Admin', 'wrong again') });
  await web.app.inject({ url: '/api/cameras', headers: basic('my-password-typed-here', 'x') });
  await web.app.inject({ url: '/api/cameras', headers: { authorization: `Bearer ${wrong}` } });
  await web.app.inject({ url: `/cameras/porch/snapshot.jpg?token=${wrong}` });
  const url = (await web.listen()).replace('http', 'ws');
  const socket = new WebSocket(`${url}/api/live`);
  socket.onopen = () => socket.send(JSON.stringify({ type: 'auth', token: 'y'.repeat(43) }));
  await new Promise((resolve) => {
    socket.onclose = resolve;
  });
  assert.deepEqual(actions(web), [
    'session.refused admin',
    'session.refused Admin',
    'session.refused (unknown)',
    'token.refused (unknown)',
    'token.refused (unknown)',
    'token.refused (unknown)',
  ]);
  assert.ok(trail(web).every(({ address }) => address === '127.0.0.1'));
  assert.doesNotMatch(JSON.stringify(trail(web)), /wrong|typed-here|xxx|yyy/);
});

test('a flood of guesses is a few entries and a number', async () => {
  const clock = new ManualClock();
  await using web = await serveHttp({ clock });
  const guess = () => web.app.inject({ url: '/api/cameras', headers: { authorization: `Bearer ${'x'.repeat(43)}` } });
  for (let n = 0; n < 100; n++) await guess();
  assert.equal(trail(web).length, 5);
  await clock.advance(11 * 60_000);
  await guess();
  assert.equal(trail(web).at(-1)?.detail, 'and 95 more before');
  for (let n = 0; n < 20; n++) await web.app.inject({ url: '/api/cameras', headers: basic('admin', `wrong ${n}`) });
  assert.ok(actions(web).includes('session.limited admin'), 'that somebody was held is worth an entry');
});

test('downloads are written down: each saved file, and watching once for a camera and day', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const camera = web.fleet.get('porch');
  const ids: string[] = [];
  for (const minute of ['10', '11']) {
    const path = `porch/2026-05-01/10-${minute}-00Z.mp4`;
    const file = web.recordings.files.absolute(path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, 'not really a film');
    const id = newId('seg');
    ids.push(id);
    const startAt = Date.UTC(2026, 4, 1, 10, Number(minute));
    web.index.add({
      ...{ id, camera: camera.id, folder: 'porch', path, startAt, endAt: startAt + 60_000, frames: 1, bytes: 17 },
      ...{ format: 'mp4', codec: 'h264', endReason: 'boundary', hasMotion: false, protected: false },
    });
  }
  const get = async (path: string, headers: Record<string, string>, method: 'GET' | 'HEAD' = 'GET') =>
    (await web.app.inject({ method, url: path, headers })).statusCode;
  const cookie = { cookie: web.cookie };
  for (let from = 0; from < 10; from++)
    assert.equal(await get(`/api/segments/${ids[0]}/media`, { ...cookie, range: `bytes=${from}-` }), 206);
  assert.equal(await get(`/api/segments/${ids[1]}/media`, cookie), 200);
  assert.equal(await get(`/api/segments/${ids[1]}/media`, cookie, 'HEAD'), 200);
  for (const id of ids) assert.equal(await get(`/api/segments/${id}/media?download=1`, cookie), 200);
  assert.equal(await get(`/api/segments/${ids[0]}/media`, { authorization: web.bearer('stream') }), 200);
  assert.deepEqual(
    trail(web).map(({ action, via, target }) => [action, via, target]),
    [
      ['recording.downloaded', 'session', 'porch/2026-05-01/10-10-00Z.mp4'],
      ['recording.downloaded', 'session', 'porch/2026-05-01/10-10-00Z.mp4'],
      ['recording.downloaded', 'session', 'porch/2026-05-01/10-11-00Z.mp4'],
      ['recording.downloaded', 'token', 'porch/2026-05-01/10-10-00Z.mp4'],
    ],
  );
});

test('every change is written down', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const call = async (method: 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object) => {
    const reply = await web.app.inject({ method, url, headers: { cookie: web.cookie }, ...(payload && { payload }) });
    assert.ok(reply.statusCode < 300, `${method} ${url}: ${reply.body}`);
    return reply.body === '' ? null : reply.json();
  };
  const user = await call('POST', '/api/users', { username: 'v', password: 'a good password', role: 'viewer' });
  await call('PATCH', `/api/users/${user.id}`, { cameras: ['porch'] });
  await call('DELETE', `/api/users/${user.id}`);
  const token = await call('POST', '/api/tokens', { name: 'ha', scope: 'stream' });
  await call('DELETE', `/api/tokens/${token.id}`);
  await call('POST', '/api/cameras', { name: 'Yard', driver: 'iwfcam', settings: { host: 'yard.lan', password: 'p' } });
  await call('PATCH', '/api/cameras/yard', { name: 'Back' });
  await call('POST', '/api/cameras/yard/recording', { action: 'stop' });
  await call('POST', '/api/cameras/yard/restart');
  await call('POST', '/api/cameras/yard/release', { minutes: 1 });
  await call('DELETE', '/api/cameras/yard');
  await call('PATCH', '/api/settings', { siteName: 'Home' });
  await call('DELETE', '/api/session');
  const done = actions(web).map((line) => line.split(' ')[0]);
  assert.deepEqual(done, [
    ...['user.created', 'user.changed', 'user.removed', 'token.created', 'token.removed', 'camera.added'],
    ...['camera.changed', 'recording.stop', 'camera.restarted', 'camera.released', 'camera.removed'],
    ...['settings.changed', 'session.ended'],
  ]);
});

test('the dashboard has words for every action that is written down', async () => {
  const routes = new URL('./routes/', import.meta.url);
  const words = await readFile(new URL('../../web/src/pages/audit.tsx', import.meta.url), 'utf8');
  const found = new Set<string>();
  for (const name of await readdir(routes)) {
    if (name.endsWith('.test.ts')) continue;
    const source = await readFile(new URL(name, routes), 'utf8');
    for (const [, action] of source.matchAll(
      /'((?:setup|session|token|user|camera|recording|segment|export)\.[a-z]+)'/g,
    )) {
      if (new RegExp(`(?:action\\b.*|\\? |: )'${action}'`).test(source)) found.add(action!);
    }
  }
  assert.ok(found.size > 15, [...found].join(' '));
  assert.deepEqual(
    [...found].filter((action) => !words.includes(`'${action}'`)),
    [],
  );
});
