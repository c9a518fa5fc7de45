// Secrets are planted everywhere they can be given, the real process runs with them at log level trace and records; then
// everything that Perch writes, says and starts is searched for them.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { passwordToken } from '../drivers/iwfcam/token.ts';
import { systemNet } from '../net/system-net.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { DahuaSimulator } from '../sim/dahua-p2p/simulator.ts';
import { HttpCameraSimulator } from '../sim/http-mjpeg/simulator.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { ADMIN, freshHost, startSimulator } from './harness.ts';
import { startPerch } from './perch-process.ts';

const PLANTED = {
  admin: ADMIN.password,
  camera: 'PLANTED-camera-9f',
  url: 'PLANTED-url-3c',
  query: 'PLANTED-query-77',
  viewer: 'PLANTED-viewer-1d',
  wrong: 'PLANTED-wrong-5a',
  wrongToken: 'PLANTED-token-0b'.padEnd(43, 'x'),
  mqtt: 'PLANTED-mqtt-e2',
  rtsp: 'PLANTED-rtsp-48',
  mjpeg: 'PLANTED-mjpeg-b1',
  snapshot: 'PLANTED-snapshot-6d',
  device: 'PLANTED-device-f7',
  sub: 'PLANTED-sub-20',
};

/** A secret as it would stand in bytes: plain, base64 (at all three offsets), hexadecimal and percent-encoded. */
function forms(secret: string): string[] {
  const base64 = [0, 1, 2].map((skip) => {
    const text = Buffer.concat([Buffer.alloc(skip), Buffer.from(secret)]).toString('base64');
    return text.slice(Math.ceil((skip * 8) / 6), text.replace(/=+$/, '').length - 2);
  });
  const hex = Buffer.from(secret).toString('hex');
  return [secret, ...base64, hex, hex.toUpperCase(), encodeURIComponent(secret)].filter((form) => form.length >= 8);
}

function search(where: string, bytes: Buffer | string, secrets: Readonly<Record<string, string>>): void {
  const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
  for (const [name, secret] of Object.entries(secrets))
    for (const form of forms(secret)) assert.ok(!text.includes(form), `${where} holds the ${name} secret`);
}

/** Processes below a process. */
function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

type Added = { readonly driver: string; readonly settings: Record<string, unknown> };

