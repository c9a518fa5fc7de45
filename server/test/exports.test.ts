// Exports through the whole app: every picture of the span once, both formats, cuts, cancelling, a kill, rights.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import type { Segment } from '../store/segment-index.ts';
import { assertRanges } from './conditional.ts';
import { type Nvr, startNvr, startSimulator } from './harness.ts';
import { type PerchProcess, startPerch } from './perch-process.ts';
import { until } from './recording-fixture.ts';

const run = promisify(execFile);
const camera = 'camera-1';
const recording = { mode: 'continuous', segmentSeconds: 4, preRollSeconds: 0, audio: true };
const iso = (ms: number) => new Date(ms).toISOString();

type Export = {
  id: string;
  state: string;
  progress: number;
  bytes: number;
  error: { code: string; message: string } | null;
};

async function closed(nvr: Nvr, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await nvr.app.bus.next('segment.closed');
}

async function finished(nvr: Nvr, id: string): Promise<Export> {
  for (;;) {
    const end = nvr.app.bus.next('export.finished', (fact) => fact.export === id);
    const one = await nvr.ok<Export>('GET', `/api/exports/${id}`);
    if (one.state === 'done' || one.state === 'failed') return one;
    await end;
  }
}

async function hashes(file: string): Promise<string[]> {
  const options = ['-v', 'error', '-i', file, '-map', '0:v:0', '-c', 'copy', '-f', 'framehash', '-hash', 'md5', '-'];
  const { stdout } = await run('ffmpeg', options, { maxBuffer: 1e8 });
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)!.trim());
}

const names = (folder: string) => readdirSync(folder, { recursive: true }).map(String);

async function assertDecodes(file: string): Promise<void> {
  // At the file's own times: pictures of such cameras are not evenly spaced.
  const times = ['-fps_mode', 'passthrough', '-enc_time_base:v', '1:16000'];
  assert.equal((await run('ffmpeg', ['-v', 'error', '-i', file, ...times, '-f', 'null', '-'])).stderr, '');
}

const count = async (file: string, kind: string) => {
  const { packets = [] } = await ffprobe(file, ['-show_packets', '-show_entries', 'packet=codec_type']);
  return packets.filter(({ codec_type }) => codec_type === kind).length;
};

function recorded(nvr: Nvr): Segment[] {
  const { id } = nvr.app.fleet.get(camera);
  return nvr.app.recordings.index.find({ camera: id, from: 0, to: 1e15, order: 'asc', limit: 20 });
}

async function save(nvr: Nvr, id: string): Promise<{ file: string; headers: Headers }> {
  const reply = await nvr.fetch(`/api/exports/${id}/media`);
  const file = join(nvr.dataDir, `saved-${id}.mp4`);
  await writeFile(file, Buffer.from(await reply.arrayBuffer()));
  return { file, headers: reply.headers };
}

