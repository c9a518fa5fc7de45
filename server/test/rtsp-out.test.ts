// RTSP out as other programs read it: ffprobe, ffmpeg, GStreamer, our own driver; cameras with all codecs and sounds.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { createRtspDriver } from '../drivers/rtsp/index.ts';
import { ownPorts } from '../net/address-rules.ts';
import { systemNet } from '../net/system-net.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { childrenOf, skip, startCodedNvr } from './coded-world.ts';
import { GstreamerServer, gstreamerMissing } from './gstreamer-server.ts';
import { freshHost, type Nvr, startNvr } from './harness.ts';
import { basic, RtspClient } from './rtsp-client.ts';
import { driverContext } from './source-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'perch-rtsp-'));
after(() => rmSync(folder, { recursive: true, force: true }));

type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

/** Runs a program to its end. */
async function run(program: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(program, args);
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

const ffmpeg = (...args: string[]) => run('ffmpeg', ['-hide_banner', '-v', 'error', ...args]);
const QUICK = ['-analyzeduration', '500000'];
const TCP = ['-rtsp_transport', 'tcp', '-timeout', '10000000', ...QUICK];

async function addressOf(nvr: Nvr): Promise<{ port: number; token: string; url: (path: string) => string }> {
  const { rtsp } = await nvr.ok<{ rtsp: { port: number } }>('GET', '/api/outputs');
  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', { name: 'x', scope: 'stream' });
  return { port: rtsp.port, token, url: (path) => `rtsp://any:${token}@127.0.0.1:${rtsp.port}/${path}` };
}

/** Codec and more of each stream. */
async function probe(url: string, more: readonly string[] = []): Promise<Record<string, unknown>[]> {
  const { out, err } = await run('ffprobe', ['-v', 'error', ...TCP, ...more, '-show_streams', '-of', 'json', url]);
  const { streams } = JSON.parse(out) as { streams?: Record<string, unknown>[] };
  assert.ok(streams, err);
  return streams;
}

/** Hashes of decoded pictures. */
async function pictureHashes(input: readonly string[], count: number): Promise<string[]> {
  const ran = await ffmpeg(
    ...input,
    '-map',
    '0:v',
    '-frames:v',
    `${count}`,
    '-fps_mode',
    'passthrough',
    '-f',
    'framehash',
    '-',
  );
  assert.equal(ran.code, 0, ran.err);
  return ran.out
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => line.split(',').at(-1)!.trim());
}

