// What browsers are told by every route, what names from users and cameras can do there, and what a page of another site,
// or a name that is pointed at Perch, can set going.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LightMyRequestResponse } from 'fastify';
import { serveHttp, WEB_ADMIN } from './http-server.ts';
import { addressOf, ENDLESS, SEEN, serveTwoCameras, type TwoCameras } from './two-cameras.ts';

function checkHeaders(name: string, { headers }: Pick<LightMyRequestResponse, 'headers'>): void {
  assert.equal(headers['x-content-type-options'], 'nosniff', name);
  assert.equal(headers['referrer-policy'], 'no-referrer', name);
  const policy = String(headers['content-security-policy']);
  assert.match(policy, /^default-src 'none';/, name);
  assert.match(policy, /script-src 'self'(;|$)/, name);
  assert.match(policy, /style-src 'self'(;|$)/, name);
  assert.match(policy, /frame-ancestors ('none'|\*)/, name);
  assert.doesNotMatch(policy, /unsafe|https?:|upgrade-insecure/, name);
  assert.equal(headers['x-powered-by'] ?? headers.server, undefined, name);
}

/** Each route once as the administrator, with the address of a real thing. */
async function* everyGet(web: TwoCameras): AsyncGenerator<[string, LightMyRequestResponse]> {
  for (const route of web.routes) {
    if (![route.method].flat().includes('GET') || ENDLESS.has(route.url)) continue;
    const url = addressOf(route.url, SEEN, web.segments[SEEN]!);
    for (const method of ['GET', 'HEAD'] as const)
      yield [`${method} ${url}`, await web.app.inject({ method, url, headers: { cookie: web.cookie } })];
  }
}

test('every reply, also every error, carries the whole policy', async () => {
  await using web = await serveTwoCameras();
  for await (const [name, reply] of everyGet(web)) checkHeaders(name, reply);
  for (const url of ['/nowhere', '/api/cameras', '/api/nothing', '/%ZZ', '/api/cameras/none'])
    checkHeaders(url, await web.app.inject(url));
  const foreign = await web.app.inject({ url: '/', headers: { host: 'evil.example' } });
  assert.equal(foreign.statusCode, 421);
  checkHeaders('421', foreign);
  const url = await web.listen();
  for (const path of [`/cameras/${SEEN}/mjpeg`, `/cameras/${SEEN}/frames`, '/api/events/stream']) {
    const leave = new AbortController();
    const reply = await fetch(url + path, { headers: { cookie: web.cookie }, signal: leave.signal });
    checkHeaders(path, { headers: Object.fromEntries(reply.headers) });
    leave.abort();
  }
});

/** Everything in the database but notes of use. */
function contents(web: TwoCameras): string {
  const tables = web.db.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'");
  const names = tables.pluck().all() as string[];
  return JSON.stringify(
    names
      .filter((name) => name !== 'audit') // a download is written down
      .map((name) => web.db.prepare(`select * from ${name}`).all())
      .map((rows) => rows.map((row) => ({ ...(row as object), used_at: 0 }))),
  );
}

test('GET and HEAD change nothing, on any route', async () => {
  await using web = await serveTwoCameras();
  const before = contents(web);
  for await (const [name, reply] of everyGet(web)) assert.notEqual(reply.statusCode, 500, name);
  assert.equal(contents(web), before);
});

test('a page of another site changes nothing on any route: neither with the cookie nor with Basic', async () => {
  await using web = await serveTwoCameras();
  const basic = `Basic ${Buffer.from(`${WEB_ADMIN.username}:${WEB_ADMIN.password}`).toString('base64')}`;
  const before = contents(web);
  let tried = 0;
  for (const route of web.routes) {
    for (const method of [route.method].flat()) {
      if (['GET', 'HEAD', 'OPTIONS'].includes(method)) continue;
      const url = addressOf(route.url, SEEN, web.segments[SEEN]!);
      for (const who of [{ cookie: web.cookie }, { authorization: basic }, {}] as Record<string, string>[]) {
        for (const from of [
          { origin: 'http://evil.example' },
          { origin: 'null' },
          { origin: 'http://localhost:81' },
          { 'sec-fetch-site': 'cross-site' },
          { 'sec-fetch-site': 'same-site', origin: 'http://localhost' },
        ] as Record<string, string>[]) {
          const headers = { host: 'localhost:80', ...who, ...from };
          const reply = await web.app.inject({ method: method as 'POST', url, headers, payload: {} });
          tried++;
          const refused = reply.statusCode === 403 || (reply.statusCode === 401 && Object.keys(who).length === 0);
          assert.ok(refused, `${method} ${url} ${JSON.stringify(from)}: ${reply.statusCode}`);
        }
      }
    }
  }
  assert.ok(tried > 200);
  assert.equal(contents(web), before);
});

