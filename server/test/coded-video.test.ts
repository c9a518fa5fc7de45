// An H.264 camera as video: live.mp4 and HLS judged by ffprobe, fragments over the live socket, outage and a new size.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { childrenOf, skip, startCodedNvr } from './coded-world.ts';
import { startNvr } from './harness.ts';
import { LiveClient } from './live/live-client.ts';

/** Runs a program to its end. */
async function run(
  program: string,
  args: readonly string[],
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(program, args);
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, out, err };
}

/** Without it ffmpeg rounds times to the frame rate that it guesses. */
const OWN_TIMES = ['-enc_time_base', '1:90000', '-f', 'null', '-'];
const PROBE = ['-v', 'warning', '-show_entries', 'stream=codec_name,codec_tag_string,width,height', '-of', 'csv=p=0'];

test('live.mp4 is the camera’s H.264, copied, for ffprobe and ffmpeg; no process of ours', {
  skip,
  timeout: 60_000,
}, async () => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', { name: 'x', scope: 'stream' });
  const url = `${nvr.url}/cameras/${slug}/live.mp4?token=${token}`;
  const probed = await run('ffprobe', [...PROBE, url]);
  assert.equal(probed.out.trim(), 'h264,avc1,320,240', probed.err);
  const decoded = await run('ffmpeg', ['-v', 'warning', '-i', url, '-frames:v', '30', ...OWN_TIMES]);
  assert.deepEqual([decoded.code, decoded.err], [0, '']);
  assert.deepEqual(childrenOf('ffmpeg'), []);
  const head = await nvr.fetch(`/cameras/${slug}/live.mp4`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'video/mp4']);
});

test('HLS: every URI carries the token; ffprobe and ffmpeg play it', { skip, timeout: 60_000 }, async () => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', { name: 'x', scope: 'stream' });
  const url = `${nvr.url}/cameras/${slug}/hls/index.m3u8?token=${token}`;
  const reply = await fetch(url);
  assert.equal(reply.headers.get('content-type'), 'application/vnd.apple.mpegurl');
  const playlist = await reply.text();
  for (const [, uri = ''] of playlist.matchAll(/(?:URI="|^)([^"#\s]+\.(?:mp4|m4s)[^"\s]*)/gm)) {
    assert.ok(uri.endsWith(`?token=${token}`), uri);
    const piece = await fetch(new URL(uri, url));
    assert.deepEqual([piece.status, piece.headers.get('content-type')], [200, 'video/mp4']);
    await piece.arrayBuffer();
  }
  assert.match(playlist, /EXT-X-MAP/);
  const probed = await run('ffprobe', [...PROBE, '-allowed_extensions', 'ALL', url]);
  assert.match(probed.out, /h264,avc1,320,240/, probed.err);
  const decoded = await run('ffmpeg', [
    '-v',
    'error',
    '-i',
    url,
    '-frames:v',
    '60',
    '-enc_time_base',
    '1:90000',
    '-f',
    'null',
    '-',
  ]);
  assert.deepEqual([decoded.code, decoded.err], [0, '']);
  assert.equal((await fetch(`${nvr.url}/cameras/${slug}/hls/segment-99999.m4s?token=${token}`)).status, 404);
});

test('the socket gives format, beginning and all since the newest key picture at once; a new size is a new format', {
  skip,
  timeout: 60_000,
}, async (t) => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  using socket = await LiveClient.open(nvr.port, { cookie: nvr.cookie });
  const began = performance.now();
  socket.send({ type: 'subscribe', id: 1, camera: slug, kind: 'mp4' });
  const format = await socket.text('format');
  assert.match(String(format.mime), /^video\/mp4; codecs="avc1\.[0-9a-f]{6}"$/);
  assert.deepEqual([format.width, format.height, format.sound], [320, 240, false]);
  const init = await socket.picture(1);
  const first = await socket.picture(1);
  t.diagnostic(`${Math.round(performance.now() - began)} ms to the first picture`);
  assert.deepEqual([init.kind, init.jpeg.toString('latin1', 4, 8)], [2, 'ftyp']);
  assert.deepEqual([first.kind, first.flags & 4, first.jpeg.toString('latin1', 4, 8)], [3, 4, 'moof']);
  let seq = first.seq;
  for (let n = 0; n < 30; n++) {
    socket.send({ type: 'ack', id: 1, seq });
    seq = (await socket.picture(1)).seq;
  }
  await world.change({ width: 640, height: 360 });
  socket.send({ type: 'ack', id: 1, seq });
  const changed = await socket.text('format');
  assert.deepEqual([changed.width, changed.height], [640, 360]);
  for (;;) {
    const message = await socket.picture(1);
    socket.send({ type: 'ack', id: 1, seq: message.seq });
    if (message.kind === 2) break;
  }
  assert.equal((await socket.picture(1)).flags & 4, 4);
});

test('a JPEG camera as MP4 goes through its one encoder, its sound through another only when it is wanted', {
  skip,
  timeout: 60_000,
}, async () => {
  await using nvr = await startNvr({ cameras: 1 });
  await nvr.state('camera-1', 'live');
  await nvr.frames('camera-1', 3);
  using socket = await LiveClient.open(nvr.port, { cookie: nvr.cookie });
  socket.send({ type: 'subscribe', id: 1, camera: 'camera-1', kind: 'mp4', sound: false });
  assert.match(String((await socket.text('format')).mime), /"avc1\.64[0-9a-f]{4}"/);
  assert.equal((await socket.picture(1)).kind, 2);
  assert.equal((await socket.picture(1)).kind, 3);
  assert.equal(childrenOf('ffmpeg').length, 1);
  socket.send({ type: 'subscribe', id: 2, camera: 'camera-1', kind: 'mp4' });
  const format = await socket.text('format');
  assert.match(String(format.mime), /"avc1\.64[0-9a-f]{4},mp4a\.40\.2"/);
  assert.equal(format.sound, true);
  for (let tracks = new Set<number>(); !tracks.has(2); ) {
    const message = await socket.picture(2);
    socket.send({ type: 'ack', id: 2, seq: message.seq });
    if (message.kind === 3) tracks = tracksIn(message.jpeg);
  }
  assert.equal(childrenOf('ffmpeg').length, 2);
});

/** The tracks of all fragments of a message: the number behind version and flags of each tfhd. */
function tracksIn(bytes: Buffer): Set<number> {
  const tracks = new Set<number>();
  for (let at = bytes.indexOf('tfhd'); at >= 0; at = bytes.indexOf('tfhd', at + 1))
    tracks.add(bytes.readUInt32BE(at + 8));
  return tracks;
}