test('an H.264 camera: its own pictures for ffmpeg, GStreamer and our driver at once; JPEG; an outage and a new size', {
  skip,
  timeout: 120_000,
}, async (t) => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  const { port, token, url } = await addressOf(nvr);
  const clip = await loadClip({ source: 'testsrc', width: 320, height: 240, fps: 20, seconds: 4 });
  const start = Buffer.from([0, 0, 0, 1]);
  const units = [clip.sps, clip.pps, ...clip.pictures.flatMap((picture) => picture.units)];
  const file = join(folder, 'clip.h264');
  writeFileSync(file, Buffer.concat(units.flatMap((unit) => [start, unit])));
  const source = await pictureHashes(['-i', file], clip.pictures.length);

  const began = performance.now();
  // Without a transport ffmpeg asks for UDP first, is refused with 461, and takes TCP.
  const [first, second, gst] = await Promise.all([
    pictureHashes([...TCP, '-i', url(slug)], 45),
    pictureHashes(['-i', url(slug)], 25),
    run('gst-launch-1.0', [
      '-q',
      'rtspsrc',
      `location=${url(slug)}`,
      'latency=50',
      '!',
      'decodebin',
      '!',
      'fakesink',
      'num-buffers=20',
    ]),
  ]);
  t.diagnostic(`${Math.round(performance.now() - began)} ms for 45 pictures`);
  assert.deepEqual([gst.code, gst.err], [0, '']);
  for (const hashes of [first, second]) {
    const from = source.indexOf(hashes[0]!);
    assert.ok(from >= 0, 'begins with a picture of the camera');
    assert.deepEqual(
      hashes,
      hashes.map((_, n) => source[(from + n) % source.length]),
    );
  }
  assert.deepEqual(childrenOf('ffmpeg'), [], 'nothing is decoded or encoded');
  assert.equal((await probe(`rtsp://127.0.0.1:${port}/${slug}?token=${token}`))[0]?.codec_name, 'h264');
  const [jpeg] = await probe(url(`${slug}/jpeg`));
  assert.deepEqual([jpeg?.codec_name, jpeg?.width, jpeg?.height], ['mjpeg', 320, 240]);
  const wrong = await run('ffprobe', ['-v', 'error', ...TCP, `rtsp://admin:wrong@127.0.0.1:${port}/${slug}`]);
  assert.match(wrong.err, /401 Unauthorized/);
  const audit = await nvr.ok<{ action: string; username: string }[]>('GET', '/api/audit');
  assert.ok(audit.some(({ action, username }) => action === 'session.refused' && username === 'admin'));

  // Our own driver; Perch refuses itself as a camera, which is looked away from here.
  await assert.rejects(open(port, slug, token), /Perch itself/);
  ownPorts.delete(port);
  {
    await using session = await open(port, slug, token);
    let seen = 0;
    for await (const frame of session.frames()) if (frame.kind === 'video' && ++seen === 30) break;
    assert.equal(session.counters().framesDropped, 0);
  }

  using client = await RtspClient.open(port);
  await client.play(`rtsp://127.0.0.1:${port}/${slug}`, basic('any', token));
  await client.until(() => client.rtp().length > 10);
  await world.sim.vanish();
  await nvr.state(slug, 'backingOff');
  const held = client.rtp().length;
  await world.sim.comeBack();
  await nvr.frames(slug, 5);
  await client.until(() => client.rtp().length > held + 20);
  await world.change({ width: 640, height: 360 });
  await client.closed;
  assert.equal(client.rtcp().at(-1)![1], 203, 'a goodbye before the end');
  await nvr.frames(slug, 2);
  assert.equal((await probe(url(slug)))[0]?.width, 640);
});

const open = (port: number, slug: string, token: string) =>
  createRtspDriver().open(
    { url: `rtsp://127.0.0.1:${port}/${slug}`, username: 'x', password: token, transport: 'tcp' },
    driverContext(systemClock, systemNet),
  );

test('a JPEG camera with sound: H.264 from its one encoder and A-law, for two at once; untouched at /jpeg', {
  skip,
  timeout: 120_000,
}, async () => {
  await using nvr = await startNvr({ cameras: 1 });
  await nvr.state('camera-1', 'live');
  await nvr.frames('camera-1', 3);
  const { url } = await addressOf(nvr);
  const slow = ['-analyzeduration', '3000000'];
  const [streams, again] = await Promise.all([probe(url('camera-1'), slow), probe(url('camera-1'), slow)]);
  assert.deepEqual(
    streams.map(({ codec_name }) => codec_name),
    ['h264', 'pcm_alaw'],
  );
  assert.equal(again.length, 2);
  const [video] = streams;
  assert.deepEqual([video?.profile, video?.pix_fmt, video?.has_b_frames], ['High', 'yuv420p', 0]);
  assert.equal(childrenOf('ffmpeg').length, 1);
  const keys = await run('ffprobe', [
    ...['-v', 'error', ...TCP, '-read_intervals', '%+5', '-show_entries', 'packet=codec_type,pts_time,flags'],
    ...['-of', 'json', url('camera-1')],
  ]);
  const { packets } = JSON.parse(keys.out) as { packets: { codec_type: string; pts_time?: string; flags: string }[] };
  const times = (wanted: (packet: (typeof packets)[number]) => boolean) =>
    packets.filter((packet) => packet.pts_time !== undefined && wanted(packet)).map(({ pts_time }) => Number(pts_time));
  const keyTimes = times(({ codec_type, flags }) => codec_type === 'video' && flags.includes('K'));
  assert.ok(keyTimes.length >= 2);
  for (const [n, time] of keyTimes.entries()) if (n > 0) assert.ok(time - keyTimes[n - 1]! <= 2.2, `${keyTimes}`);
  const ends = [times(({ codec_type }) => codec_type === 'video'), times(({ codec_type }) => codec_type === 'audio')];
  assert.ok(Math.abs(ends[0]!.at(-1)! - ends[1]!.at(-1)!) < 0.7, 'sound and pictures go together');
  assert.equal((await probe(url('camera-1/jpeg')))[0]?.codec_name, 'mjpeg');
  assert.equal(nvr.app.fleet.get('camera-1').status().viewers, 0);
});

