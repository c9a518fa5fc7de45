// Command-line clients against the running stack: curl, ffprobe, ffmpeg, ffplay, sox.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureNumber } from '../sim/counted-pictures.ts';
import { ADMIN } from './harness.ts';
import { missing, run, scratch, startStage } from './live/tools.ts';

const RATE = 8000;
const TONE_HZ = 440;

test('curl reads /mjpeg and /frames, with a token and with name and password', { skip: missing('curl') }, async () => {
  await using stage = await startStage();
  const multipart = await run('curl', ['-sN', '--max-time', '2', stage.url('mjpeg')]);
  assert.equal(multipart.code, 28, 'it goes on until curl has enough');
  assert.equal(multipart.out.toString('latin1', 0, 35), '--frame\r\nContent-Type: image/jpeg\r\n');
  const frames = await run('curl', [
    ...['-sN', '--max-time', '2', '--anyauth', '-u', `${ADMIN.username}:${ADMIN.password}`],
    `http://127.0.0.1:${stage.nvr.port}/cameras/porch/frames`,
  ]);
  assert.equal(frames.code, 28);
  assert.deepEqual([...frames.out.subarray(0, 2)], [0xff, 0xd8]);
  const snapshot = await run('curl', ['-s', stage.url('snapshot.jpg')]);
  assert.equal(snapshot.code, 0);
  assert.notEqual(pictureNumber(snapshot.out), null);
  const head = await run('curl', ['-sI', '--max-time', '2', stage.url('mjpeg')]);
  assert.deepEqual([head.code, head.out.toString().split('\r\n', 1)[0]], [0, 'HTTP/1.1 200 OK']);
});

test('ffprobe knows both URLs', { skip: missing('ffprobe') }, async () => {
  await using stage = await startStage();
  const ways: string[][] = [
    ['-probesize', '32', '-f', 'mjpeg', stage.url('frames')],
    [stage.url('frames')],
    [stage.url('mjpeg')],
    ['-f', 'mpjpeg', stage.url('mjpeg')],
    ['-f', 'mpjpeg', stage.basicUrl('mjpeg')],
    ['-probesize', '32', '-f', 'mjpeg', stage.basicUrl('frames')],
    [stage.url('snapshot.jpg')],
  ];
  for (const way of ways) {
    const probe = await run('ffprobe', [
      '-v',
      'error',
      '-show_entries',
      'stream=codec_name,width,height',
      '-of',
      'csv=p=0',
      ...way,
    ]);
    assert.equal(probe.out.toString().trim(), 'mjpeg,640,480', `${way.join(' ')}: ${probe.err}`);
  }
});

test('ffmpeg decodes both URLs without a complaint', { skip: missing('ffmpeg') }, async () => {
  await using stage = await startStage();
  const ways: string[][] = [
    ['-probesize', '32', '-f', 'mjpeg', '-i', stage.url('frames')],
    ['-f', 'mpjpeg', '-i', stage.url('mjpeg')],
    ['-i', stage.url('mjpeg')],
    ['-i', stage.basicUrl('mjpeg')],
    ['-i', stage.url('mjpeg', '&width=320&fps=5')],
  ];
  for (const way of ways) {
    const decode = await run('ffmpeg', [
      '-v',
      'error',
      '-xerror',
      '-nostdin',
      ...way,
      '-frames:v',
      '15',
      '-f',
      'null',
      '-',
    ]);
    assert.deepEqual([decode.code, decode.err], [0, ''], way.join(' '));
  }
});

test('ffplay shows both URLs', { skip: missing('ffplay') }, async () => {
  await using stage = await startStage();
  const env = { SDL_VIDEODRIVER: 'dummy', SDL_AUDIODRIVER: 'dummy' };
  for (const way of [
    ['-probesize', '32', '-f', 'mjpeg', stage.url('frames')],
    ['-probesize', '32', '-f', 'mpjpeg', stage.url('mjpeg')],
    [stage.url('mjpeg')],
  ]) {
    // The status line has the time of the last picture shown: it must get beyond one second.
    const shown = /^\s*([1-9][0-9]*\.[0-9]+) M-V:/m;
    const play = await run('ffplay', ['-hide_banner', '-loglevel', 'info', '-stats', ...way], {
      env,
      enough: ({ err }) => shown.test(err.replaceAll('\r', '\n')),
    });
    assert.match(play.err.replaceAll('\r', '\n'), shown, way.join(' '));
    assert.match(play.err, /Video: mjpeg.* 640x480/);
  }
});

test('sox makes the camera’s sound from /audio, as the contract says, and from /audio.wav', {
  skip: missing('sox', 'curl'),
}, async () => {
  await using stage = await startStage();
  using folder = scratch();
  const ima = await run('curl', ['-sN', '--max-time', '3', stage.url('audio')]);
  assert.ok(ima.out.length > RATE / 2, `${ima.out.length} bytes in 3 s`);
  const fromIma = `${folder.path}/ima.wav`;
  assert.equal((await run('sox', ['-t', 'ima', '-r', String(RATE), '-', fromIma], { input: ima.out })).code, 0);
  const wav = await run('curl', ['-sN', '--max-time', '3', stage.url('audio.wav')]);
  const fromWav = `${folder.path}/wav.wav`;
  assert.equal((await run('sox', ['-t', 'wav', '-', fromWav], { input: wav.out })).code, 0);
  for (const file of [fromIma, fromWav]) {
    const pcm = (await run('sox', [file, '-t', 's16', '-'])).out;
    assert.ok(pcm.length > RATE, `${file}: ${pcm.length} bytes`);
    assertTone(new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1), file);
  }
});

// ffmpeg reads 128 KB of any WAV (64 KB with -probesize 32) before it begins: four to eight seconds, whatever the header says.
test('ffprobe and ffmpeg take the endless WAV', { skip: missing('ffprobe', 'ffmpeg') }, async () => {
  await using stage = await startStage();
  const entries = ['-show_entries', 'stream=codec_name,sample_rate,channels', '-of', 'csv=p=0', '-probesize', '32'];
  const [probe, decode] = await Promise.all([
    run('ffprobe', ['-v', 'fatal', ...entries, stage.url('audio.wav')]),
    run('ffmpeg', ['-v', 'fatal', '-nostdin', '-i', stage.url('audio.wav'), '-t', '2', '-f', 's16le', '-']),
  ]);
  assert.equal(probe.out.toString().trim(), 'pcm_s16le,8000,1');
  assert.equal(decode.code, 0);
  assert.equal(decode.out.length, 2 * RATE * 2);
  assertTone(new Int16Array(decode.out.buffer, decode.out.byteOffset, decode.out.length >> 1), 'ffmpeg');
});

/** Most of the energy must be at 440 Hz: a wrong nibble order is noise. */
function assertTone(samples: Int16Array, what: string): void {
  let sine = 0;
  let cosine = 0;
  let energy = 0;
  for (const [n, sample] of samples.entries()) {
    const angle = (2 * Math.PI * TONE_HZ * n) / RATE;
    sine += sample * Math.sin(angle);
    cosine += sample * Math.cos(angle);
    energy += sample * sample;
  }
  const share = (2 * (sine * sine + cosine * cosine)) / (samples.length * energy);
  assert.ok(share > 0.9, `${what}: ${(share * 100).toFixed(1)} % of the energy is the tone`);
}
