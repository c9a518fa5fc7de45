// The drivers with an address in the whole app: test before saving, add with credentials in the address, live, recorded as
// an ordinary file, killed and back.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { systemClock } from '../core/clock.ts';
import { jpegSize } from '../media/jpeg.ts';
import { systemNet } from '../net/system-net.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { HttpCameraSimulator } from '../sim/http-mjpeg/simulator.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { GstreamerServer, gstreamerMissing } from './gstreamer-server.ts';
import { freshHost, type Nvr, startNvr } from './harness.ts';

const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';
const world = () => ({ net: systemNet, clock: systemClock, host: freshHost(), port: 0 });
const clipOf = () => loadClip({ source: 'testsrc', width: 320, height: 240, fps: 20, seconds: 2 });

type Added = { readonly id: string; readonly slug: string; readonly settings: Record<string, unknown> };

const jpegSizeOf = (url: unknown) =>
  jpegSize(Buffer.from(String(url).replace('data:image/jpeg;base64,', ''), 'base64'));

/** Waits until the camera has a closed segment. */
async function segment(nvr: Nvr, slug: string): Promise<{ id: string; codec: string; frames: number }> {
  await nvr.app.bus.next('segment.closed', (fact) => fact.slug === slug);
  const { segments } = await nvr.ok<{ segments: Array<{ id: string; codec: string; frames: number; open: boolean }> }>(
    'GET',
    `/api/cameras/${slug}/segments`,
  );
  return segments.find(({ open }) => !open)!;
}

test('an RTSP camera: tested, added with its password in the address, recorded, killed, back', {
  skip,
  timeout: 90_000,
}, async () => {
  await using sim = await RtspSimulator.start({ ...world(), clip: await clipOf(), auth: 'digest-sha256' });
  await using nvr = await startNvr();
  const pasted = sim.url.replace('://', '://admin:secret@');
  const tested = await nvr.ok('POST', '/api/cameras/test', { driver: 'rtsp', settings: { url: pasted } });
  assert.deepEqual([tested.ok, tested.codec, tested.width, tested.height], [true, 'h264', 320, 240]);
  assert.deepEqual(jpegSizeOf(tested.snapshot), { width: 320, height: 240 }, 'a key picture, decoded');
  const wrong = await nvr.ok('POST', '/api/cameras/test', {
    driver: 'rtsp',
    settings: { url: sim.url, username: 'admin', password: 'no' },
  });
  assert.deepEqual([wrong.ok, (wrong.error as { code: string }).code], [false, 'refused']);

  const added = await nvr.ok<Added>('POST', '/api/cameras', {
    ...{ name: 'Door', driver: 'rtsp', settings: { url: pasted } },
    recording: { mode: 'continuous', segmentSeconds: 2 },
  });
  assert.deepEqual(added.settings, { url: sim.url, username: 'admin', password: '********', transport: 'tcp' });
  await nvr.state(added.slug, 'live');
  const masked = { driver: 'rtsp', settings: added.settings, camera: added.slug };
  const again = await nvr.ok('POST', '/api/cameras/test', masked);
  assert.deepEqual([again.firstFrameMs, jpegSizeOf(again.snapshot)], [0, { width: 320, height: 240 }]);
  const { id, codec } = await segment(nvr, added.slug);
  assert.equal(codec, 'h264');
  const file = Buffer.from(await (await nvr.fetch(`/api/segments/${id}/media`)).arrayBuffer());
  const probe = spawnSync(
    'ffprobe',
    ['-v', 'error', '-count_frames', '-show_entries', 'stream=codec_name,width,nb_read_frames', '-of', 'json', '-'],
    { input: file },
  );
  const { streams } = JSON.parse(probe.stdout.toString()) as { streams: Array<Record<string, string | number>> };
  assert.deepEqual([streams[0]!.codec_name, streams[0]!.width], ['h264', 320]);
  assert.ok(Number(streams[0]!.nb_read_frames) >= 10);
  assert.equal(probe.stderr.toString(), '');

  await sim.vanish();
  await nvr.state(added.slug, 'backingOff');
  await sim.comeBack();
  await nvr.state(added.slug, 'live');
  await nvr.frames(added.slug, 3);
  assert.equal(sim.stats.mostPlaying, 1);
  // The stored password does not follow a new address.
  const moved = await nvr.api('PATCH', `/api/cameras/${added.slug}`, {
    settings: { url: 'rtsp://127.0.0.1:9/x', password: '********' },
  });
  assert.equal(moved.status, 400);
});

