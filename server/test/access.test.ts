// Rights through the whole app with a camera that streams: what is open ends with the right, what is stored survives.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Nvr, startNvr } from './harness.ts';

type Made = { id: string; token: string };

/** Opens a stream and reads its first bytes; `ended` resolves when the server ends it. */
async function openStream(nvr: Nvr, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${nvr.url}${path}`, { headers });
  assert.equal(response.status, 200, path);
  const reader = response.body!.getReader();
  await reader.read();
  const ended = (async () => {
    while (!(await reader.read().catch(() => ({ done: true }))).done);
  })();
  return { ended };
}

test('a stream ends with its token, with its session, and with the right to the camera', async () => {
  await using nvr = await startNvr({ cameras: 2 });
  await nvr.state('camera-1', 'live');
  const token = await nvr.ok<Made>('POST', '/api/tokens', { name: 'ha', scope: 'stream', cameras: ['camera-1'] });
  const bearer = { authorization: `Bearer ${token.token}` };
  const byQuery = await openStream(nvr, `/cameras/camera-1/mjpeg?token=${token.token}`);
  const byHeader = await openStream(nvr, '/cameras/camera-1/frames', bearer);
  assert.equal((await fetch(`${nvr.url}/cameras/camera-2/snapshot.jpg`, { headers: bearer })).status, 404);
  assert.equal((await fetch(`${nvr.url}/api/cameras`, { headers: bearer })).status, 403);

  const viewer = { username: 'viewer', password: 'a viewer password' };
  const user = await nvr.ok<{ id: string }>('POST', '/api/users', { ...viewer, role: 'viewer', cameras: ['camera-1'] });
  const basic = { authorization: `Basic ${Buffer.from(`${viewer.username}:${viewer.password}`).toString('base64')}` };
  const byPassword = await openStream(nvr, '/cameras/camera-1/mjpeg', basic);
  const events = await openStream(nvr, '/api/events/stream', basic);

  await nvr.ok('DELETE', `/api/tokens/${token.id}`);
  await Promise.all([byQuery.ended, byHeader.ended]);
  await nvr.ok('PATCH', `/api/users/${user.id}`, { cameras: ['camera-2'] });
  await Promise.all([byPassword.ended, events.ended]);
  assert.equal((await fetch(`${nvr.url}/cameras/camera-1/snapshot.jpg`, { headers: basic })).status, 404);

  const own = await openStream(nvr, '/cameras/camera-1/mjpeg', { cookie: nvr.cookie });
  await nvr.ok('DELETE', '/api/session');
  await own.ended;
});

test('sessions, tokens and the audit trail survive a restart', async (context) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-test-'));
  context.after(() => rm(dataDir, { recursive: true, force: true }));
  let cookie = '';
  let made: Made;
  {
    await using first = await startNvr({ dataDir });
    cookie = first.cookie;
    made = await first.ok<Made>('POST', '/api/tokens', { name: 'ha', scope: 'viewer', cameras: null });
  }
  await using second = await startNvr({ dataDir, setUp: false });
  const get = (path: string, headers: Record<string, string>) => fetch(`${second.url}${path}`, { headers });
  assert.equal((await get('/api/cameras', { cookie })).status, 200);
  assert.equal((await get('/api/cameras', { authorization: `Bearer ${made.token}` })).status, 200);
  const audit = (await (await get('/api/audit', { cookie })).json()) as { action: string }[];
  assert.deepEqual(
    audit.map((entry) => entry.action),
    ['token.created', 'session.created', 'setup.done'],
  );
  const again = await fetch(`${second.url}/api/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'mallory', password: 'a good password' }),
  });
  assert.equal(again.status, 409);
});

test('the first administrator from the environment', async () => {
  const admin = { username: 'boss', password: 'from the environment' };
  await using nvr = await startNvr({ setUp: false, config: { admin } });
  const session = await fetch(`${nvr.url}/api/session`);
  assert.deepEqual(await session.json(), { setupRequired: false, user: null });
  const basic = `Basic ${Buffer.from(`${admin.username}:${admin.password}`).toString('base64')}`;
  assert.equal((await fetch(`${nvr.url}/api/users`, { headers: { authorization: basic } })).status, 200);
});
