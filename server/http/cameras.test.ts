// The registry of cameras through the real server and the real Fleet.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '../store/settings.ts';
import { serveHttp, type WebServer } from '../test/http-server.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function client(web: WebServer, headers: Record<string, string> = { cookie: web.cookie }) {
  return (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object) =>
    web.app.inject({ method, url, headers, ...(payload && { payload }) });
}

test('a camera as the interface shows it', async () => {
  await using web = await serveHttp();
  const call = client(web);
  const made = await call('POST', '/api/cameras', {
    name: 'Haustür Süd',
    driver: 'iwfcam',
    settings: { host: '192.0.2.9', password: 'very secret' },
  });
  assert.equal(made.statusCode, 201, made.body);
  const camera = made.json();
  assert.match(camera.id, /_/);
  assert.equal(camera.slug, 'haustur-sud');
  assert.deepEqual(camera.settings, { host: '192.0.2.9', password: '********' });
  assert.equal(camera.enabled, true);
  assert.equal(camera.subSource, undefined);
  assert.deepEqual(camera.recording, {
    mode: 'off',
    format: 'mp4',
    segmentSeconds: 60,
    schedules: [],
    retention: { days: 30 },
    preRollSeconds: 5,
    audio: true,
    encoder: { kind: 'auto', preset: 'veryfast', quality: 23 },
  });
  assert.match(camera.status.since, ISO);
  assert.deepEqual(Object.keys(camera.status).sort(), [
    'audio',
    'bitRate',
    'bytesReceived',
    'codec',
    'coolDownReason',
    'encoderNote',
    'error',
    'frameRate',
    'framesDropped',
    'framesReceived',
    'height',
    'lastFrameAt',
    'nextAttemptAt',
    'reconnects',
    'recording',
    'since',
    'state',
    'step',
    'sub',
    'viewers',
    'width',
  ]);
  assert.deepEqual((await call('GET', `/api/cameras/${camera.id}`)).json(), camera);
  assert.deepEqual((await call('GET', '/api/cameras/haustur-sud')).json(), camera);
  assert.deepEqual((await call('GET', '/api/cameras')).json(), [camera]);
});

test('a live camera shows its stream; times are ISO 8601', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const live = web.bus.next('camera.wentLive');
  web.fleet.start();
  await live;
  const { status, facts } = (await client(web)('GET', '/api/cameras/porch')).json();
  assert.equal(status.state, 'live');
  assert.equal(status.codec, 'mjpeg');
  assert.equal(status.framesReceived, 1);
  assert.match(status.lastFrameAt, ISO);
  assert.deepEqual(facts, { peer: 'porch.lan' });
});

test('a viewer sees no settings and no facts', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const camera = (await client(web, { authorization: web.bearer('viewer') })('GET', '/api/cameras/porch')).json();
  assert.deepEqual(camera.settings, {});
  assert.equal(camera.facts, undefined);
  assert.equal(camera.status.state, 'disabled');
});

test('PATCH is a merge patch: null removes or resets, the rest stays', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const call = client(web);
  await call('PATCH', '/api/cameras/porch', {
    settings: { port: 1234 },
    recording: { mode: 'continuous', segmentSeconds: 10 },
  });
  const changed = await web.app.inject({
    method: 'PATCH',
    url: '/api/cameras/porch',
    headers: { cookie: web.cookie, 'content-type': 'application/merge-patch+json' },
    payload: JSON.stringify({ settings: { port: null }, recording: { segmentSeconds: null }, name: 'Porch' }),
  });
  assert.equal(changed.statusCode, 200, changed.body);
  assert.deepEqual(changed.json().settings, { host: 'porch.lan', password: '********' });
  assert.equal(changed.json().recording.mode, 'continuous');
  assert.equal(changed.json().recording.segmentSeconds, 60);
  assert.equal(changed.json().name, 'Porch');
  assert.equal(changed.json().slug, 'porch');
  const moved = await call('PATCH', '/api/cameras/porch', { slug: 'front' });
  assert.equal(moved.json().slug, 'front');
  assert.equal((await call('GET', '/api/cameras/porch')).statusCode, 404);
});