test('/sub is the second source, dialled for its reader', { skip, timeout: 60_000 }, async () => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  const clip = await loadClip({ source: 'testsrc', width: 160, height: 120, fps: 10, seconds: 2 });
  const sim = { net: systemNet, clock: systemClock, host: freshHost(), port: 0, clip };
  await using second = await RtspSimulator.start(sim);
  const { port, token } = await addressOf(nvr);
  using early = await RtspClient.open(port);
  const address = `rtsp://127.0.0.1:${port}/${slug}/sub`;
  assert.equal((await early.ask('DESCRIBE', address, basic('x', token))).status, 404);
  await nvr.app.fleet.change(slug, { subSource: { driver: 'rtsp', settings: { url: second.url } } });
  using client = await RtspClient.open(port);
  const sdp = await client.play(address, basic('x', token));
  const main = await RtspClient.open(port);
  assert.notEqual(
    sdp.match(/sprop\S+/)?.[0],
    (await main.play(address.replace('/sub', ''), basic('x', token))).match(/sprop\S+/)?.[0],
  );
  main[Symbol.dispose]();
  await client.until(() => client.rtp().filter(({ marker }) => marker).length > 5);
  assert.equal(nvr.app.fleet.get(slug).sub.connection?.shown, true);
  await nvr.app.fleet.change(slug, { subSource: { driver: 'rtsp', settings: { url: 'rtsp://127.0.0.1:9/x' } } });
  using late = await RtspClient.open(port);
  assert.equal((await late.ask('DESCRIBE', address, basic('x', token))).status, 503);
});

test('a taken port is a warning that the API tells, a port that is off is neither', { timeout: 30_000 }, async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const outputs = async (rtspPort: number | null) => {
    await using nvr = await startNvr({ config: { rtspPort } });
    return (await nvr.ok<{ rtsp: { port: number | null; warning: string | null } }>('GET', '/api/outputs')).rtsp;
  };
  const taken = await outputs(port);
  assert.equal(taken.port, null);
  assert.match(taken.warning ?? '', new RegExp(`127\\.0\\.0\\.1:${port} is in use.*PERCH_RTSP_PORT`));
  assert.deepEqual(await outputs(null), { port: null, warning: null });
  other.close();
});

const VIDEO = 'videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=20/1 !';
const SOUND = 'audiotestsrc is-live=true ! audioconvert ! audio/x-raw,channels=1';
const MOUNTS = {
  '/h265-aac': `( ${VIDEO} x265enc tune=zerolatency speed-preset=ultrafast key-int-max=20 ! rtph265pay name=pay0 pt=96 ${SOUND},rate=48000 ! avenc_aac ! rtpmp4gpay name=pay1 pt=97 )`,
  '/h264-b-pcmu': `( ${VIDEO} x264enc speed-preset=veryfast bframes=2 key-int-max=20 b-adapt=false ! video/x-h264,profile=main ! rtph264pay name=pay0 pt=96 ${SOUND},rate=8000 ! mulawenc ! rtppcmupay name=pay1 )`,
  '/h264-l16': `( ${VIDEO} x264enc tune=zerolatency speed-preset=ultrafast key-int-max=20 ! rtph264pay name=pay0 pt=96 ${SOUND},rate=16000 ! rtpL16pay name=pay1 pt=97 )`,
};