test('the first set-up: by no page of another site, by no name pointed at Perch, without defaults', async () => {
  await using web = await serveHttp({ setUp: false });
  const setUp = (headers: Record<string, string>, payload: string | object = WEB_ADMIN) =>
    web.app.inject({ method: 'POST', url: '/api/setup', headers, payload });
  // A page that rebinds its own name: for the browser this is the same origin, so only Host tells.
  for (const host of ['evil.example', 'perch.evil.example:3000', '127.0.0.1.evil.example', 'lan.evil', 'x.local.evil'])
    assert.equal((await setUp({ host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).statusCode, 421);
  assert.equal((await setUp({ origin: 'http://evil.example' })).statusCode, 403);
  // What a form, or a script without a preflight, can send.
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
    assert.equal((await setUp({ 'content-type': type }, JSON.stringify(WEB_ADMIN))).statusCode, 415, type);
  for (const body of [{}, { username: 'admin' }, { username: 'admin', password: '' }])
    assert.equal((await setUp({}, body)).statusCode, 400);
  for (const [username, password] of [
    ['admin', 'admin'],
    ['admin', ''],
    ['admin', 'password'],
    ['root', 'root'],
  ]) {
    const reply = await web.app.inject({ method: 'POST', url: '/api/session', payload: { username, password } });
    assert.notEqual(reply.statusCode, 200, `${username}:${password}`);
  }
  assert.equal(web.auth.accounts.setupRequired, true);
  for (const host of [
    'localhost:3000',
    '192.0.2.7',
    '[2001:db8::1]:3000',
    'nvr',
    'nvr.local',
    'nvr.lan',
    'a.home.arpa',
  ])
    assert.equal((await web.app.inject({ url: '/api/session', headers: { host } })).statusCode, 200, host);
  assert.equal((await setUp({})).statusCode, 201);
});

const HOSTILE = '"><script>alert(1)</script>\u202e\'`=&lt;.mp4%0d%0aX: y/..\\';

test('a hostile name is text everywhere: pages, headers, events, metrics', async () => {
  await using web = await serveTwoCameras();
  const headers = { cookie: web.cookie };
  const patch = (name: string) =>
    web.app.inject({ method: 'PATCH', url: `/api/cameras/${SEEN}`, headers, payload: { name } });
  assert.equal((await patch('a\r\nSet-Cookie: x=y')).statusCode, 400);
  assert.equal((await patch('a\u0000b')).statusCode, 400);
  const named = await patch(HOSTILE);
  if (named.statusCode !== 200) await patch(HOSTILE.replace('\u202e', ''));
  const page = await web.app.inject({ url: `/embed/${SEEN}`, headers });
  assert.match(page.body, /&#60;script&#62;/);
  assert.doesNotMatch(page.body.replace('<script src="player.js" defer></script>', ''), /<script/);
  const media = await web.app.inject({ url: `/api/segments/${web.segments[SEEN]}/media?download=1`, headers });
  const disposition = String(media.headers['content-disposition']);
  assert.match(disposition, /^attachment; filename="[^"\\/<>\r\n]*"; filename\*=UTF-8''[\w.!~%-]*$/);
  for await (const [name, { headers: sent, body }] of everyGet(web)) {
    assert.equal(sent.x ?? sent['x-y'], undefined, name);
    const type = String(sent['content-type'] ?? '');
    if (/html|svg|xml/.test(type)) assert.doesNotMatch(body, /<script>alert/, name);
  }
});

test('a token in an address goes nowhere: not into a reply, a header, a Referer or a cache', async () => {
  await using web = await serveTwoCameras();
  const good = web.bearer('stream').slice('Bearer '.length);
  for (const token of [good, 'x'.repeat(43)]) {
    for (const route of web.routes) {
      if (ENDLESS.has(route.url) || route.method === 'OPTIONS') continue;
      for (const ref of [SEEN, 'none', '%ZZ']) {
        const path = addressOf(route.url, ref, ref === SEEN ? web.segments[SEEN]! : ref);
        const url = `${path}${path.includes('?') ? '&' : '?'}token=${token}&width=no&limit=no&maxAge=no`;
        const reply = await web.app.inject({ method: 'GET', url });
        const all = JSON.stringify(reply.headers) + reply.body;
        assert.ok(!all.includes(token), `${url}: ${all.slice(0, 300)}`);
        assert.equal(reply.headers['referrer-policy'], 'no-referrer', url);
        if (!route.url.startsWith('/embed/player.'))
          assert.doesNotMatch(String(reply.headers['cache-control'] ?? ''), /public/, route.url);
      }
    }
  }
});

test('an administrator’s token in an address opens media, and no other route', async () => {
  await using web = await serveTwoCameras();
  const token = web.bearer('admin').slice('Bearer '.length);
  let refused = 0;
  for (const route of web.routes) {
    const access: unknown = (route.config as { access?: unknown } | undefined)?.access;
    if (access === 'media' || access === 'public') continue;
    for (const method of [route.method].flat() as 'GET'[]) {
      const path = addressOf(route.url, SEEN, web.segments[SEEN]!);
      const url = `${path}${path.includes('?') ? '&' : '?'}token=${token}`;
      assert.equal((await web.app.inject({ method, url })).statusCode, 401, `${method} ${path}`);
      refused++;
    }
  }
  assert.ok(refused > 40, `${refused}`);
  assert.equal((await web.app.inject(`/cameras/${SEEN}/snapshot.jpg?token=${token}`)).statusCode, 200);
});