test('mp4: the same coded pictures, sound, a readable name; a part begins with its key picture', async () => {
  await using nvr = await startNvr({
    cameras: [{ fps: 10, audio: true, name: 'Höf 1', recording: { ...recording, format: 'mp4' } }],
  });
  await closed(nvr, 4);
  const slug = nvr.app.fleet.all()[0]!.slug;
  const { id: cameraId } = nvr.app.fleet.get(slug);
  const [, first, second] = nvr.app.recordings.index.find({
    camera: cameraId,
    from: 0,
    to: 1e15,
    order: 'asc',
    limit: 3,
  });
  const span = { camera: slug, from: iso(first!.startAt), to: iso(second!.endAt) };
  const made = await nvr.api('POST', '/api/exports', span);
  assert.equal(made.status, 202);
  const { id, bytes: estimate } = made.body as Export;
  // Retention takes one of them away meanwhile: what was asked for is made all the same, or was read already.
  const done = await finished(nvr, id);
  assert.deepEqual([done.state, done.progress, done.error], ['done', 100, null]);
  assert.ok(Math.abs(done.bytes - estimate) < 0.1 * estimate, `${done.bytes} instead of ${estimate}`);
  const { file, headers } = await save(nvr, id);
  assert.match(
    headers.get('content-disposition')!,
    /attachment; filename="Hof 1 [\d -]+Z to [\d -]+Z\.mp4"; filename\*=UTF-8''H%C3%B6f/,
  );
  const { files } = nvr.app.recordings;
  const expected = [...(await hashes(files.absolute(first!.path))), ...(await hashes(files.absolute(second!.path)))];
  assert.deepEqual(await hashes(file), expected);
  assert.equal(expected.length, first!.frames + second!.frames);
  const { format } = await ffprobe(file, ['-show_format']);
  assert.ok(Math.abs(Number(format?.duration) * 1000 - (second!.endAt - first!.startAt)) < 300, format?.duration);
  assert.ok((await count(file, 'audio')) > 0.9 * ((second!.endAt - first!.startAt) / 128), 'sound all along');
  await assertDecodes(file);

  const part = await nvr.ok<Export>('POST', '/api/exports', {
    camera: slug,
    from: iso(first!.startAt + 2500),
    to: iso(second!.startAt + 1000),
  });
  assert.equal((await finished(nvr, part.id)).state, 'done');
  const some = await hashes((await save(nvr, part.id)).file);
  assert.ok(some.length < expected.length && some.length >= 20, `${some.length}`);
  const at = expected.indexOf(some[0]!);
  assert.deepEqual(expected.slice(at, at + some.length), some, 'a stretch without a hole');

  // The open segment too, up to what is flushed.
  while (!nvr.app.recordings.openSegment(cameraId)) await nvr.frames(slug, 1);
  const { startAt } = nvr.app.recordings.openSegment(cameraId)!;
  const live = await nvr.ok<Export>('POST', '/api/exports', { camera: slug, from: iso(startAt), to: iso(Date.now()) });
  assert.equal((await finished(nvr, live.id)).state, 'done');

  await assertRanges(nvr, `/api/exports/${id}/media`);
  assert.equal((await nvr.api('DELETE', `/api/exports/${id}`)).status, 204);
  assert.equal((await nvr.api('GET', `/api/exports/${id}/media`)).status, 404);
  assert.ok(!readdirSync(join(nvr.dataDir, 'exports')).some((name) => name.startsWith(id)));
});

