// Nobody sees, finds, lists, plays, downloads, subscribes to or counts another camera's things. Driven by the list of all
// routes: a new route with a camera or a segment in its address is tested without a line here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LightMyRequestResponse } from 'fastify';
import { silentLogger } from '../core/logger.ts';
import { LiveFeeds } from '../live/live-feeds.ts';
import { systemNet } from '../net/system-net.ts';
import { RtspServer } from '../rtsp-out/server.ts';
import { RtspClient } from './rtsp-client.ts';
import { addressOf, ENDLESS, HIDDEN, SEEN, serveTwoCameras, type TwoCameras } from './two-cameras.ts';

/** Everything by which the hidden camera could be known. */
const traces = (web: TwoCameras) => {
  const { id } = web.fleet.get(HIDDEN);
  return new RegExp(`${HIDDEN}|${id}|${web.segments[HIDDEN]}`);
};

/** Body that each changing route would accept, so that the answer is about the camera and not about the body. */
const bodies: Readonly<Record<string, object>> = {
  'PATCH /api/cameras/:camera': { name: 'mine now' },
  'POST /api/cameras/:camera/release': { minutes: 1 },
  'POST /api/cameras/:camera/recording': { action: 'stop' },
  'PATCH /api/segments/:id': { protected: true },
};

test('an address of the hidden camera is answered like one that does not exist, by every route', async () => {
  await using web = await serveTwoCameras();
  const { id } = web.fleet.get(HIDDEN);
  let asked = 0;
  for (const route of web.routes) {
    const isSegment = route.url.startsWith('/api/segments/:id');
    if (!route.url.includes(':camera') && !isSegment) continue;
    for (const method of [route.method].flat()) {
      if (method === 'OPTIONS') continue;
      const name = `${method} ${route.url}`;
      const refs = isSegment ? [web.segments[HIDDEN]!, `open_${id}`] : [HIDDEN, id, HIDDEN.toUpperCase()];
      const at = (ref: string) => addressOf(route.url, ref, ref);
      for (const [who, headers] of Object.entries(web.limited)) {
        const payload = bodies[name] && { payload: bodies[name] };
        const ask = (ref: string): Promise<LightMyRequestResponse> =>
          web.app.inject({ method: method as 'GET', url: at(ref), headers, ...payload });
        for (const ref of refs) {
          const missing = await ask(ref.startsWith('open_') ? 'open_nothing' : 'nothing-here');
          const reply = await ask(ref);
          asked++;
          const what = `${name} ${ref} as ${who}: ${reply.statusCode} ${reply.body.slice(0, 200)}`;
          assert.ok(reply.statusCode === 404 || reply.statusCode === 403, what);
          assert.equal(reply.statusCode, missing.statusCode, what);
          assert.equal(reply.body, missing.body, what);
        }
      }
    }
  }
  assert.ok(asked > 200, `only ${asked} questions`);
  assert.equal(web.fleet.get(HIDDEN).config.name, HIDDEN);
});

test('no list, count, stream of events or description of a limited caller holds a trace of it', async () => {
  await using web = await serveTwoCameras();
  const hidden = traces(web);
  for (const route of web.routes) {
    if (![route.method].flat().includes('GET') || ENDLESS.has(route.url) || route.url.startsWith('/api/docs')) continue;
    const url = addressOf(route.url, SEEN, web.segments[SEEN]!);
    for (const [who, headers] of Object.entries(web.limited)) {
      const reply = await web.app.inject({ url, headers });
      assert.doesNotMatch(reply.body, hidden, `${url} as ${who}`);
      assert.doesNotMatch(JSON.stringify(reply.headers), hidden, `${url} as ${who}`);
    }
  }
  const headers = web.limited.viewerToken!;
  const mine = async (url: string) => (await web.app.inject({ url, headers })).json();
  assert.equal((await mine('/api/storage')).bytesUsed, 42, 'counts its own only');
  assert.equal((await mine('/api/storage')).cameras.length, 1);
  assert.ok((await mine('/api/events')).events.every((event: { slug: string }) => event.slug === SEEN));
  for (const query of [`camera=${HIDDEN}`, `camera=${web.fleet.get(HIDDEN).id}`])
    assert.equal((await web.app.inject({ url: `/api/events?${query}`, headers })).statusCode, 404);
  const metrics = (await web.app.inject({ url: '/metrics', headers })).body;
  assert.match(metrics, new RegExp(`camera="${SEEN}"`));
  assert.doesNotMatch(metrics, /^process_|^nodejs_/m, 'how busy Perch is counts all cameras');
});

test('a stream token opens media of its cameras and nothing else', async () => {
  await using web = await serveTwoCameras();
  const headers = web.limited.streamToken!;
  for (const route of web.routes) {
    const { access, identify } = route.config ?? {};
    if (ENDLESS.has(route.url) || route.url.startsWith('/api/docs')) continue;
    for (const method of [route.method].flat()) {
      if (method === 'OPTIONS' || access === 'public') continue;
      const url = addressOf(route.url, SEEN, web.segments[SEEN]!);
      const reply = await web.app.inject({ method: method as 'GET', url, headers });
      const what = `${method} ${url}: ${reply.statusCode} ${String(identify)}`;
      assert.equal(reply.statusCode === 403, access !== 'media', what);
    }
  }
  assert.equal((await web.app.inject({ url: '/api/session', headers })).json().user, null);
});