/** A simulated camera of each driver but the first, and how to add it. */
async function everyOtherDriver(): Promise<AsyncDisposable & { cameras: Readonly<Record<string, Added>> }> {
  await using stack = new AsyncDisposableStack();
  const place = () => ({ net: systemNet, clock: systemClock, host: freshHost(), port: 0 });
  const pictures = new CountedPictures({ width: 320, height: 240, minBytes: 4000, maxBytes: 9000, count: 20 });
  const http = async (password: string) =>
    stack.use(await HttpCameraSimulator.start({ ...place(), pictures, fps: 5, auth: 'basic', password }));
  const [mjpeg, snapshot] = [await http(PLANTED.mjpeg), await http(PLANTED.snapshot)];
  const clip = await loadClip({ source: 'testsrc', width: 320, height: 240, fps: 10, seconds: 2 });
  const username = 'admin';
  const rtsp = stack.use(
    await RtspSimulator.start({ ...place(), clip, auth: 'basic', username, password: PLANTED.rtsp }),
  );
  const behind = { ...place(), clip, path: '/cam/realmonitor', auth: 'digest-md5-old', username } as const;
  const inner = stack.use(await RtspSimulator.start({ ...behind, password: PLANTED.device }));
  const device = stack.use(
    await DahuaSimulator.start({
      ...{ ...place(), auth: 'required', randSalt: 'a1b2c3d4e5f60718', password: PLANTED.device },
      targets: new Map([[554, { address: behind.host, port: inner.port }]]),
    }),
  );
  const held = stack.move();
  return {
    cameras: {
      rtsp: { driver: 'rtsp', settings: { url: rtsp.url, username, password: PLANTED.rtsp } },
      mjpeg: {
        driver: 'http-mjpeg',
        settings: { url: `${mjpeg.origin}/video.mjpg`, username, password: PLANTED.mjpeg },
      },
      snapshot: {
        driver: 'http-snapshot',
        settings: { url: `${snapshot.origin}/snapshot.jpg`, username, password: PLANTED.snapshot },
      },
      device: { driver: 'dahua-p2p', settings: { ...device.settings, password: PLANTED.device, relay: 'always' } },
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

test('planted secrets are found nowhere: disk, log, arguments, children, replies, exports, captures, metrics', async (context) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-secrets-'));
  context.after(() => rm(dataDir, { recursive: true, force: true }));
  await using simulator = await startSimulator({ password: PLANTED.camera });
  await using perch = await startPerch(dataDir, {
    PERCH_LOG_LEVEL: 'trace',
    PERCH_MQTT_URL: `mqtt://user:${PLANTED.mqtt}@127.0.0.1:9`,
  });
  const settings = { host: simulator.options.host, port: simulator.discoveryPort, password: PLANTED.camera };
  await perch.ok('POST', '/api/cameras', {
    ...{ name: 'Door', driver: 'iwfcam', settings },
    recording: { mode: 'continuous', segmentSeconds: 2, audio: false },
  });
  // A camera of every other driver, each with a password that it asks for; they must come live, so it was used.
  await using others = await everyOtherDriver();
  for (const [slug, camera] of Object.entries(others.cameras))
    await perch.ok('POST', '/api/cameras', { name: slug, slug, ...camera });
  await perch.ok('PATCH', '/api/cameras/door', {
    subSource: {
      driver: 'http-mjpeg',
      settings: { url: 'http://127.0.0.1:9/sub', username: 'u', password: PLANTED.sub },
    },
  });
  const drivers = await perch.ok<{ id: string }[]>('GET', '/api/drivers');
  const urls = [
    `rtsp://user:${PLANTED.url}@127.0.0.1:9/live`,
    `rtsp://127.0.0.1:9/user=admin&password=${PLANTED.query}&channel=1.sdp`,
  ];
  for (const [n, url] of drivers.some(({ id }) => id === 'rtsp') ? urls.entries() : []) {
    await perch.ok('POST', '/api/cameras', { name: `Url ${n}`, driver: 'rtsp', settings: { url } });
    await perch.ok('POST', '/api/cameras/test', { driver: 'rtsp', settings: { url } });
  }
  await perch.ok('POST', '/api/cameras/test', { driver: 'iwfcam', settings: { ...settings, password: PLANTED.wrong } });
  await perch.ok('POST', '/api/users', { username: 'v', password: PLANTED.viewer, role: 'viewer' });
  const { token } = await perch.ok<{ token: string }>('POST', '/api/tokens', { name: 't', scope: 'viewer' });
  const signIn = (password: string) =>
    fetch(`${perch.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'v', password }),
    });
  const cookie = (await signIn(PLANTED.viewer)).headers.get('set-cookie')!;
  const [session, device] = [/perch_session=([\w-]+)/.exec(cookie)![1]!, /perch_device=([\w-]+)/.exec(cookie)![1]!];
  await signIn(PLANTED.wrong);
  const replies: string[] = [];
  const get = async (path: string) => replies.push(await (await fetch(perch.url + path)).text());
  for (const secret of [token, PLANTED.wrongToken]) {
    await get(`/cameras/door/snapshot.jpg?token=${secret}`);
    await get(`/cameras/none/mjpeg?token=${secret}`);
    await get(`/nowhere?token=${secret}`);
  }
  const secrets = { ...PLANTED, token, session, deviceCookie: device, cameraToken: passwordToken(PLANTED.camera) };

  // While it records, so that ffmpeg runs; until a segment is closed, so that files are there.
  const processes = new Set<string>();
  for (;;) {
    for (const pid of descendants(perch.child.pid!)) {
      for (const name of ['cmdline', 'environ']) {
        try {
          const bytes = readFileSync(`/proc/${pid}/${name}`);
          if (bytes.includes('ffmpeg')) processes.add(name);
          search(`/proc/PID/${name}`, bytes, secrets);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === undefined) throw error; // gone is fine, found is not
        }
      }
    }
    const { segments } = await perch.ok<{ segments: { open: boolean }[] }>('GET', '/api/cameras/door/segments');
    const states = (await perch.ok<{ slug: string; status: { state: string } }[]>('GET', '/api/cameras')).filter(
      ({ slug }) => slug in others.cameras,
    );
    const areLive = states.length === 4 && states.every(({ status }) => status.state === 'live');
    if (areLive && processes.has('cmdline') && segments.some(({ open }) => !open)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const now = Date.now();
  const span = { from: new Date(now - 60_000).toISOString(), to: new Date(now).toISOString() };
  const { id: made } = await perch.ok<{ id: string }>('POST', '/api/exports', { camera: 'door', ...span });
  const headers = {
    authorization: `Bearer ${(await perch.ok<{ token: string }>('POST', '/api/tokens', { name: 'a', scope: 'admin' })).token}`,
  };
  // All cameras dial anew while they are captured, so that passwords are on the wire.
  const capture = async (slug: string) => {
    const reply = fetch(`${perch.url}/api/cameras/${slug}/capture?seconds=2`, { headers });
    const hasBegun = async () =>
      (await perch.ok<{ action: string; target: string | null }[]>('GET', '/api/audit')).some(
        ({ action, target }) => action === 'camera.captured' && target === slug,
      );
    while (!(await hasBegun())) await new Promise((resolve) => setTimeout(resolve, 20));
    await perch.ok('POST', `/api/cameras/${slug}/restart`);
    const bytes = Buffer.from(await (await reply).arrayBuffer());
    assert.ok(bytes.length > 1000, `${slug}: ${bytes.length} bytes captured`);
    search(`capture of ${slug}`, bytes, secrets);
  };
  const slugs = ['door', ...Object.keys(others.cameras)];
  // Two at a time is what Perch allows.
  while (slugs.length > 0) await Promise.all(slugs.splice(0, 2).map(capture));
  while ((await perch.ok<{ state: string }>('GET', `/api/exports/${made}`)).state !== 'done')
    await new Promise((resolve) => setTimeout(resolve, 50));
  const exported = await fetch(`${perch.url}/api/exports/${made}/media`, { headers });
  search('the export', Buffer.from(await exported.arrayBuffer()), secrets);
  search('its own arguments', readFileSync(`/proc/${perch.child.pid}/cmdline`), secrets);
  const routes = ['/api/cameras', '/api/cameras/door', '/api/drivers', '/api/users', '/api/tokens', '/api/audit'];
  for (const path of [
    ...routes,
    '/api/events?limit=500',
    '/api/settings',
    '/api/storage',
    '/api/openapi.json',
    '/healthz',
  ])
    replies.push(JSON.stringify(await perch.ok('GET', path)));
  replies.push(await (await fetch(`${perch.url}/metrics`, { headers })).text());
  for (const [n, reply] of replies.entries()) search(`reply ${n}`, reply, secrets);

  const look = (when: string) => {
    for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) search(`${when}: ${entry.name}`, readFileSync(join(entry.parentPath, entry.name)), secrets);
    }
  };
  look('while it runs');
  await perch.end('SIGTERM');
  look('at rest');
  assert.match(perch.output(), /"level":10|"level":20/, 'it did log in detail');
  search('the log', perch.output(), secrets);
});
