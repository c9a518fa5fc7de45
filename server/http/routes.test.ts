// Every route against every kind of caller. A route that is not in the table, has no schema or does not say who may use
// it fails the test, so that nothing becomes public by accident.

import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import type { RouteOptions } from 'fastify';
import type { Access } from '../auth/caller.ts';
import { serveHttp, WEB_ADMIN } from '../test/http-server.ts';

const expected: Readonly<Record<string, Access>> = {
  'GET /api/session': 'public',
  'POST /api/session': 'public',
  'DELETE /api/session': 'public',
  'POST /api/setup': 'public',
  'GET /api/users': 'admin',
  'POST /api/users': 'admin',
  'GET /api/users/:id': 'admin',
  'PATCH /api/users/:id': 'admin',
  'DELETE /api/users/:id': 'admin',
  'GET /api/tokens': 'admin',
  'POST /api/tokens': 'admin',
  'DELETE /api/tokens/:id': 'admin',
  'GET /api/drivers': 'viewer',
  'POST /api/drivers/:driver/channels': 'admin',
  'POST /api/drivers/onvif/profiles': 'admin',
  'POST /api/discovery': 'admin',
  'GET /api/cameras': 'viewer',
  'POST /api/cameras': 'admin',
  'POST /api/cameras/test': 'admin',
  'GET /api/cameras/:camera': 'viewer',
  'PATCH /api/cameras/:camera': 'admin',
  'DELETE /api/cameras/:camera': 'admin',
  'POST /api/cameras/:camera/restart': 'admin',
  'POST /api/cameras/:camera/release': 'admin',
  'GET /api/cameras/:camera/capture': 'admin',
  'POST /api/cameras/:camera/url-checks': 'admin',
  'GET /api/events': 'viewer',
  'GET /api/events/stream': 'viewer',
  'GET /api/outputs': 'viewer',
  'GET /api/settings': 'viewer',
  'GET /api/encoders': 'viewer',
  'PATCH /api/settings': 'admin',
  'GET /api/audit': 'admin',
  'GET /api/openapi.json': 'viewer',
  'GET /metrics': 'viewer',
  'GET /healthz': 'public',
  'GET /api/live': 'public', // the socket itself asks for a token
  'GET /cameras/:camera/mjpeg': 'media',
  'GET /cameras/:camera/frames': 'media',
  'GET /cameras/:camera/snapshot.jpg': 'media',
  'GET /cameras/:camera/live.mp4': 'media',
  'GET /cameras/:camera/hls/index.m3u8': 'media',
  'GET /cameras/:camera/hls/init-:number.mp4': 'media',
  'GET /cameras/:camera/hls/segment-:number.m4s': 'media',
  'POST /cameras/:camera/whep': 'media',
  'DELETE /cameras/:camera/whep/:session': 'media',
  'PATCH /cameras/:camera/whep/:session': 'media',
  'GET /cameras/:camera/audio': 'media',
  'GET /cameras/:camera/audio.wav': 'media',
  'GET /api/cameras/:camera/segments': 'viewer',
  'GET /api/cameras/:camera/days': 'viewer',
  'POST /api/cameras/:camera/recording': 'admin',
  'POST /api/cameras/:camera/recording/rehearsal': 'admin',
  'GET /api/cameras/:camera/timeline': 'viewer',
  'GET /api/cameras/:camera/thumbnail.jpg': 'media',
  'GET /api/timeline': 'viewer',
  'GET /api/exports': 'viewer',
  'POST /api/exports': 'viewer',
  'POST /api/exports/estimate': 'viewer',
  'GET /api/exports/:id': 'viewer',
  'DELETE /api/exports/:id': 'viewer',
  'GET /api/exports/:id/media': 'media',
  'GET /cameras/:camera/playback.m3u8': 'media',
  'GET /cameras/:camera/playback/:file': 'media',
  'GET /cameras/:camera/playback/:start/:piece': 'media',
  'GET /api/segments/:id': 'viewer',
  'PATCH /api/segments/:id': 'admin',
  'DELETE /api/segments/:id': 'admin',
  'GET /api/segments/:id/media': 'media',
  'GET /api/segments/:id/thumbnail.jpg': 'media',
  'GET /api/segments/:id/play.mp4': 'media',
  'GET /api/storage': 'viewer',
  'GET /embed/:camera': 'media',
  'GET /embed/player.js': 'public',
  'GET /embed/player.css': 'public',
  'GET /test/media/:camera': 'media',
};

/** Made by the docs plugin; all of them are for viewers. */
const DOCS = '/api/docs';

type Kind =
  | 'anonymous'
  | 'wrong'
  | 'viewer'
  | 'limited'
  | 'streamToken'
  | 'viewerToken'
  | 'adminToken'
  | 'admin'
  | 'basic';
const kinds: readonly Kind[] = [
  'anonymous',
  'wrong',
  'viewer',
  'limited',
  'streamToken',
  'viewerToken',
  'adminToken',
  'admin',
  'basic',
];

/** 401 and 403 are the answers of the access check; `ok` is anything that comes after it. */
function verdict(access: Access, kind: Kind): 401 | 403 | 'ok' {
  if (access === 'public') return 'ok';
  if (kind === 'anonymous' || kind === 'wrong') return 401;
  if (access === 'admin') return kind === 'admin' || kind === 'adminToken' || kind === 'basic' ? 'ok' : 403;
  if (access === 'viewer') return kind === 'streamToken' ? 403 : 'ok';
  return 'ok';
}