test('live streams: the hidden camera is not there', async () => {
  await using web = await serveTwoCameras();
  const url = await web.listen();
  const token = web.limited.streamToken!.authorization!.slice('Bearer '.length);
  for (const path of ['mjpeg', 'frames', 'audio', 'audio.wav', 'snapshot.jpg'])
    assert.equal((await fetch(`${url}/cameras/${HIDDEN}/${path}?token=${token}`)).status, 404);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/live`);
  const heard: { type: string; code?: string }[] = [];
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
  const ended = new Promise<void>((resolve) => {
    socket.addEventListener('message', ({ data }) => {
      if (typeof data !== 'string') return;
      heard.push(JSON.parse(data));
      if (heard.filter(({ type }) => type === 'ended').length === 2) resolve();
    });
  });
  socket.addEventListener('open', () => {
    socket.send(JSON.stringify({ type: 'auth', token }));
    for (const [id, camera] of [HIDDEN, web.fleet.get(HIDDEN).id].entries())
      socket.send(JSON.stringify({ type: 'subscribe', id, camera }));
  });
  await ended;
  assert.deepEqual(
    heard.filter(({ type }) => type === 'ended').map(({ code }) => code),
    ['not_found', 'not_found'],
  );
  assert.doesNotMatch(JSON.stringify(heard), new RegExp(web.fleet.get(HIDDEN).config.name.concat('"')));

  // And what is open ends with the right, within the same moment.
  socket.send(JSON.stringify({ type: 'subscribe', id: 7, camera: SEEN }));
  for (const { id } of web.auth.apiTokens.all()) web.auth.apiTokens.remove(id);
  await closed;
});

test('a download of a recording ends with the right to it', async () => {
  await using web = await serveTwoCameras();
  const url = await web.listen();
  const file = web.recordings.files.absolute(`${SEEN}/2026-05-01/10-00-00Z.mp4`);
  const { truncate } = await import('node:fs/promises');
  await truncate(file, 512 * 1024 * 1024); // more than any buffer; sparse
  const reply = await fetch(`${url}/api/segments/${web.segments[SEEN]}/media`, { headers: web.limited.viewerToken! });
  assert.equal(reply.status, 200);
  const reader = reply.body!.getReader();
  await reader.read();
  for (const { id } of web.auth.apiTokens.all()) web.auth.apiTokens.remove(id);
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  });
});

test('exports: none of the hidden camera is made, estimated, listed, seen, removed or downloaded', async () => {
  await using web = await serveTwoCameras();
  const span = { from: '2026-05-01T10:00:00Z', to: '2026-05-01T10:01:00Z' };
  const admin = { cookie: web.cookie };
  const payload = { camera: HIDDEN, ...span };
  const made = await web.app.inject({ method: 'POST', url: '/api/exports', headers: admin, payload });
  assert.equal(made.statusCode, 202, made.body);
  const { id } = made.json();
  for (const [who, headers] of Object.entries(web.limited)) {
    const refused = who === 'streamToken' ? 403 : 404;
    const call = (method: 'GET' | 'POST' | 'DELETE', url: string) =>
      web.app.inject({ method, url, headers, ...(method === 'POST' && { payload }) });
    for (const url of ['/api/exports', '/api/exports/estimate'])
      assert.equal((await call('POST', url)).statusCode, refused, `${url} as ${who}`);
    assert.equal((await call('GET', `/api/exports/${id}`)).statusCode, refused, who);
    assert.equal((await call('DELETE', `/api/exports/${id}`)).statusCode, refused, who);
    assert.equal((await call('GET', `/api/exports/${id}/media`)).statusCode, 404, who);
    assert.doesNotMatch((await call('GET', '/api/exports')).body, new RegExp(id), who);
  }
  assert.equal((await web.app.inject({ url: `/api/exports/${id}`, headers: admin })).statusCode, 200);
});

test('RTSP: an address of the hidden camera is answered like one that does not exist, whatever is asked', async () => {
  await using web = await serveTwoCameras();
  const feeds = new LiveFeeds({ clock: web.clock, bus: web.bus, log: silentLogger });
  const parts = { net: systemNet.streams, auth: web.auth, fleet: web.fleet, feeds, log: silentLogger };
  const server = new RtspServer({ ...parts, onRefused: () => {} });
  const port = await server.listen('127.0.0.1', 0);
  const transport = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
  let asked = 0;
  for (const [who, { authorization }] of Object.entries(web.limited)) {
    if (authorization === undefined) continue; // there are no cookies here
    for (const path of ['', '/jpeg', '/sub', '/trackID=0']) {
      for (const method of ['DESCRIBE', 'SETUP', 'PLAY', 'PAUSE', 'GET_PARAMETER', 'TEARDOWN']) {
        const ask = async (ref: string) => {
          using client = await RtspClient.open(port);
          const headers = { Authorization: authorization, ...transport };
          const { status, headers: said } = await client.ask(method, `rtsp://127.0.0.1:${port}/${ref}${path}`, headers);
          return { status, said: [...said] };
        };
        const missing = await ask('nothing-here');
        asked++;
        assert.equal(missing.status, 404);
        for (const ref of [HIDDEN, web.fleet.get(HIDDEN).id])
          assert.deepEqual(await ask(ref), missing, `${method} ${path} ${who}`);
        if (method === 'PLAY' && path === '') assert.equal((await ask(SEEN)).status, 454, 'the other one is there');
      }
    }
  }
  assert.ok(asked > 40);
  await server.close();
  feeds.close();
});
