// Setting up, signing in and out, users and tokens, through the real server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveHttp, WEB_ADMIN, type WebServer } from '../test/http-server.ts';

const basic = (username: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

const signIn = (web: WebServer, username: string, password: string) =>
  web.app.inject({ method: 'POST', url: '/api/session', payload: { username, password } });

test('the first administrator is made once, also by a hundred at once', async () => {
  await using web = await serveHttp({ setUp: false });
  assert.deepEqual((await web.app.inject('/api/session')).json(), { setupRequired: true, user: null });
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      web.app.inject({ method: 'POST', url: '/api/setup', payload: { username: `a${n}`, password: 'password 1' } }),
    ),
  );
  assert.deepEqual([...new Set(replies.map((reply) => reply.statusCode))].sort(), [201, 409]);
  const made = replies.filter((reply) => reply.statusCode === 201);
  assert.equal(made.length, 1);
  assert.deepEqual(Object.keys(made[0]!.json()).sort(), ['cameras', 'role', 'username']);
  assert.equal(made[0]!.json().role, 'admin');
  const later = await web.app.inject({ method: 'POST', url: '/api/setup', payload: WEB_ADMIN });
  assert.equal(later.statusCode, 409);
  assert.deepEqual((await web.app.inject('/api/session')).json(), { setupRequired: false, user: null });
});

test('signing in gives a cookie that scripts cannot read, and signing out ends it', async () => {
  await using web = await serveHttp();
  const reply = await signIn(web, WEB_ADMIN.username, WEB_ADMIN.password);
  assert.equal(reply.statusCode, 200);
  assert.deepEqual(reply.json(), {
    setupRequired: false,
    user: { username: 'admin', role: 'admin', cameras: null },
  });
  const header = String(reply.headers['set-cookie']);
  assert.match(header, /^perch_session=[A-Za-z0-9_-]{43}; /);
  assert.match(header, /; HttpOnly/);
  assert.match(header, /; SameSite=Strict/);
  assert.match(header, /; Path=\//);
  assert.doesNotMatch(header, /Secure/);
  const headers = { cookie: header.split(';')[0]! };
  assert.equal((await web.app.inject({ url: '/api/cameras', headers })).statusCode, 200);
  const out = await web.app.inject({ method: 'DELETE', url: '/api/session', headers });
  assert.equal(out.statusCode, 204);
  assert.match(String(out.headers['set-cookie']), /perch_session=;.*(Max-Age=0|Expires=Thu, 01 Jan 1970)/);
  assert.equal((await web.app.inject({ url: '/api/cameras', headers })).statusCode, 401);
  assert.equal((await web.app.inject({ method: 'DELETE', url: '/api/session' })).statusCode, 204);
});

test('the cookie is Secure when a trusted proxy says https', async () => {
  await using web = await serveHttp({ trustProxy: true });
  const reply = await web.app.inject({
    method: 'POST',
    url: '/api/session',
    payload: WEB_ADMIN,
    headers: { 'x-forwarded-proto': 'https' },
  });
  assert.match(String(reply.headers['set-cookie']), /; Secure/);
  assert.match(String(reply.headers['strict-transport-security']), /max-age=\d+/);
});

test('a wrong name and a wrong password get the same answer; the sixteenth is refused unheard', async () => {
  await using web = await serveHttp();
  const wrong = await signIn(web, 'admin', 'not this one');
  const nobody = await signIn(web, 'nobody', 'not this one');
  assert.equal(wrong.statusCode, 401);
  assert.equal(wrong.headers['www-authenticate'], undefined, 'browsers would open their own dialog');
  assert.equal(wrong.body, nobody.body);
  for (let n = 0; n < 14; n++) assert.equal((await signIn(web, 'admin', 'wrong')).statusCode, 401);
  const held = await signIn(web, WEB_ADMIN.username, WEB_ADMIN.password);
  assert.equal(held.statusCode, 429);
  assert.equal(held.json().code, 'rate_limited');
  assert.ok(Number(held.headers['retry-after']) > 0);
  const open = await web.app.inject({ url: '/api/session', headers: { cookie: web.cookie } });
  assert.equal(open.json().user.username, 'admin', 'who is in stays in');
});

test('requests without credentials are never failed tries', async () => {
  await using web = await serveHttp({
    routes: (app) => app.get('/test/media', { config: { access: 'media' }, schema: {} }, async () => 'picture'),
  });
  for (let n = 0; n < 40; n++) {
    assert.equal((await web.app.inject('/api/cameras')).statusCode, 401);
    assert.equal((await web.app.inject('/test/media')).statusCode, 401);
  }
  assert.equal((await signIn(web, WEB_ADMIN.username, WEB_ADMIN.password)).statusCode, 200);
});

test('a forwarded address is believed from a trusted proxy only', async () => {
  const tries = async (web: WebServer) => {
    const codes = new Set<number>();
    for (let n = 0; n < 20; n++) {
      const reply = await web.app.inject({
        method: 'POST',
        url: '/api/session',
        payload: { username: `user${n}`, password: 'wrong' },
        headers: { 'x-forwarded-for': `198.51.100.${n}` },
      });
      codes.add(reply.statusCode);
    }
    return codes;
  };
  await using plain = await serveHttp();
  assert.ok((await tries(plain)).has(429));
  await using behindProxy = await serveHttp({ trustProxy: true });
  assert.ok(!(await tries(behindProxy)).has(429));
});

test('all ways to say who one is', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const token = web.bearer('admin').slice('Bearer '.length);
  for (const headers of [
    { cookie: web.cookie },
    { authorization: `Bearer ${token}` },
    { authorization: `bearer ${token}` },
    basic('admin', WEB_ADMIN.password),
    basic('whoever', token),
    basic('', token),
  ]) {
    const reply = await web.app.inject({ url: '/api/cameras', headers });
    assert.equal(reply.statusCode, 200, JSON.stringify(headers));
  }
  for (const headers of [
    { cookie: `perch_session=${token}` },
    { authorization: `Bearer ${web.cookie.split('=')[1]}` },
    { authorization: 'Bearer x' },
    basic('admin', 'wrong'),
    basic('nobody', WEB_ADMIN.password),
    { 'x-authorization': `Bearer ${token}` },
  ]) {
    const reply = await web.app.inject({ url: '/api/cameras', headers: headers as Record<string, string> });
    assert.equal(reply.statusCode, 401, JSON.stringify(headers));
  }
  assert.equal((await web.app.inject(`/api/cameras?token=${token}`)).statusCode, 401, 'not on the API');
});

