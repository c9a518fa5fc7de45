// Playback over HLS with a real player's demuxer: every recorded picture comes once, in both formats and across a change.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type Nvr, startNvr } from './harness.ts';

const run = promisify(execFile);
const camera = 'camera-1';
const recording = { mode: 'continuous', segmentSeconds: 6, preRollSeconds: 0, audio: true };
const iso = (ms: number) => new Date(ms).toISOString();

async function closed(nvr: Nvr, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await nvr.app.bus.next('segment.closed');
}

/** Packets of the first stream of a kind, hashed, as ffmpeg reads them. */
async function packets(input: string, kind: 'v' | 'a'): Promise<string[]> {
  const options = [
    '-v',
    'error',
    '-i',
    input,
    '-map',
    `0:${kind}:0`,
    '-c',
    'copy',
    '-f',
    'framehash',
    '-hash',
    'md5',
    '-',
  ];
  const { stdout } = await run('ffmpeg', options, { maxBuffer: 1e8 });
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)!.trim());
}

async function token(nvr: Nvr): Promise<string> {
  const made = await nvr.ok<{ token: string }>('POST', '/api/tokens', {
    name: 'player',
    scope: 'stream',
    cameras: [camera],
  });
  return made.token;
}

test('mp4: every recorded packet, untouched, by byte ranges', async () => {
  await using nvr = await startNvr({ cameras: [{ fps: 10, audio: true, recording: { ...recording, format: 'mp4' } }] });
  await closed(nvr, 3);
  await nvr.ok('POST', `/api/cameras/${camera}/recording`, { action: 'stop' });
  await closed(nvr, 1);
  const { id } = nvr.app.fleet.get(camera);
  const segments = nvr.app.recordings.index.find({ camera: id, from: 0, to: 1e15, order: 'asc', limit: 10 });
  const url = `${nvr.url}/cameras/${camera}/playback.m3u8?from=${iso(segments[0]!.startAt)}&to=${iso(segments.at(-1)!.endAt)}&token=${await token(nvr)}`;
  const text = await (await fetch(url)).text();
  assert.equal(text.match(/#EXT-X-MAP/g)?.length, segments.length);
  assert.equal(text.match(/#EXT-X-DISCONTINUITY/g)?.length, segments.length - 1);
  assert.equal(text.match(/#EXT-X-PROGRAM-DATE-TIME:(\S+)/)?.[1], iso(segments[0]!.startAt));
  for (const line of text.split('\n')) if (/^playback|URI/.test(line)) assert.match(line, /token=/);
  const target = Number(/TARGETDURATION:(\d+)/.exec(text)?.[1]);
  for (const [, seconds] of text.matchAll(/#EXTINF:([\d.]+)/g))
    assert.ok(Number(seconds) <= target + 0.5 && Number(seconds) > 0);
  const wholeMs = [...text.matchAll(/#EXTINF:([\d.]+)/g)].reduce((sum, [, seconds]) => sum + Number(seconds) * 1000, 0);
  const recordedMs = segments.reduce((sum, { startAt, endAt }) => sum + endAt - startAt, 0);
  assert.ok(Math.abs(wholeMs - recordedMs) < 5, `${wholeMs} of ${recordedMs} ms`);
  assert.ok([...text.matchAll(/#EXTINF/g)].length > segments.length, 'long files are cut into pieces');

  const expected: string[] = [];
  for (const { path } of segments) expected.push(...(await packets(nvr.app.recordings.files.absolute(path), 'v')));
  assert.equal(
    expected.length,
    segments.reduce((sum, { frames }) => sum + frames, 0),
  );
  assert.deepEqual(await packets(url, 'v'), expected);

  // A part of it begins and ends with the pieces that hold its ends.
  const middle = segments[1]!;
  const part = `${nvr.url}/cameras/${camera}/playback.m3u8?from=${iso(middle.startAt + 100)}&to=${iso(middle.startAt + 200)}`;
  const few = await (await nvr.fetch(part.slice(nvr.url.length))).text();
  assert.equal(few.match(/#EXTINF/g)?.length, 1);
  assert.doesNotMatch(few, /token=/);
});

test('mjpeg: every picture once, encoded on the way; a change of format; the open segment', async () => {
  await using nvr = await startNvr({
    cameras: [{ fps: 10, audio: true, recording: { ...recording, segmentSeconds: 10, format: 'mjpeg' } }],
  });
  await closed(nvr, 2);
  const { id } = nvr.app.fleet.get(camera);
  const [first, second] = nvr.app.recordings.index.find({ camera: id, from: 0, to: 1e15, order: 'asc', limit: 2 });
  const query = (from: number, to: number) => `/cameras/${camera}/playback.m3u8?from=${iso(from)}&to=${iso(to)}`;
  const secret = await token(nvr);
  const count = async (path: string) => (await packets(`${nvr.url}${path}&token=${secret}`, 'v')).length;
  assert.equal(await count(query(first!.startAt, second!.endAt)), first!.frames + second!.frames);
  assert.ok(
    (await packets(`${nvr.url}${query(second!.startAt, second!.endAt)}&token=${secret}`, 'a')).length > 50,
    'with sound',
  );

  await nvr.ok('PATCH', `/api/cameras/${camera}`, { recording: { format: 'mp4' } });
  await closed(nvr, 1);
  while (!nvr.app.recordings.openSegment(id)) await nvr.frames(camera, 1);
  const open = nvr.app.recordings.openSegment(id)!;
  const seen = await count(query(open.startAt, Date.now()));
  assert.ok(seen >= open.frames, `${seen} of ${open.frames}`);
  const mixed = await (await nvr.fetch(query(second!.startAt, Date.now()))).text();
  assert.match(mixed, /init\.mp4/);
  assert.match(mixed, /BYTERANGE/);

  const statuses: [string, number][] = [
    [query(0, 1000), 404],
    [query(second!.endAt, second!.startAt), 400],
    [query(0, 90_000_000), 400],
    [`/cameras/${camera}/playback.m3u8`, 400],
    [`/cameras/${camera}/playback/1.mp4`, 404],
    [`/cameras/${camera}/playback/x.mp4`, 404],
    [`/cameras/${camera}/playback/${second!.startAt}.mp4`, 404],
    [`/cameras/${camera}/playback/${second!.startAt}/..%2f..%2fx`, 404],
    [`/cameras/${camera}/playback/${second!.startAt}/999000-end.m4s`, 404],
  ];
  for (const [path, status] of statuses) assert.equal((await nvr.api('GET', path)).status, status, path);
});