test('H.265 with AAC, H.264 with B pictures and µ-law, L16: copied, with sound, in sync; also as MP4 and WAV', {
  skip: skip || gstreamerMissing(),
  timeout: 120_000,
}, async (t) => {
  await using server = await GstreamerServer.start(MOUNTS);
  await using nvr = await startNvr();
  for (const path of Object.keys(MOUNTS)) {
    const settings = { url: `rtsp://127.0.0.1:${server.port}${path}` };
    await nvr.app.fleet.add({ name: path.slice(1), driver: 'rtsp', settings });
  }
  const slugs = Object.keys(MOUNTS).map((path) => path.slice(1));
  await Promise.all(slugs.map((slug) => nvr.state(slug, 'live')));
  await Promise.all(slugs.map((slug) => nvr.frames(slug, 45)));
  const { url, token } = await addressOf(nvr);
  const wanted: Record<string, string[]> = {
    'h265-aac': ['hevc', 'aac'],
    'h264-b-pcmu': ['h264', 'pcm_mulaw'],
    'h264-l16': ['h264', 'pcm_s16be'],
  };
  await Promise.all(slugs.map(checkOne));

  async function checkOne(slug: string): Promise<void> {
    const { out } = await run('ffprobe', [
      ...['-v', 'error', ...TCP, '-read_intervals', '%+3', '-show_packets', '-show_streams', '-of', 'json', url(slug)],
    ]);
    const { streams, packets } = JSON.parse(out) as {
      streams: { codec_name: string; has_b_frames?: number }[];
      packets: { stream_index: number; pts_time?: string }[];
    };
    assert.deepEqual(
      streams.map(({ codec_name }) => codec_name),
      wanted[slug],
      slug,
    );
    const [pictures, sounds] = [0, 1].map((index) =>
      packets
        .filter(({ stream_index, pts_time }) => stream_index === index && pts_time !== undefined)
        .map(({ pts_time }) => Number(pts_time)),
    ) as [number[], number[]];
    t.diagnostic(
      `${slug}: ${pictures.length} pictures, ${sounds.length} blocks; begin ${pictures[0]} and ${sounds[0]}`,
    );
    assert.ok(pictures.length > 30 && sounds.length > 12);
    assert.ok(
      Math.abs(Math.min(...pictures) - sounds[0]!) < 0.35 && Math.abs(Math.max(...pictures) - sounds.at(-1)!) < 0.35,
    );
    if (slug === 'h264-b-pcmu') {
      assert.ok(
        pictures.some((time, n) => n > 0 && time < pictures[n - 1]!),
        'out of order, as they were coded',
      );
      const sorted = [...pictures].sort((a, b) => a - b);
      for (const [n, time] of sorted.entries()) if (n > 0) assert.ok(Math.abs(time - sorted[n - 1]! - 0.05) < 0.004);
    }
    const media = (path: string) => `${nvr.url}/cameras/${slug}/${path}?token=${token}`;
    const mp4 = await hear(media('live.mp4'));
    const [videoName = '', audioName = ''] = wanted[slug]!;
    assert.match(mp4.said, new RegExp(`Video: ${videoName}`), slug);
    assert.match(mp4.said, /Audio: aac/, `${slug} instead of ${audioName}`);
    assert.ok(mp4.loudness > -40, `${slug}: sound in live.mp4`);
    assert.ok((await hear(media('audio.wav'))).loudness > -40, `${slug}: audio.wav`);
    const compressed = await fetch(media('audio'));
    const isAac = slug === 'h265-aac';
    assert.equal(compressed.headers.get('content-type'), isAac ? 'audio/aac' : 'audio/x-ima-adpcm');
    await compressed.body?.cancel();
    if (isAac) assert.ok((await hear(media('audio'))).loudness > -40, 'ADTS');
  }
});

/** What ffmpeg says of a stream, and the mean volume of half a second, in dB. */
async function hear(url: string): Promise<{ said: string; loudness: number }> {
  const listen = ['-vn', '-t', '0.5', '-af', 'volumedetect', '-f', 'null', '-'];
  const { err } = await run('ffmpeg', ['-hide_banner', ...QUICK, '-i', url, ...listen]);
  const loudness = Number(/mean_volume: (-?[\d.]+) dB/.exec(err)?.[1] ?? Number.NEGATIVE_INFINITY);
  return { said: err, loudness };
}