for (const [driver, path] of [
  ['http-mjpeg', '/video.mjpg'],
  ['http-snapshot', '/snapshot.jpg'],
] as const) {
  test(`${driver}: tested with a picture, added, recorded untouched`, { skip, timeout: 90_000 }, async () => {
    const pictures = new CountedPictures({ width: 320, height: 240, minBytes: 4000, maxBytes: 9000, count: 60 });
    await using sim = await HttpCameraSimulator.start({ ...world(), pictures, fps: 10, auth: 'digest-md5' });
    await using nvr = await startNvr();
    const settings = { url: sim.origin + path, username: 'admin', password: 'secret', intervalMs: 100 };
    const tested = await nvr.ok('POST', '/api/cameras/test', { driver, settings });
    assert.deepEqual([tested.ok, tested.codec, tested.width], [true, 'mjpeg', 320]);
    assert.match(String(tested.snapshot), /^data:image\/jpeg;base64,/);
    const added = await nvr.ok<Added>('POST', '/api/cameras', {
      ...{ name: 'Yard', driver, settings },
      recording: { mode: 'continuous', segmentSeconds: 2, format: 'mjpeg' },
    });
    await nvr.state(added.slug, 'live');
    assert.equal((await segment(nvr, added.slug)).codec, 'mjpeg');
    const snapshot = Buffer.from(await (await nvr.fetch(`/cameras/${added.slug}/snapshot.jpg`)).arrayBuffer());
    const isUntouched = Array.from({ length: 60 }, (_, n) => pictures.picture(n).data).some((data) =>
      snapshot.equals(data),
    );
    assert.ok(isUntouched, 'the snapshot is a picture of the camera, byte for byte');
  });
}

const noPeer = skip || gstreamerMissing();
test('a camera that is not ours, H.265 with G.711 sound: recorded as a file with both', {
  skip: noPeer,
  timeout: 90_000,
}, async () => {
  const launch =
    '( videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=20/1 ! ' +
    'x265enc tune=zerolatency key-int-max=20 speed-preset=ultrafast ! rtph265pay name=pay0 pt=96 ' +
    'audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8 )';
  await using server = await GstreamerServer.start({ '/x': launch });
  await using nvr = await startNvr();
  const { slug } = await nvr.ok<Added>('POST', '/api/cameras', {
    ...{ name: 'Peer', driver: 'rtsp', settings: { url: `rtsp://127.0.0.1:${server.port}/x` } },
    recording: { mode: 'continuous', segmentSeconds: 3 },
  });
  await segment(nvr, slug);
  const { id, codec } = await segment(nvr, slug);
  assert.equal(codec, 'h265');
  const file = Buffer.from(await (await nvr.fetch(`/api/segments/${id}/media`)).arrayBuffer());
  const show = [
    '-v',
    'error',
    '-count_frames',
    '-show_entries',
    'stream=codec_name,codec_tag_string,nb_read_frames',
    '-of',
    'json',
    '-',
  ];
  const probe = spawnSync('ffprobe', show, { input: file });
  const { streams } = JSON.parse(probe.stdout.toString()) as { streams: Array<Record<string, string>> };
  assert.deepEqual(
    streams.map(({ codec_name, codec_tag_string }) => [codec_name, codec_tag_string]),
    [
      ['hevc', 'hvc1'],
      ['aac', 'mp4a'],
    ],
  );
  assert.ok(Number(streams[0]!.nb_read_frames) >= 20 && Number(streams[1]!.nb_read_frames) >= 8);
  assert.equal(probe.stderr.toString(), '');
});

test('a bad address is refused in well under 300 ms, naming the field, and Perch is no camera of its own', {
  timeout: 60_000,
}, async () => {
  await using nvr = await startNvr();
  for (const url of ['file:///etc/passwd', 'concat:rtsp://a|b', 'pipe:0', 'data:,x', 'http://10.0.0.1/x']) {
    const began = performance.now();
    const reply = await nvr.api('POST', '/api/cameras/test', { driver: 'rtsp', settings: { url } });
    assert.equal(reply.status, 400, url);
    assert.match((reply.body as { detail: string }).detail, /url/);
    assert.ok(performance.now() - began < 300);
  }
  const own = await nvr.ok('POST', '/api/cameras/test', {
    driver: 'http-mjpeg',
    settings: { url: `http://127.0.0.1:${nvr.port}/cameras/x/mjpeg` },
  });
  assert.match((own.error as { message: string }).message, /Perch itself/);
});
