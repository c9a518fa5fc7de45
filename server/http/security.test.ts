// What browsers of strangers, proxies and careless clients may not do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { serveHttp, WEB_ADMIN } from '../test/http-server.ts';

const withMedia = (options: Parameters<typeof serveHttp>[0] = {}) =>
  serveHttp({
    ...options,
    routes: (app) => {
      app.get('/test/media', { config: { access: 'media' }, schema: {} }, async () => 'picture');
      app.get('/test/embed', { config: { access: 'public', embeddable: true }, schema: {} }, async () => 'page');
    },
  });

const basic = `Basic ${Buffer.from(`${WEB_ADMIN.username}:${WEB_ADMIN.password}`).toString('base64')}`;

test('a foreign Host is 421 with a way out, except for tokens and Basic on media', async () => {
  await using web = await withMedia();
  const host = 'evil.example';
  for (const [url, headers] of [
    ['/api/session', {}],
    ['/api/cameras', { cookie: web.cookie }],
    ['/api/cameras', { authorization: web.bearer('admin') }],
    ['/healthz', {}],
    ['/', {}],
    ['/test/media', { cookie: web.cookie }],
  ] as const) {
    const reply = await web.app.inject({ url, headers: { ...headers, host } });
    assert.equal(reply.statusCode, 421, url);
    assert.match(reply.json().detail, /evil\.example.*PERCH_ALLOWED_HOSTS/);
  }
  const media = (headers: Record<string, string>, url = '/test/media') =>
    web.app.inject({ url, headers: { ...headers, host } }).then((reply) => reply.statusCode);
  assert.equal(await media({ authorization: web.bearer('stream') }), 200);
  assert.equal(await media({ authorization: basic }), 200);
  assert.equal(await media({}, `/test/media?token=${web.bearer('stream').slice(7)}`), 200);
  assert.equal(await media({}), 401, 'programs ask bare first and need the challenge');

  await using allowed = await withMedia({ allowedHosts: ['nvr.example.com'] });
  assert.equal(
    (await allowed.app.inject({ url: '/healthz', headers: { host: 'nvr.example.com:8080' } })).statusCode,
    200,
  );
});

test('behind a trusted proxy both names must be ours', async () => {
  await using web = await serveHttp({ trustProxy: true, allowedHosts: ['nvr.example.com'] });
  const code = (host: string, forwarded: string) =>
    web.app
      .inject({ url: '/healthz', headers: { host, 'x-forwarded-host': forwarded } })
      .then((reply) => reply.statusCode);
  assert.equal(await code('perch:3000', 'nvr.example.com'), 200);
  assert.equal(await code('perch:3000', 'evil.example'), 421);
  assert.equal(await code('evil.example', 'localhost'), 421, 'a page that rebinds can send this header too');
});

