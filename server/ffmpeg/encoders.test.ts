import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../core/logger.ts';
import { NvrError } from '../core/nvr-error.ts';
import { encoderJob } from './encoder-job.ts';
import { EncoderSupport, encoderArguments, encoderKinds } from './encoders.ts';
import type { FfmpegJob } from './job.ts';

test('hardware is tried once per kind; what fails falls back to libx264', async () => {
  const tried: FfmpegJob[] = [];
  const support = new EncoderSupport(
    async (job) => {
      tried.push(job);
      return job.output.options.includes('h264_vaapi') ? null : new NvrError('unavailable', 'no such device');
    },
    () => true,
  );
  assert.equal(await support.choose('auto', silentLogger), 'libx264');
  assert.equal(await support.choose('libx264', silentLogger), 'libx264');
  assert.equal(await support.choose('made_up', silentLogger), 'libx264');
  assert.equal(tried.length, 0);
  assert.deepEqual(await Promise.all([support.choose('vaapi', silentLogger), support.choose('vaapi', silentLogger)]), [
    'vaapi',
    'vaapi',
  ]);
  for (const kind of ['qsv', 'v4l2m2m', 'nvenc']) assert.equal(await support.choose(kind, silentLogger), 'libx264');
  assert.equal(tried.length, 4);
});

test('each kind has its encoder, its pixel format and key frames at the boundaries', () => {
  const settings = { kind: 'auto', preset: 'veryfast', quality: 20 };
  for (const kind of encoderKinds) {
    const { input, output } = encoderJob({
      ...{ width: 640, height: 480, settings, kind, epochMs: 1000, segmentSeconds: 60 },
    });
    const line = output.options.join(' ');
    assert.match(line, kind === 'libx264' ? /-c:v libx264 -preset veryfast/ : new RegExp(`-c:v h264_${kind} `));
    assert.match(line, /-force_key_frames expr:/);
    assert.equal(input.options.includes('-vaapi_device'), kind === 'vaapi');
    assert.equal(line.includes('format=nv12,hwupload'), kind === 'vaapi');
  }
  const bitRate = (quality: number) => Number(encoderArguments('v4l2m2m', quality, 1e6).codec.at(-1));
  assert.equal(bitRate(29) * 2, bitRate(23));
});

test('a trial on this machine ends, whatever it has', async () => {
  const support = new EncoderSupport();
  const kinds = await Promise.all(['vaapi', 'qsv', 'nvenc'].map((kind) => support.choose(kind, silentLogger)));
  for (const kind of kinds) assert.ok(encoderKinds.includes(kind));
});