type Headers = Record<string, string>;

async function callers(web: Awaited<ReturnType<typeof serveHttp>>): Promise<Record<Kind, Headers>> {
  const person = async (username: string, cameras: string[] | null): Promise<Headers> => {
    await web.auth.accounts.add({ username, password: 'a viewer password', role: 'viewer', cameras });
    const { secret } = await web.auth.authenticator.signIn(username, 'a viewer password', { address: '127.0.0.1' });
    return { cookie: `perch_session=${secret}` };
  };
  const { username, password } = WEB_ADMIN;
  return {
    anonymous: {},
    wrong: { authorization: `Bearer ${'x'.repeat(42)}` },
    viewer: await person('viewer', null),
    limited: await person('limited', [web.fleet.get('porch').id]),
    streamToken: { authorization: web.bearer('stream') },
    viewerToken: { authorization: web.bearer('viewer') },
    adminToken: { authorization: web.bearer('admin') },
    admin: { cookie: web.cookie },
    basic: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
  };
}

const routes: RouteOptions[] = [];
const open = () =>
  serveHttp({
    cameras: ['porch', 'yard'],
    onRoute: (route) => routes.push(route),
    routes: (app) => app.get('/test/media/:camera', { config: { access: 'media' }, schema: {} }, async () => 'picture'),
  });

suite('every route', () => {
  before(async () => {
    await using web = await open();
    await web.app.ready();
  });

  test('has a schema and says who may use it', () => {
    assert.ok(routes.length > 30);
    for (const route of routes) {
      const name = `${route.method} ${route.url}`;
      assert.ok(route.config?.access, `${name} has no access`);
      assert.ok(route.schema, `${name} has no schema`);
    }
  });

  test('is in the table', () => {
    for (const route of routes) {
      for (const method of [route.method].flat()) {
        if (method === 'HEAD' || method === 'OPTIONS') continue;
        const name = `${method} ${route.url.replace(/(.)\/$/, '$1')}`;
        if (route.url.startsWith(DOCS)) assert.equal(route.config?.access, 'viewer', name);
        else assert.equal(route.config?.access, expected[name], name);
      }
    }
  });

  test('answers each kind of caller by the table', async () => {
    await using web = await open();
    const headers = await callers(web);
    for (const [name, access] of Object.entries(expected)) {
      const [method, url] = name.split(' ') as ['GET', string];
      if (name === 'GET /api/events/stream') continue; // never ends: its own test
      for (const kind of kinds) {
        // 'none' exists nowhere: what passes the access check finds nothing, and nothing is changed by this test.
        const path = url.replace(':camera', 'none').replace(':id', 'none');
        const payload = method === 'GET' || method === 'DELETE' ? {} : { payload: { unknown: 'field' } };
        const reply = await web.app.inject({ method, url: path, headers: headers[kind], ...payload });
        const want = verdict(access, kind);
        const text = `${name} as ${kind}: ${reply.statusCode} ${reply.body.slice(0, 100)}`;
        if (want === 'ok') assert.ok(![401, 403].includes(reply.statusCode) && reply.statusCode < 500, text);
        else assert.equal(reply.statusCode, want, text);
        if (reply.statusCode === 401) {
          assert.equal(reply.headers['www-authenticate'] !== undefined, access === 'media', text);
        }
        if (reply.statusCode >= 400 && url !== '/api/live')
          assert.match(String(reply.headers['content-type']), /application\/problem\+json/, text);
        if (kind === 'admin' && name === 'DELETE /api/session') headers.admin = await signedInAgain(web);
        if (kind === 'viewer' && name === 'DELETE /api/session') headers.viewer = await signedInAgain(web, 'viewer');
        if (kind === 'limited' && name === 'DELETE /api/session') headers.limited = await signedInAgain(web, 'limited');
      }
    }
  });

  test('with a camera answers 404 to who may not see it, as for one that does not exist', async () => {
    await using web = await open();
    const { limited } = await callers(web);
    const narrow = { authorization: web.bearer('viewer', ['porch']) };
    const admin = { cookie: web.cookie };
    for (const headers of [limited, narrow]) {
      const hidden = await web.app.inject({ url: '/api/cameras/yard', headers });
      const missing = await web.app.inject({ url: '/api/cameras/none', headers });
      const byId = await web.app.inject({ url: `/api/cameras/${web.fleet.get('yard').id}`, headers });
      assert.equal(hidden.statusCode, 404);
      assert.equal(hidden.body, missing.body);
      assert.equal(byId.body, missing.body);
      assert.equal((await web.app.inject({ url: '/api/cameras/porch', headers })).statusCode, 200);
      const list = await web.app.inject({ url: '/api/cameras', headers });
      assert.deepEqual(
        list.json().map((camera: { slug: string }) => camera.slug),
        ['porch'],
      );
      assert.deepEqual((await web.app.inject({ url: '/metrics', headers })).body.match(/yard|process_/g), null);
    }
    assert.equal((await web.app.inject({ url: '/api/cameras', headers: admin })).json().length, 2);
  });
});

async function signedInAgain(web: Awaited<ReturnType<typeof serveHttp>>, username?: string): Promise<Headers> {
  const { secret } = await web.auth.authenticator.signIn(
    username ?? WEB_ADMIN.username,
    username ? 'a viewer password' : WEB_ADMIN.password,
    { address: '127.0.0.1' },
  );
  return { cookie: `perch_session=${secret}` };
}
