// Secrets are planted everywhere they can be given, the real process runs with them at log level trace and records; then
// everything that Perch writes, says and starts is searched for them.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ADMIN, startSimulator } from './harness.ts';
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
};

/** A secret as it would stand in bytes: plain, base64 (at all three offsets) and percent-encoded. */
function forms(secret: string): string[] {
  const base64 = [0, 1, 2].map((skip) => {
    const text = Buffer.concat([Buffer.alloc(skip), Buffer.from(secret)]).toString('base64');
    return text.slice(Math.ceil((skip * 8) / 6), text.replace(/=+$/, '').length - 2);
  });
  return [secret, ...base64, encodeURIComponent(secret)].filter((form) => form.length >= 8);
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

test('planted secrets are found nowhere: disk, log, arguments, children, replies, metrics', async (context) => {
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
  const secrets = { ...PLANTED, token, session, device };

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
    if (processes.has('cmdline') && segments.some(({ open }) => !open)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
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
  const headers = { authorization: `Bearer ${token}` };
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