test('secrets: kept by the mask, never with a changed host, never shown', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const call = client(web);
  const camera = web.fleet.get('porch');
  await call('PATCH', '/api/cameras/porch', { settings: { password: '********' } });
  assert.equal(camera.config.settings.password, 'camera-secret');
  const stolen = await call('PATCH', '/api/cameras/porch', {
    settings: { host: 'evil.example', password: '********' },
  });
  assert.equal(stolen.statusCode, 400);
  assert.match(stolen.json().detail, /settings\.password/);
  const silently = await call('PATCH', '/api/cameras/porch', { settings: { host: 'evil.example' } });
  assert.equal(silently.statusCode, 400, 'also when the mask is only implied');
  const tested = await call('POST', '/api/cameras/test', {
    driver: 'iwfcam',
    settings: { host: 'evil.example', password: '********' },
    camera: 'porch',
  });
  assert.equal(tested.statusCode, 400);
  for (const url of ['/api/cameras', '/api/cameras/porch', '/api/audit', '/api/events', '/metrics']) {
    assert.doesNotMatch((await call('GET', url)).body, /camera-secret/, url);
  }
});

test('what is wrong is a 400 that names the field', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const call = client(web);
  const good = { name: 'A', driver: 'iwfcam', settings: { host: 'a' } };
  for (const [payload, field] of [
    [{ ...good, colour: 'red' }, 'colour'],
    [{ ...good, name: '' }, 'name'],
    [{ ...good, name: 7 }, 'name'],
    [{ driver: 'iwfcam', settings: { host: 'a' } }, 'name'],
    [{ ...good, driver: 'vhs' }, 'driver'],
    [{ ...good, slug: 'Not A Slug' }, 'slug'],
    [{ ...good, enabled: 'yes' }, 'enabled'],
    [{ ...good, settings: {} }, 'settings.host'],
    [{ ...good, settings: { host: 'a', port: 70_000 } }, 'settings.port'],
    [{ ...good, settings: { host: 'a', colour: 'red' } }, 'settings.colour'],
    [{ ...good, settings: [] }, 'settings'],
    [{ ...good, recording: { mode: 'always' } }, 'recording.mode'],
    [{ ...good, recording: { segmentSeconds: 1 } }, 'recording.segmentSeconds'],
    [{ ...good, recording: { segmentSeconds: '60' } }, 'recording.segmentSeconds'],
    [
      { ...good, recording: { schedules: [{ cron: '* * * * * *', durationMinutes: 0.01, timezone: 'UTC' }] } },
      'recording.schedules[0].cron',
    ],
    [{ ...good, recording: { colour: 1 } }, 'recording.colour'],
    [{ ...good, subSource: { driver: 'iwfcam' } }, 'subSource.settings'],
  ] as const) {
    const reply = await call('POST', '/api/cameras', payload);
    assert.equal(reply.statusCode, 400, `${JSON.stringify(payload)}: ${reply.body}`);
    assert.equal(reply.json().code, 'bad_input');
    assert.ok(reply.json().detail.includes(field), `${field}: ${reply.body}`);
  }
  for (const [patch, field] of [
    [{ colour: 'red' }, 'colour'],
    [{ id: 'cam_x' }, 'id'],
    [{ status: {} }, 'status'],
    [{ enabled: null }, 'enabled'],
    [{ recording: { segmentSeconds: 4000 } }, 'recording.segmentSeconds'],
    [{ recording: { colour: 1 } }, 'recording.colour'],
    [{ settings: { colour: 1 } }, 'settings.colour'],
  ] as const) {
    const reply = await call('PATCH', '/api/cameras/porch', patch);
    assert.equal(reply.statusCode, 400, `${JSON.stringify(patch)}: ${reply.body}`);
    assert.ok(reply.json().detail.includes(field), `${field}: ${reply.body}`);
  }
  assert.equal((await call('POST', '/api/cameras', { ...good, slug: 'porch' })).statusCode, 409);
  assert.equal((await call('GET', '/api/cameras?colour=red')).statusCode, 400);
  assert.equal((await call('DELETE', '/api/cameras/porch?recordings=burn')).statusCode, 400);
  assert.equal((await call('GET', '/api/cameras')).json().length, 1, 'nothing was added');
});