test('pages of other sites change nothing', async () => {
  await using web = await withMedia();
  const post = (headers: Record<string, string>, url = '/api/discovery') =>
    web.app
      .inject({ method: 'POST', url, headers: { host: 'perch.lan:3000', ...headers } })
      .then((reply) => reply.statusCode);
  const cookie = web.cookie;
  assert.equal(await post({ cookie }), 200, 'no page at all');
  assert.equal(await post({ cookie, origin: 'http://perch.lan:3000' }), 200);
  assert.equal(await post({ cookie, 'sec-fetch-site': 'same-origin' }), 200);
  for (const foreign of [
    { origin: 'http://evil.example' },
    { origin: 'http://perch.lan:8123' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ] as Record<string, string>[]) {
    assert.equal(await post({ cookie, ...foreign }), 403, JSON.stringify(foreign));
    assert.equal(await post({ authorization: basic, ...foreign }), 403, 'browsers repeat Basic by themselves');
    assert.equal(
      await post({ authorization: web.bearer('admin'), ...foreign }),
      200,
      'a token is put there on purpose',
    );
    const signIn = await web.app.inject({ method: 'POST', url: '/api/session', payload: WEB_ADMIN, headers: foreign });
    assert.equal(signIn.statusCode, 403, 'signing somebody in is a change too');
    const setUp = await web.app.inject({ method: 'POST', url: '/api/setup', payload: WEB_ADMIN, headers: foreign });
    assert.equal(setUp.statusCode, 403);
  }
  const read = await web.app.inject({ url: '/test/media', headers: { cookie, origin: 'http://evil.example' } });
  assert.equal(read.statusCode, 200, 'a picture may be embedded');
  assert.equal(read.headers['access-control-allow-origin'], undefined, 'but not read');
});

test('media: challenge, preflight and headers for other origins', async () => {
  await using web = await withMedia();
  const bare = await web.app.inject('/test/media');
  assert.equal(bare.statusCode, 401);
  assert.equal(bare.headers['www-authenticate'], 'Basic realm="Perch", charset="UTF-8"');
  const wrong = await web.app.inject(`/test/media?token=${'x'.repeat(43)}`);
  assert.equal(wrong.statusCode, 401);
  assert.ok(wrong.headers['www-authenticate']);

  const preflight = await web.app.inject({
    method: 'OPTIONS',
    url: '/test/media',
    headers: { origin: 'http://other.example', 'access-control-request-method': 'GET' },
  });
  assert.equal(preflight.statusCode, 204);
  assert.equal(preflight.headers['access-control-allow-origin'], '*');
  assert.equal(preflight.headers['access-control-allow-headers'], 'Authorization, Range');

  const token = web.bearer('stream');
  for (const request of [
    { url: '/test/media', headers: { authorization: token } },
    { url: `/test/media?token=${token.slice(7)}` },
  ]) {
    const reply = await web.app.inject(request);
    assert.equal(reply.statusCode, 200);
    assert.equal(reply.headers['access-control-allow-origin'], '*');
    assert.equal(
      reply.headers['access-control-expose-headers'],
      'Content-Length, Content-Range, Accept-Ranges, Last-Modified',
    );
    assert.equal(reply.headers['cross-origin-resource-policy'], 'cross-origin');
  }
  const own = await web.app.inject({ url: '/test/media', headers: { cookie: web.cookie } });
  assert.equal(own.headers['access-control-allow-origin'], undefined);
  assert.equal(own.headers['cross-origin-resource-policy'], 'cross-origin');
  assert.equal((await web.app.inject({ url: '/api/session' })).headers['cross-origin-resource-policy'], 'same-origin');
});

test('the policy of pages: nothing inline, no upgrade to https, frames by choice', async () => {
  await using web = await withMedia();
  const reply = await web.app.inject('/api/session');
  const policy = String(reply.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /object-src 'none'/);
  assert.match(policy, /base-uri 'self'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|upgrade-insecure-requests|https?:/);
  assert.equal(reply.headers['x-frame-options'], 'DENY');
  assert.equal(reply.headers['x-content-type-options'], 'nosniff');
  assert.equal(reply.headers['strict-transport-security'], undefined);
  assert.equal(reply.headers['cross-origin-opener-policy'], undefined);
  assert.equal(reply.headers['cache-control'], 'no-store');

  const media = await web.app.inject({ url: '/test/media', headers: { cookie: web.cookie } });
  assert.match(String(media.headers['content-security-policy']), /frame-ancestors \*/);
  const embed = await web.app.inject('/test/embed');
  assert.match(String(embed.headers['content-security-policy']), /frame-ancestors \*/);
  assert.equal(embed.headers['x-frame-options'], undefined);

  await using framed = await serveHttp({ frameAncestors: ['http://ha.lan:8123'] });
  const inFrame = await framed.app.inject('/api/session');
  assert.match(String(inFrame.headers['content-security-policy']), /frame-ancestors http:\/\/ha\.lan:8123/);
  assert.equal(inFrame.headers['x-frame-options'], undefined);
});

test('tokens, cookies and passwords never reach the log', async () => {
  const lines: string[] = [];
  await using web = await serveHttp({
    onLog: (line) => lines.push(line),
    routes: (app) => {
      app.get('/test/media', { config: { access: 'media' }, schema: {} }, async () => 'picture');
      app.get('/test/broken', { config: { access: 'media' }, schema: {} }, async (request) => {
        request.log.warn({ req: request }, 'Something logs the whole request');
        throw new Error('a bug');
      });
    },
  });
  const token = web.bearer('stream').slice(7);
  const headers = { cookie: web.cookie };
  await web.app.inject(`/test/media?token=${token}`);
  await web.app.inject(`/test/broken?token=${token}`);
  await web.app.inject(`/nowhere?token=${token}`);
  await web.app.inject({ url: '/test/media', headers: { authorization: `Bearer ${token}` } });
  await web.app.inject({ url: '/api/cameras', headers: { authorization: basic } });
  await web.app.inject({ url: '/api/cameras', headers });
  await web.app.inject({ method: 'POST', url: '/api/session', payload: { ...WEB_ADMIN, password: 'typed-wrongly' } });
  await web.app.inject({
    method: 'POST',
    url: '/api/cameras',
    headers,
    payload: { name: 'x', driver: 'iwfcam', settings: { host: 'silent', password: 'camera-password' } },
  });
  const log = lines.join('');
  assert.match(log, /\/test\/broken/);
  for (const secret of [
    token,
    web.cookie.split('=')[1]!,
    WEB_ADMIN.password,
    'typed-wrongly',
    'camera-password',
    basic.slice(6),
  ]) {
    assert.ok(!log.includes(secret), `the log holds ${secret.slice(0, 6)}...`);
  }
});

test('errors are problems that name the field; a 5xx hides its message and is logged', async () => {
  const lines: string[] = [];
  await using web = await serveHttp({
    onLog: (line) => lines.push(line),
    routes: (app) =>
      app.get('/test/bug', { config: { access: 'public' }, schema: {} }, async () => {
        throw new Error('the path /secret/place');
      }),
  });
  const headers = { cookie: web.cookie };
  const bug = await web.app.inject('/test/bug');
  assert.equal(bug.statusCode, 500);
  assert.match(String(bug.headers['content-type']), /^application\/problem\+json/);
  assert.deepEqual(Object.keys(bug.json()).sort(), ['code', 'detail', 'requestId', 'status', 'title', 'type']);
  assert.doesNotMatch(bug.body, /secret/);
  assert.match(lines.join(''), /secret\/place/);

  const missing = await web.app.inject('/api/nothing?token=abc');
  assert.equal(missing.statusCode, 404);
  assert.deepEqual(missing.json(), {
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'There is nothing at GET /api/nothing',
    code: 'not_found',
  });
  const send = (payload: string, type = 'application/json') =>
    web.app.inject({ method: 'POST', url: '/api/users', headers: { ...headers, 'content-type': type }, payload });
  for (const [payload, type, status] of [
    ['{"username":', 'application/json', 400],
    ['[]', 'application/json', 400],
    ['null', 'application/json', 400],
    ['', 'application/json', 400],
    ['{"__proto__":{"x":1}}', 'application/json', 400],
    ['{"constructor":{"prototype":{"x":1}}}', 'application/json', 400],
    ['username=x', 'application/x-www-form-urlencoded', 415],
    ['x', 'text/plain', 415],
    [`{"username":"${'x'.repeat(70_000)}"}`, 'application/json', 413],
  ] as const) {
    const reply = await send(payload, type);
    assert.equal(reply.statusCode, status, payload.slice(0, 50));
    assert.match(String(reply.headers['content-type']), /problem\+json/);
    assert.equal(typeof reply.json().detail, 'string');
  }
});

test('an API client is slowed down after thousands of requests a minute, media never', async () => {
  await using web = await withMedia();
  const limit = Number((await web.app.inject('/api/session')).headers['x-ratelimit-limit']);
  assert.ok(limit >= 1000 && limit <= 10_000, String(limit));
  const media = await web.app.inject({ url: '/test/media', headers: { cookie: web.cookie } });
  assert.equal(media.headers['x-ratelimit-limit'], undefined);
});

test('health is 503 when the database is gone, without saying why', async () => {
  await using web = await serveHttp();
  assert.deepEqual((await web.app.inject('/healthz')).json(), { status: 'ok' });
  web.db.close();
  const reply = await web.app.inject('/healthz');
  assert.equal(reply.statusCode, 503);
  assert.doesNotMatch(reply.body, /database|sqlite/i);
});

test('deep and wide bodies are refused, not a reason to fall over', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const headers = { cookie: web.cookie, 'content-type': 'application/json' };
  const depth = 10_000;
  const deep = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  const wide = `{${Array.from({ length: 6000 }, (_, n) => `"f${n}":1`).join(',')}}`;
  for (const settings of [deep, wide]) {
    const patch = await web.app.inject({
      method: 'PATCH',
      url: '/api/cameras/porch',
      headers,
      payload: `{"settings":${settings}}`,
    });
    assert.ok(patch.statusCode === 400 || patch.statusCode === 413, patch.body.slice(0, 300));
    const recording = await web.app.inject({
      method: 'PATCH',
      url: '/api/cameras/porch',
      headers,
      payload: `{"recording":${settings}}`,
    });
    assert.ok(recording.statusCode === 400 || recording.statusCode === 413, recording.body.slice(0, 300));
    const user = await web.app.inject({ method: 'POST', url: '/api/users', headers, payload: settings });
    assert.ok(user.statusCode === 400 || user.statusCode === 413);
    assert.ok(user.body.length < 5000);
  }
});

