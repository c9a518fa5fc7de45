// Recording through the whole app: a simulated camera with sound, files on disk, and everything HTTP does with them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import { assertRanges } from './conditional.ts';
import { type Nvr, startNvr } from './harness.ts';

type Segment = {
  id: string;
  start: string;
  end: string;
  durationMs: number;
  frames: number;
  bytes: number;
  open: boolean;
  endReason: string;
  codec: string;
};
type Page = { segments: Segment[]; next: string | null };

const run = promisify(execFile);
const recording = { mode: 'continuous', segmentSeconds: 2, preRollSeconds: 0 };

async function closedSegments(nvr: Nvr, camera: string, count: number): Promise<Segment[]> {
  for (;;) {
    const { segments } = await nvr.ok<Page>('GET', `/api/cameras/${camera}/segments`);
    const closed = segments.filter(({ open }) => !open);
    if (closed.length >= count) return closed;
    await nvr.app.bus.next('segment.closed');
  }
}

for (const format of ['mp4', 'mjpeg'] as const) {
  test(`record, list, read by range, watch, protect, delete (${format})`, async () => {
    await using nvr = await startNvr({ cameras: [{ fps: 10, audio: true, recording: { ...recording, format } }] });
    const camera = 'camera-1';
    const closed = await closedSegments(nvr, camera, 4);
    // The first is cut short by the boundary; those between follow one another without a gap.
    for (const [n, { start, end, durationMs }] of closed.slice(1).entries()) {
      assert.equal(start, closed[n]!.end);
      if (n > 0) assert.ok(Math.abs(durationMs - 2000) < 400, `${durationMs} ms`);
      const boundaries = Math.floor(Date.parse(end) / 2000) - Math.floor(Date.parse(start) / 2000);
      assert.equal(boundaries, 1, `${start} to ${end}`);
    }
    const segment = closed[2]!;
    assert.equal(segment.codec, format === 'mp4' ? 'h264' : 'mjpeg');
    assert.equal(segment.endReason, 'boundary');

    const file = join(nvr.dataDir, 'recordings', nvr.app.recordings.index.get(segment.id)!.path);
    const {
      streams = [],
      packets = [],
      format: container,
    } = await ffprobe(file, ['-show_streams', '-show_packets', '-show_format']);
    assert.deepEqual(
      streams.map(({ codec_name }) => codec_name),
      [format === 'mp4' ? 'h264' : 'mjpeg', 'aac'],
    );
    assert.equal(packets.filter(({ codec_type }) => codec_type === 'video').length, segment.frames);
    assert.ok(Math.abs(Number(container?.duration) * 1000 - segment.durationMs) < 400, `${container?.duration}`);
    // At the file's own times: on a busy machine the pictures are not evenly spaced.
    const times = ['-fps_mode', 'passthrough', '-enc_time_base:v', '1:16000'];
    const { stderr } = await run('ffmpeg', ['-v', 'error', '-i', file, ...times, '-f', 'null', '-']);
    assert.equal(stderr, '', 'decodes without a complaint');

    const url = `/api/segments/${segment.id}/media`;
    const whole = await nvr.fetch(url);
    const bytes = Buffer.from(await whole.arrayBuffer());
    assert.equal(whole.status, 200);
    assert.equal(bytes.length, segment.bytes);
    assert.equal(whole.headers.get('accept-ranges'), 'bytes');
    assert.match(
      whole.headers.get('content-disposition') ?? '',
      /filename="Camera 1 \d{4}-\d\d-\d\d \d\d-\d\d-\d\dZ\.(mp4|mkv)"/,
    );
    await assertRanges(nvr, url);
    assert.equal((await nvr.api('GET', '/api/segments/seg_none/media')).status, 404);

    const shown = await nvr.fetch(`/api/segments/${segment.id}/thumbnail.jpg`);
    const thumbnail = Buffer.from(await shown.arrayBuffer());
    const [etag, date] = [shown.headers.get('etag')!, shown.headers.get('last-modified')!];
    for (const headers of [{ 'if-none-match': etag }, { 'if-modified-since': date }])
      assert.equal((await nvr.fetch(`/api/segments/${segment.id}/thumbnail.jpg`, { headers })).status, 304);
    const sizeless = await nvr.fetch(`/api/segments/${segment.id}/thumbnail.jpg`, { method: 'HEAD' });
    assert.deepEqual([sizeless.status, sizeless.headers.get('etag')], [200, etag]);
    assert.equal(thumbnail.subarray(0, 2).toString('hex'), 'ffd8');
    const played = await nvr.fetch(`/api/segments/${segment.id}/play.mp4`);
    assert.equal(played.headers.get('content-type'), 'video/mp4');
    assert.equal(
      Buffer.from(await played.arrayBuffer())
        .subarray(4, 8)
        .toString(),
      'ftyp',
    );

    await nvr.ok('PATCH', `/api/segments/${segment.id}`, { protected: true });
    assert.equal((await nvr.ok<{ protected: boolean }>('GET', `/api/segments/${segment.id}`)).protected, true);
    assert.equal((await nvr.api('DELETE', `/api/segments/${segment.id}`)).status, 204);
    assert.equal(existsSync(file), false);
    assert.equal((await nvr.api('GET', url)).status, 404);

    type Stored = { slug: string; bytes: number; segments: number; history: { day: string; bytes: number }[] };
    await nvr.ok('PATCH', '/api/settings', { maxRecordingBytes: 5_000_000_000, minFreeBytes: 0 });
    const storage = await nvr.ok<{ bytesFree: number; maxBytes: number; state: string; cameras: Stored[] }>(
      'GET',
      '/api/storage?days=2',
    );
    assert.deepEqual([storage.state, storage.maxBytes], ['ok', 5_000_000_000]);
    const { bytes: kept, history } = storage.cameras[0]!;
    assert.equal(
      history.reduce((sum, day) => sum + day.bytes, 0),
      kept,
    );
    assert.match(history[0]!.day, /^\d{4}-\d\d-\d\d$/);
    assert.equal((await nvr.api('GET', '/api/storage?days=x')).status, 400);
    assert.equal(storage.cameras[0]?.slug, camera);
    assert.ok(storage.bytesFree > 0 && storage.cameras[0]!.segments >= 3);
    assert.equal((await nvr.ok<{ segments: number }[]>('GET', `/api/cameras/${camera}/days`)).length > 0, true);
  });
}

