// The client against GStreamer's RTSP server: what arrives is compared with the file that was served, packet by packet.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import type { AudioFrame, Frame, VideoFrame } from '../../core/frame.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import { MatroskaWriter } from '../../media/matroska-writer.ts';
import { systemNet } from '../../net/system-net.ts';
import { GstreamerServer, gstreamerMissing } from '../../test/gstreamer-server.ts';
import { driverContext } from '../../test/source-world.ts';
import { createRtspDriver } from './index.ts';

const driver = createRtspDriver();
const skip = gstreamerMissing();
const folder = mkdtempSync(join(tmpdir(), 'perch-gst-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function ffmpeg(...args: string[]): Buffer {
  const done = spawnSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args], {
    maxBuffer: 1 << 28,
    timeout: 60_000,
  });
  assert.equal(done.status, 0, String(done.stderr));
  return done.stdout;
}

/** A file of two seconds. */
function file(name: string, video: readonly string[], audio: readonly string[] = []): string {
  const path = join(folder, name);
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25:duration=2'];
  const sound =
    audio.length > 0 ? ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=16000:duration=2', ...audio] : [];
  ffmpeg(...inputs, ...sound, ...video, path);
  return path;
}

/** SHA-256 of each packet (`copy`) or decoded picture of a file. */
function hashes(path: string, stream: string, options: readonly string[]): string[] {
  const text = ffmpeg('-i', path, '-map', stream, ...options, '-f', 'framehash', '-hash', 'sha256', '-').toString();
  return text
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => line.split(',').at(-1)!.trim());
}

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

async function take(url: string, transport: string, isEnough: (frames: readonly Frame[]) => boolean): Promise<Frame[]> {
  const abort = new AbortController();
  await using session = await driver.open({ url, transport }, driverContext(systemClock, systemNet, abort.signal));
  const frames: Frame[] = [];
  for await (const frame of session.frames()) {
    frames.push(frame);
    if (isEnough(frames)) break;
  }
  assert.equal(session.counters().framesDropped, 0);
  return frames;
}

const pictures = (frames: readonly Frame[]) => frames.filter((frame): frame is VideoFrame => frame.kind === 'video');
const sounds = (frames: readonly Frame[]) => frames.filter((frame): frame is AudioFrame => frame.kind === 'audio');

const ENCODERS = {
  h264: ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '25', '-slices', '3', '-pix_fmt', 'yuv420p'],
  h265: [
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-x265-params',
    'bframes=0:keyint=25:log-level=none:slices=2',
    '-tag:v',
    'hvc1',
  ],
};

for (const codec of ['h264', 'h265'] as const) {
  for (const transport of ['tcp', 'udp'] as const) {
    test(`${codec} over ${transport}: every access unit is the file's, and decodes to the same pictures`, {
      skip,
      timeout: 60_000,
    }, async () => {
      const path = file(`${codec}-${transport}.mp4`, ENCODERS[codec]);
      const launch = `( filesrc location=${path} ! qtdemux ! ${codec}parse ! rtp${codec}pay name=pay0 pt=96 )`;
      await using server = await GstreamerServer.start({ '/x': launch });
      const frames = pictures(await take(`rtsp://127.0.0.1:${server.port}/x`, transport, (all) => all.length >= 45));
      assert.deepEqual(
        frames.map(({ data }) => sha256(data)),
        hashes(path, '0:v', ['-c', 'copy']).slice(0, 45),
      );
      assert.deepEqual(
        frames.map(({ key }) => key),
        frames.map((_, n) => n % 25 === 0),
      );
      for (const [n, frame] of frames.entries()) assert.ok(Math.abs(frame.mediaMs! - frames[0]!.mediaMs! - n * 40) < 1);
      const [first] = frames;
      assert.deepEqual([first!.width, first!.height], [640, 360]);
      // As the recorder does it: the codec's set-up aside, access units as they are.
      const writer = new MatroskaWriter([
        { kind: 'video', codec, width: 640, height: 360, codecConfig: first!.codecConfig! },
      ]);
      const body = frames.flatMap((frame, n) => writer.frame(0, n * 40, frame.key, frame.data));
      const copy = join(folder, `${codec}-${transport}-copy.mkv`);
      writeFileSync(copy, Buffer.concat([writer.header(), ...body]));
      const decode = ['-fps_mode', 'passthrough', '-pix_fmt', 'yuv420p'];
      assert.deepEqual(hashes(copy, '0:v', decode), hashes(path, '0:v', decode).slice(0, 45));
    });
  }
}