test('on a full disk everybody who is in can still read and say so', async () => {
  const clock = new ManualClock();
  await using web = await serveHttp({ clock, cameras: ['porch'] });
  const token = { authorization: web.bearer('viewer') };
  const cookie = { cookie: web.cookie };
  // Not one page more than there is now.
  const pages = web.db.pragma('page_count', { simple: true });
  web.db.pragma(`max_page_count = ${pages}`);
  const full = () =>
    web.db.prepare('insert into settings (name, value) values (?, ?)').run('x', JSON.stringify('y'.repeat(99_999)));
  assert.throws(full, /full/);
  web.db.pragma('query_only = on'); // and nothing smaller either
  await clock.advance(5 * 60_000);
  for (const headers of [token, cookie, { authorization: basic }]) {
    assert.equal((await web.app.inject({ url: '/api/cameras', headers })).statusCode, 200);
  }
  assert.equal(
    (await web.app.inject({ method: 'POST', url: '/api/cameras/porch/release', headers: cookie, payload: {} }))
      .statusCode,
    400,
  );
  web.db.pragma('query_only = off');
  const user = { username: 'u'.repeat(60), password: 'a good password', role: 'viewer', cameras: null };
  let status = 201;
  for (let n = 0; status === 201 && n < 200; n++) {
    const payload = { ...user, username: `${n}-${user.username}`.slice(0, 60) };
    status = (await web.app.inject({ method: 'POST', url: '/api/users', headers: cookie, payload })).statusCode;
  }
  assert.equal(status, 507);
});

test('a route that does not say who may use it stops the start', async () => {
  await using web = await serveHttp();
  assert.throws(() => web.app.get('/open', async () => 'to everybody'), /does not say who may use it/);
});