test('mjpeg and mixed recordings become one H.264 file with every picture; rights, bad spans, cancel', async () => {
  await using nvr = await startNvr({
    cameras: [{ fps: 10, audio: true, recording: { ...recording, format: 'mjpeg' } }, { fps: 5 }],
  });
  await closed(nvr, 3);
  await nvr.ok('PATCH', `/api/cameras/${camera}`, { recording: { format: 'mp4', audio: false } });
  await closed(nvr, 3);
  const segments = recorded(nvr).slice(1);
  assert.equal(new Set(segments.map(({ codec }) => codec)).size, 2);
  const span = { camera, from: iso(segments[0]!.startAt), to: iso(segments.at(-1)!.endAt) };
  const { id } = await nvr.ok<Export>('POST', '/api/exports', span);
  const done = await finished(nvr, id);
  assert.equal(done.state, 'done', JSON.stringify(done));
  const { file } = await save(nvr, id);
  assert.equal(
    await count(file, 'video'),
    segments.reduce((sum, { frames }) => sum + frames, 0),
  );
  const { streams = [] } = await ffprobe(file, ['-show_streams']);
  assert.deepEqual(
    streams.map(({ codec_name }) => codec_name),
    ['h264', 'aac'],
  );
  await assertDecodes(file);

  const bad: [object, number][] = [
    [{ ...span, to: span.from }, 400],
    [{ ...span, from: 'yesterday' }, 400],
    [{ ...span, camera: 'none' }, 404],
    [{ camera, from: iso(0), to: iso(1000) }, 404],
    [{ camera, from: iso(0), to: iso(Date.now()) }, 400],
    [{ camera, from: iso(Date.now() + 1e7), to: iso(Date.now() + 2e7) }, 400],
    [{ ...span, more: 1 }, 400],
  ];
  for (const [body, status] of bad)
    assert.equal((await nvr.api('POST', '/api/exports', body)).status, status, JSON.stringify(body));
  const estimate = await nvr.ok<{ bytes: number; bytesFree: number }>('POST', '/api/exports/estimate', span);
  assert.ok(estimate.bytes > 0 && estimate.bytesFree > 0);

  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', {
    name: 't',
    scope: 'viewer',
    cameras: ['camera-2'],
  });
  const headers = { cookie: '', authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  for (const path of [`/api/exports/${id}`, `/api/exports/${id}/media`])
    assert.equal((await nvr.fetch(path, { headers })).status, 404);
  assert.deepEqual(await (await nvr.fetch('/api/exports', { headers })).json(), []);
  assert.equal((await nvr.fetch('/api/exports', { method: 'POST', headers, body: JSON.stringify(span) })).status, 404);
  assert.equal(
    (
      await nvr.fetch(`/api/exports/${id}`, {
        method: 'DELETE',
        headers: { cookie: '', authorization: headers.authorization },
      })
    ).status,
    404,
  );

  // Cancelled in the queue and while it runs: nothing stays.
  const orders = await Promise.all([1, 2].map(() => nvr.ok<Export>('POST', '/api/exports', span)));
  for (const order of orders.reverse()) assert.equal((await nvr.api('DELETE', `/api/exports/${order.id}`)).status, 204);
  assert.deepEqual(readdirSync(join(nvr.dataDir, 'exports')), [`${id}.mp4`]);
});

test('an export goes on after kill -9, with the pieces that were finished', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-exports-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const sim = await startSimulator({ fps: 20, audio: false });
  t.after(() => sim.stop());
  let id = '';
  let frames = 0;
  const done = () => readdirSync(join(dataDir, 'exports', `${id}.work`)).filter((name) => /^made.*mp4$/.test(name));
  {
    await using perch: PerchProcess = await startPerch(dataDir);
    await perch.ok('POST', '/api/cameras', {
      ...{ name: 'Camera 1', driver: 'iwfcam', settings: { host: sim.options.host, port: sim.discoveryPort } },
      recording: { ...recording, audio: false, segmentSeconds: 2, format: 'mjpeg' },
    });
    const folder = join(dataDir, 'recordings', camera);
    await until(() => existsSync(folder) && names(folder).filter((name) => name.endsWith('.mkv')).length >= 7);
    type Page = { segments: { start: string; end: string; frames: number; open: boolean }[] };
    const { segments } = await perch.ok<Page>('GET', `/api/cameras/${camera}/segments`);
    const whole = segments.filter(({ open }) => !open);
    frames = whole.reduce((sum, segment) => sum + segment.frames, 0);
    const span = { camera, from: whole[0]!.start, to: whole.at(-1)!.end };
    const made = await perch.ok<Export>('POST', '/api/exports', span);
    id = made.id;
    await until(() => existsSync(join(dataDir, 'exports', `${id}.work`)) && done().length > 0);
    await perch.end('SIGKILL');
  }
  const before = done();
  assert.ok(before.length > 0);
  await using perch = await startPerch(dataDir);
  await until(() => existsSync(join(dataDir, 'exports', `${id}.mp4`)));
  await until(() => !existsSync(join(dataDir, 'exports', `${id}.work`)));
  const one = await perch.ok<Export>('GET', `/api/exports/${id}`);
  assert.equal(one.state, 'done', JSON.stringify(one));
  assert.equal(await count(join(dataDir, 'exports', `${id}.mp4`), 'video'), frames);
  assert.equal(existsSync(join(dataDir, 'exports', `${id}.work`)), false);
});