for (const transport of ['tcp', 'udp'] as const) {
  test(`JPEG over ${transport}: every picture is a file of its own and decodes to the same pixels`, {
    skip,
    timeout: 60_000,
  }, async () => {
    const path = file(`jpeg-${transport}.mkv`, [
      '-c:v',
      'mjpeg',
      '-huffman',
      'default',
      '-pix_fmt',
      'yuvj420p',
      '-q:v',
      '4',
    ]);
    const launch = `( filesrc location=${path} ! matroskademux ! jpegparse ! rtpjpegpay name=pay0 pt=26 )`;
    await using server = await GstreamerServer.start({ '/x': launch });
    const frames = pictures(await take(`rtsp://127.0.0.1:${server.port}/x`, transport, (all) => all.length >= 40));
    const copy = join(folder, `jpeg-${transport}.mjpeg`);
    writeFileSync(copy, Buffer.concat(frames.map(({ data }) => data)));
    const decode = ['-fps_mode', 'passthrough'];
    assert.deepEqual(hashes(copy, '0:v', decode), hashes(path, '0:v', decode).slice(0, 40));
    assert.ok(
      frames.every(({ codec, key, width, height }) => codec === 'mjpeg' && key && width === 640 && height === 360),
    );
  });

  test(`AAC over ${transport}: every access unit is the file's`, { skip, timeout: 60_000 }, async () => {
    const path = file(`aac-${transport}.mp4`, ENCODERS.h264, ['-c:a', 'aac', '-b:a', '64k', '-shortest']);
    const launch =
      `( filesrc location=${path} ! qtdemux name=d d.video_0 ! queue ! h264parse ! rtph264pay name=pay0 pt=96 ` +
      'd.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )';
    await using server = await GstreamerServer.start({ '/x': launch });
    const frames = await take(`rtsp://127.0.0.1:${server.port}/x`, transport, (all) => sounds(all).length >= 25);
    const heard = sounds(frames).slice(0, 25);
    const sent = hashes(path, '0:a', ['-c', 'copy']);
    const first = sent.indexOf(sha256(heard[0]!.data));
    assert.ok(first >= 0 && first <= 2, `the first is number ${first}`);
    assert.deepEqual(
      heard.map(({ data }) => sha256(data)),
      sent.slice(first, first + heard.length),
    );
    const [{ codec, sampleRate, channels, samples, codecConfig }] = heard as [AudioFrame];
    assert.deepEqual(
      [codec, sampleRate, channels, samples, codecConfig?.length],
      ['aac', 16_000, 1, 1024, codecConfig?.length],
    );
    assert.ok(Math.abs(heard[20]!.mediaMs! - heard[0]!.mediaMs! - 20 * 64) < 1);
  });
}

test('G.711 and L16 are there with their rates', { skip, timeout: 60_000 }, async () => {
  const video =
    'videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! jpegenc ! rtpjpegpay name=pay0 pt=26 ';
  const tone = (rate: number) => `audiotestsrc is-live=true ! audio/x-raw,rate=${rate},channels=1 ! audioconvert ! `;
  const mounts = {
    '/pcma': `( ${video}${tone(8000)}alawenc ! rtppcmapay name=pay1 pt=8 )`,
    '/pcmu': `( ${video}${tone(8000)}mulawenc ! rtppcmupay name=pay1 pt=0 )`,
    '/l16': `( ${video}${tone(16_000)}rtpL16pay name=pay1 pt=98 )`,
  };
  await using server = await GstreamerServer.start(mounts);
  const expected = { pcma: ['pcma', 8000, 1], pcmu: ['pcmu', 8000, 1], l16: ['pcm-s16le', 16_000, 2] } as const;
  for (const [name, [codec, rate, bytes]] of Object.entries(expected)) {
    const frames = await take(
      `rtsp://127.0.0.1:${server.port}/${name}`,
      'tcp',
      (all) => sounds(all).length >= 5 && pictures(all).length > 0,
    );
    const block = sounds(frames)[0]!;
    assert.deepEqual([block.codec, block.sampleRate, block.data.length / block.samples], [codec, rate, bytes]);
    if (codec !== 'pcm-s16le') continue;
    // A sine of audiotestsrc is soft from sample to sample; in the wrong byte order it is noise.
    const view = new DataView(block.data.buffer, block.data.byteOffset, block.data.length);
    for (let n = 1; n < block.samples; n++)
      assert.ok(Math.abs(view.getInt16(n * 2, true) - view.getInt16(n * 2 - 2, true)) < 6000);
  }
});

test('Digest: let in with the password, refused without, not found elsewhere', { skip, timeout: 60_000 }, async () => {
  const launch =
    '( videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240 ! jpegenc ! rtpjpegpay name=pay0 pt=26 )';
  await using server = await GstreamerServer.start({ '/x': launch }, true);
  const url = `rtsp://127.0.0.1:${server.port}/x`;
  const open = (settings: Record<string, unknown>) => driver.open(settings, driverContext(systemClock, systemNet));
  await using session = await open({ url, username: 'admin', password: 'secret' });
  for await (const frame of session.frames()) if (frame.kind === 'video') break;
  await assert.rejects(open({ url, username: 'admin', password: 'wrong' }), (error: unknown) =>
    isNvrError(error, 'refused'),
  );
  await assert.rejects(open({ url }), (error: unknown) => isNvrError(error, 'refused'));
});