test('who a token is', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const session = async (authorization: string) =>
    (await web.app.inject({ url: '/api/session', headers: { authorization } })).json();
  assert.deepEqual((await session(web.bearer('viewer', ['porch']))).user, {
    username: 'admin',
    role: 'viewer',
    cameras: ['porch'],
  });
  assert.equal((await session(web.bearer('stream'))).user, null);
  assert.equal((await session('Bearer nonsense')).user, null);
});

test('users: made, listed, changed, removed; nothing secret is shown', async () => {
  await using web = await serveHttp({ cameras: ['porch', 'yard'] });
  const headers = { cookie: web.cookie };
  const call = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object) =>
    web.app.inject({ method, url, headers, ...(payload && { payload }) });
  const made = await call('POST', '/api/users', {
    username: 'Ann',
    password: 'a good password',
    role: 'viewer',
    cameras: ['porch'],
  });
  assert.equal(made.statusCode, 201);
  assert.deepEqual(Object.keys(made.json()).sort(), ['cameras', 'createdAt', 'id', 'role', 'username']);
  assert.deepEqual(made.json().cameras, ['porch']);
  const { id } = made.json();
  assert.match((await call('GET', '/api/users')).body, /"Ann"/);
  assert.doesNotMatch((await call('GET', '/api/users')).body, /argon2|hash/i);

  const ann = { cookie: String((await signIn(web, 'ann', 'a good password')).headers['set-cookie']).split(';')[0]! };
  assert.equal((await web.app.inject({ url: '/api/cameras/porch', headers: ann })).statusCode, 200);
  const changed = await call('PATCH', `/api/users/${id}`, { cameras: ['yard'] });
  assert.deepEqual(changed.json().cameras, ['yard']);
  assert.equal(
    (await web.app.inject({ url: '/api/cameras/porch', headers: ann })).statusCode,
    401,
    'the session has ended',
  );

  assert.equal(
    (await call('POST', '/api/users', { username: 'ANN', password: 'a good password', role: 'viewer' })).statusCode,
    409,
  );
  for (const [payload, field] of [
    [{ username: 'b', password: 'short', role: 'viewer' }, 'password'],
    [{ username: 'b', password: 'a good password', role: 'root' }, 'role'],
    [{ username: 'b', password: 'a good password' }, 'role'],
    [{ username: 'b:c', password: 'a good password', role: 'viewer' }, 'username'],
    [{ username: 'b', password: 'a good password', role: 'viewer', cameras: ['none'] }, 'cameras'],
    [{ username: 'b', password: 'a good password', role: 'admin', cameras: ['porch'] }, 'cameras'],
    [{ username: 'b', password: 'a good password', role: 'viewer', admin: true }, 'admin'],
    [{ username: 5, password: 'a good password', role: 'viewer' }, 'username'],
  ] as const) {
    const reply = await call('POST', '/api/users', payload);
    assert.equal(reply.statusCode, 400, reply.body);
    assert.equal(reply.json().code, 'bad_input');
    assert.match(reply.json().detail, new RegExp(`\\b${field}\\b`));
  }
  const [admin] = (await call('GET', '/api/users')).json().filter((user: { role: string }) => user.role === 'admin');
  assert.equal((await call('DELETE', `/api/users/${admin.id}`)).statusCode, 409);
  assert.equal((await call('PATCH', `/api/users/${admin.id}`, { role: 'viewer' })).statusCode, 409);
  assert.equal((await call('GET', '/api/users')).statusCode, 200, 'and the refused one is still signed in');
  assert.equal((await call('DELETE', `/api/users/${id}`)).statusCode, 204);
  assert.equal((await call('DELETE', `/api/users/${id}`)).statusCode, 404);
});

