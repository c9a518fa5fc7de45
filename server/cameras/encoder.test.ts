import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { chooseEncodedSize, keyFrameExpression } from '../ffmpeg/encoder-job.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { FedCamera, until } from '../test/recording-fixture.ts';
import { Encoder } from './encoder.ts';

const settings = { kind: 'auto', preset: 'ultrafast', quality: 30 } as const;

function follow(encoder: Encoder) {
  const frames: VideoFrame[] = [];
  let sounds = 0;
  const reader = encoder.hub.open({
    ...{ kinds: 'all', policy: 'every', start: 'live' },
    onFrame: () => {
      for (let item = reader.poll(); item; item = reader.poll()) {
        if (item.frame.kind === 'video') frames.push(item.frame);
        else sounds++;
      }
    },
  });
  return { frames, sounds: () => sounds };
}

/** Our own ffmpegs that encode. */
function encoders(): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      const parent = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return args.includes('libx264') && Number(parent) === process.pid ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

test('each picture comes out once, with its own times, decodable, key frames on even seconds and boundaries', async () => {
  const clock = new ManualClock(Date.UTC(2026, 4, 3, 10, 0, 3) + 40);
  const camera = new FedCamera(clock, {});
  // The clock runs faster than ffmpeg: a long pre-roll allows for the lag.
  const options = {
    source: camera.hub,
    settings: { ...settings, preset: 'veryfast' },
    clock,
    log: silentLogger,
    segmentSeconds: 5,
    preRollMs: 60_000,
  };
  const encoder = new Encoder(options);
  const out = follow(encoder);
  encoder.start();
  const sent: number[] = [];
  const publish = camera.hub.publish.bind(camera.hub);
  camera.hub.publish = (frame) => {
    if (frame.kind === 'video') sent.push(frame.at);
    publish(frame);
  };
  for (let n = 0; n < 90; n++) {
    camera.picture();
    if (n % 3 === 0) camera.sound(new Int16Array(1024));
    await clock.advance(n < 60 ? 77 : 230);
  }
  await until(() => out.frames.length === 90);
  await encoder.stop();
  assert.deepEqual(
    out.frames.map(({ at }) => at),
    sent,
  );
  assert.equal(out.sounds(), 30);
  const [first] = out.frames;
  assert.equal(first?.codec, 'h264');
  assert.equal(first.codecConfig?.[1], 100, 'High profile');
  assert.ok((first.codecConfig?.[3] ?? 99) <= 41, 'at most level 4.1');
  const expected = sent.filter((at, n) => {
    const before = sent[n - 1] ?? 0;
    return [2000, 5000].some((period) => Math.floor(at / period) > Math.floor(before / period));
  });
  assert.deepEqual(
    out.frames.filter(({ key }) => key).map(({ at }) => at),
    expected,
  );
});

test('a picture is out well before the next one comes', async () => {
  const camera = new FedCamera(systemClock, {});
  const encoder = new Encoder({ source: camera.hub, settings, log: silentLogger });
  const out = follow(encoder);
  encoder.start();
  const delays: number[] = [];
  for (let n = 0; n < 20; n++) {
    const sentMs = performance.now();
    camera.picture();
    await until(() => out.frames.length === n + 1); // would wait for ever if one frame were held back
    delays.push(performance.now() - sentMs);
  }
  await encoder.stop();
  assert.equal(out.frames.length, 20);
});

test('a killed ffmpeg is started again and no picture is lost; a change of size loses nothing; the end is clean', async () => {
  const camera = new FedCamera(systemClock, {});
  const encoder = new Encoder({ source: camera.hub, settings, log: silentLogger, random: () => 0 });
  const out = follow(encoder);
  encoder.start();
  for (let n = 0; n < 10; n++) camera.picture();
  await until(() => out.frames.length === 10);
  const large = new CountedPictures({ width: 320, height: 240, minBytes: 2000, maxBytes: 3000, count: 16 });
  for (let n = 0; n < 5; n++) camera.picture(large.picture(n).data, { width: 320, height: 240 });
  await until(() => out.frames.length === 15);
  assert.deepEqual(
    out.frames.map(({ width }) => width),
    [...Array(10).fill(160), ...Array(5).fill(320)],
  );
  const [pid] = encoders();
  process.kill(pid!, 'SIGKILL');
  while (out.frames.length < 20) {
    camera.picture(large.picture(9).data, { width: 320, height: 240 });
    await systemClock.sleep(20);
  }
  assert.equal(encoder.tally.get('restarts'), 1);
  // What was inside the dead one, and what came while there was none, is encoded by the next: no hole in a recording.
  await until(() => out.frames.length === camera.sent.length);
  const times = out.frames.map(({ monoMs }) => monoMs);
  assert.ok(
    times.every((ms, n) => n === 0 || ms > times[n - 1]!),
    'in order, each once',
  );
  await encoder.stop();
  assert.deepEqual(encoders(), []);
});

test('garbage instead of a JPEG, and sizes no camera has, harm nothing', async () => {
  const camera = new FedCamera(systemClock, {});
  const encoder = new Encoder({ source: camera.hub, settings, log: silentLogger, random: () => 0 });
  const out = follow(encoder);
  encoder.start();
  camera.picture();
  await until(() => out.frames.length === 1);
  camera.picture(Buffer.alloc(500, 0xab));
  camera.picture(Buffer.alloc(500, 0xab), { width: 60_000, height: 60_000 });
  while (out.frames.length < 5) {
    camera.picture();
    await systemClock.sleep(20);
  }
  await encoder.stop();
});

test('sizes: even, and within level 4.1', () => {
  assert.deepEqual(chooseEncodedSize(640, 480), { width: 640, height: 480 });
  assert.deepEqual(chooseEncodedSize(641, 361), { width: 640, height: 360 });
  assert.deepEqual(chooseEncodedSize(1920, 1080), { width: 1920, height: 1080 });
  for (const [width, height] of [
    [2560, 1440],
    [3840, 2160],
    [8000, 100],
    [1, 1],
  ] as const) {
    const size = chooseEncodedSize(width, height);
    assert.ok(size.width % 2 === 0 && size.height % 2 === 0 && size.width > 0 && size.height > 0);
    assert.ok(Math.ceil(size.width / 16) * Math.ceil(size.height / 16) <= 8192);
  }
});

test('the key frame expression has few and short numbers', () => {
  assert.match(
    keyFrameExpression(1_760_000_000_123, 60),
    /^expr:if\(isnan\(prev_forced_t\),1,gt\(floor\(\(t\+[\d.]{1,9}\)\/2\)/,
  );
});