test('by hand, pages, the open segment, and what a limited viewer sees', async () => {
  await using nvr = await startNvr({
    cameras: [{ fps: 10, audio: false, recording: { ...recording, mode: 'off', format: 'mjpeg' } }, { fps: 5 }],
  });
  const camera = 'camera-1';
  await nvr.state(camera, 'live');
  const status = async () => (await nvr.ok<{ status: { recording: boolean } }>('GET', `/api/cameras/${camera}`)).status;
  assert.equal((await status()).recording, false);
  const opened = nvr.app.bus.next('segment.opened');
  assert.deepEqual(await nvr.ok('POST', `/api/cameras/${camera}/recording`, { action: 'start' }), {
    action: 'start',
    recording: true,
  });
  await opened;
  assert.equal((await status()).recording, true);
  await closedSegments(nvr, camera, 3);
  let open: Segment | undefined;
  while (!open)
    open = (await nvr.ok<Page>('GET', `/api/cameras/${camera}/segments`)).segments.find((segment) => segment.open);
  const media = await nvr.fetch(`/api/segments/${open.id}/media`);
  assert.equal(media.status === 200 || media.status === 404, true, 'it may have been closed in between');
  await media.arrayBuffer();

  await nvr.ok('POST', `/api/cameras/${camera}/recording`, { action: 'stop' });
  await nvr.app.bus.next('segment.closed', () => true);
  const all = (await nvr.ok<Page>('GET', `/api/cameras/${camera}/segments?limit=1000`)).segments.map(({ id }) => id);
  for (const order of ['asc', 'desc']) {
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await nvr.ok<Page>('GET', `/api/cameras/${camera}/segments?limit=2&order=${order}${cursor}`);
      seen.push(...page.segments.map(({ id }) => id));
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    assert.deepEqual(order === 'asc' ? seen : seen.reverse(), all);
  }
  assert.equal((await nvr.api('GET', `/api/cameras/${camera}/segments?cursor=!`)).status, 400);

  // As if the clock had been set back: the last two lose their time to a later recording.
  const { index } = nvr.app.recordings;
  const [first, second] = all.slice(-2).map((id) => index.get(id)!);
  index.add({
    ...first!,
    id: 'seg_later',
    path: `${first!.path}-later`,
    startAt: first!.startAt,
    endAt: second!.endAt,
  });
  const lost: string[] = [];
  for (let cursor = ''; ; ) {
    const page = await nvr.ok<Page>('GET', `/api/cameras/${camera}/segments?displaced=true&limit=1${cursor}`);
    lost.push(...page.segments.map(({ id }) => id));
    if (page.next === null) break;
    cursor = `&cursor=${page.next}`;
  }
  assert.deepEqual(lost, all.slice(-2));
  type Displaced = { cameras: { displaced: { segments: number; bytes: number } }[] };
  const [taken] = (await nvr.ok<Displaced>('GET', '/api/storage')).cameras;
  assert.deepEqual(taken?.displaced, { segments: 2, bytes: first!.bytes + second!.bytes });
  index.forget('seg_later');
  assert.equal((await nvr.api('POST', `/api/cameras/${camera}/recording`, { action: 'now' })).status, 400);

  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', {
    name: 'other',
    scope: 'viewer',
    cameras: ['camera-2'],
  });
  const headers = { cookie: '', authorization: `Bearer ${token}` };
  for (const path of [
    `/api/segments/${all[0]}/media`,
    `/api/segments/${all[0]}`,
    `/api/cameras/${camera}/segments`,
    `/api/segments/${all[0]}/thumbnail.jpg`,
    `/api/segments/open_${nvr.app.fleet.get(camera).id}/media`,
  ]) {
    assert.equal((await nvr.fetch(path, { headers })).status, 404, path);
  }
  const { cameras } = (await (await nvr.fetch('/api/storage', { headers })).json()) as { cameras: unknown[] };
  assert.deepEqual(cameras, []);
  const bare = await fetch(`${nvr.url}/api/segments/${all[0]}/media`);
  assert.match(bare.headers.get('www-authenticate') ?? '', /^Basic/);
});

test('an end in order leaves no part; the camera may be away and come back', async () => {
  await using nvr = await startNvr({
    cameras: [{ fps: 10, recording: { ...recording, segmentSeconds: 3600, format: 'mp4' } }],
  });
  await nvr.frames('camera-1', 20);
  const started = performance.now();
  await nvr.stopApp();
  assert.ok(performance.now() - started < 5000);
  const folder = join(nvr.dataDir, 'recordings/camera-1');
  const [day] = readdirSync(folder);
  const names = readdirSync(join(folder, day!));
  assert.equal(names.length, 1);
  assert.match(names[0]!, /Z\.mp4$/);
});