test('tokens: shown once, listed without the secret, ended at once', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const headers = { cookie: web.cookie };
  const made = await web.app.inject({
    method: 'POST',
    url: '/api/tokens',
    headers,
    payload: { name: 'Home Assistant', scope: 'viewer', cameras: ['porch'], expiresAt: '2999-01-01T00:00:00.000Z' },
  });
  assert.equal(made.statusCode, 201);
  assert.deepEqual(Object.keys(made.json()).sort(), ['id', 'token']);
  const { id, token } = made.json();
  const bearer = { authorization: `Bearer ${token}` };
  assert.equal((await web.app.inject({ url: '/api/cameras', headers: bearer })).statusCode, 200);
  const list = await web.app.inject({ url: '/api/tokens', headers });
  assert.doesNotMatch(list.body, new RegExp(token));
  const [entry] = list.json();
  assert.equal(entry.name, 'Home Assistant');
  assert.deepEqual(entry.cameras, ['porch']);
  assert.equal(entry.expiresAt, '2999-01-01T00:00:00.000Z');
  assert.match(entry.lastUsedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal((await web.app.inject({ method: 'DELETE', url: `/api/tokens/${id}`, headers })).statusCode, 204);
  assert.equal((await web.app.inject({ url: '/api/cameras', headers: bearer })).statusCode, 401);
  assert.equal((await web.app.inject({ method: 'DELETE', url: `/api/tokens/${id}`, headers })).statusCode, 404);
  for (const payload of [
    { name: 'x', scope: 'viewer', expiresAt: '2000-01-01T00:00:00Z' },
    { name: 'x', scope: 'viewer', expiresAt: 'tomorrow' },
    { name: '', scope: 'viewer' },
    { name: 'x', scope: 'owner' },
    { name: 'x', scope: 'admin', cameras: ['porch'] },
  ]) {
    const reply = await web.app.inject({ method: 'POST', url: '/api/tokens', headers, payload });
    assert.equal(reply.statusCode, 400, reply.body);
  }
});

test('the audit trail names who did what, and holds no secret', async () => {
  await using web = await serveHttp();
  const headers = { cookie: web.cookie };
  await signIn(web, 'a-password-in-the-wrong-field', 'x');
  await signIn(web, 'Admin', 'guess-guess');
  await web.app.inject({
    method: 'POST',
    url: '/api/users',
    headers,
    payload: { username: 'bob', password: 'super-secret-1', role: 'viewer' },
  });
  const audit = await web.app.inject({ url: '/api/audit?limit=3', headers });
  assert.doesNotMatch(audit.body, /super-secret|guess-guess|wrong-field/);
  const [created, refused, unknown] = audit.json();
  assert.deepEqual(
    [created.username, created.via, created.action, created.target, created.address],
    ['admin', 'session', 'user.created', 'bob', '127.0.0.1'],
  );
  assert.deepEqual([refused.username, refused.via, refused.action], ['Admin', 'none', 'session.refused']);
  assert.equal(unknown.username, '(unknown)');
  const older = await web.app.inject({ url: `/api/audit?before=${created.id}&limit=1`, headers });
  assert.equal(older.json()[0].id, refused.id);
});