test('test, restart, release, delete', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const call = client(web);
  const tried = await call('POST', '/api/cameras/test', { driver: 'iwfcam', settings: { host: 'a' } });
  assert.equal(tried.statusCode, 200);
  assert.deepEqual(Object.keys(tried.json()).sort(), ['codec', 'firstFrameMs', 'height', 'ok', 'snapshot', 'width']);
  assert.match(tried.json().snapshot, /^data:image\/jpeg;base64,/);

  const live = web.bus.next('camera.wentLive');
  web.fleet.start();
  await live;
  const again = web.bus.next('camera.wentLive');
  assert.equal((await call('POST', '/api/cameras/porch/restart')).statusCode, 200);
  await again;
  for (const minutes of [0, -1, 1e9, '5']) {
    assert.equal((await call('POST', '/api/cameras/porch/release', { minutes })).statusCode, 400);
  }
  const released = await call('POST', '/api/cameras/porch/release', { minutes: 5 });
  assert.equal(released.statusCode, 200);
  assert.equal(released.json().status.state, 'coolingDown');
  assert.equal(released.json().status.coolDownReason, 'released');
  assert.match(released.json().status.nextAttemptAt, ISO);

  assert.equal((await call('DELETE', '/api/cameras/porch')).statusCode, 204);
  assert.equal((await call('DELETE', '/api/cameras/porch')).statusCode, 404);
  assert.deepEqual((await call('GET', '/api/cameras')).json(), []);
  const events = (await call('GET', '/api/events')).json().events.map((event: { type: string }) => event.type);
  assert.equal(events[0], 'camera.removed');
});

test('a client that leaves ends its camera test', async () => {
  await using web = await serveHttp();
  const url = await web.listen();
  const leave = new AbortController();
  const body = JSON.stringify({ driver: 'iwfcam', settings: { host: 'silent' } });
  const headers = { cookie: web.cookie, 'content-type': 'application/json' };
  const waiting = fetch(`${url}/api/cameras/test`, { method: 'POST', headers, body, signal: leave.signal });
  const begun = client(web)('GET', '/api/session');
  await begun;
  leave.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  // All four places are free again: otherwise the fifth is refused.
  const results = await Promise.all(
    Array.from({ length: 4 }, () =>
      client(web)('POST', '/api/cameras/test', { driver: 'iwfcam', settings: { host: 'a' } }),
    ),
  );
  assert.deepEqual(
    results.map((reply) => reply.json().ok),
    [true, true, true, true],
  );
});

test('drivers and discovery', async () => {
  await using web = await serveHttp();
  const call = client(web);
  const [driver] = (await call('GET', '/api/drivers')).json();
  assert.equal(driver.id, 'iwfcam');
  assert.equal(driver.settingsSchema.properties.host.title, 'Host');
  assert.deepEqual(driver.capabilities, { video: ['mjpeg'], audio: [], discovery: true });
  assert.deepEqual((await call('POST', '/api/discovery')).json(), {
    found: [{ driver: 'iwfcam', name: 'Found', settings: { host: '192.0.2.7' }, alreadyAdded: false }],
  });
});

test('metrics are Prometheus text', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const live = web.bus.next('camera.wentLive');
  web.fleet.start();
  await live;
  const reply = await client(web)('GET', '/metrics');
  assert.match(String(reply.headers['content-type']), /^text\/plain; version=0\.0\.4/);
  assert.match(reply.body, /^perch_camera_up\{camera="porch"\} 1$/m);
  assert.match(reply.body, /^perch_camera_frames_received_total\{camera="porch"\} 1$/m);
  assert.match(reply.body, /^perch_camera_state\{camera="porch",state="live"\} 1$/m);
  assert.match(reply.body, /^process_resident_memory_bytes \d+$/m);
});

test('settings of the system, by merge patch', async () => {
  await using web = await serveHttp();
  const call = client(web);
  assert.deepEqual((await call('GET', '/api/settings')).json(), defaultSettings);
  assert.equal((await call('PATCH', '/api/settings', { siteName: 'Cabin' })).statusCode, 200);
  assert.deepEqual((await call('PATCH', '/api/settings', { eventDays: 7 })).json(), {
    ...defaultSettings,
    siteName: 'Cabin',
    eventDays: 7,
  });
  assert.deepEqual((await call('PATCH', '/api/settings', { siteName: null })).json(), {
    ...defaultSettings,
    eventDays: 7,
  });
  assert.equal((await call('PATCH', '/api/settings', { colour: 'red' })).statusCode, 400);
  assert.equal((await call('PATCH', '/api/settings', { eventDays: 0 })).statusCode, 400);
});
