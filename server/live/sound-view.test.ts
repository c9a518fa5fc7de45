// A camera's sound in other forms: passed on, encoded, decoded; in time, once for all, and gone with its listeners.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { FrameHub } from '../cameras/frame-hub.ts';
import { systemClock } from '../core/clock.ts';
import type { AudioFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { encodeAacConfig, encodeAdtsHead, parseAacConfig } from '../media/aac.ts';
import { pcmBytes } from '../media/ima-adpcm.ts';
import { soundStartMs } from '../media/media-time.ts';
import type { LiveCamera } from './live-camera.ts';
import { openCoder } from './sound.ts';
import { encodedFormat } from './sound-run.ts';
import { SOUND_LINGER_MS, SoundViews } from './sound-view.ts';

const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';
const RATE = 16_000;
const BLOCK = 320;

function camera(hub: FrameHub): LiveCamera {
  return { id: 'cam_a', slug: 'a', hub } as unknown as LiveCamera;
}

/** Twenty milliseconds that end `n` blocks and one after zero. */
function block(n: number, data: Uint8Array, more: Partial<AudioFrame> = {}): AudioFrame {
  const endMs = ((n + 1) * BLOCK * 1000) / RATE;
  return {
    ...{ kind: 'audio', codec: 'pcm-s16le', data, sampleRate: RATE, channels: 1, samples: BLOCK },
    ...{ at: endMs, monoMs: endMs, mediaMs: null, ...more },
  };
}

/** The next blocks that a hub gives. */
async function take(hub: FrameHub, isEnough: (frames: readonly AudioFrame[]) => boolean): Promise<AudioFrame[]> {
  using reader = hub.open({ kinds: 'audio', policy: 'every', start: { sinceMonoMs: Number.NEGATIVE_INFINITY } });
  const frames: AudioFrame[] = [];
  for await (const { frame } of reader.items()) {
    if (frame.kind === 'audio') frames.push(frame);
    if (isEnough(frames)) break;
  }
  return frames;
}

test('a click that goes through encoder and decoder is where it was', { skip, timeout: 30_000 }, async () => {
  const clickMs = 1234;
  const source = new FrameHub(5000);
  const views = new SoundViews(systemClock, silentLogger);
  const mic = camera(source);
  using encoded = views.acquire(mic, 'aac');
  using again = views.acquire(mic, 'aac');
  assert.equal(again.view, encoded.view);
  for (let n = 0; n < 150; n++) {
    const pcm = new Int16Array(BLOCK);
    for (let i = 0; i < BLOCK; i++) {
      const ms = ((n * BLOCK + i) * 1000) / RATE;
      if (ms >= clickMs && ms < clickMs + 4) pcm[i] = i % 2 === 0 ? 30_000 : -30_000;
    }
    source.publish(block(n, pcmBytes(pcm)));
  }
  const units = await take(encoded.hub, (frames) => frames.at(-1)!.monoMs > 2500);
  const { codecConfig, sampleRate } = encoded.view.format!;
  assert.deepEqual(parseAacConfig(codecConfig!), { objectType: 2, sampleRate: 32_000, channels: 1, samples: 1024 });
  const unitMs = (1000 * 1024) / sampleRate;
  assert.ok(Math.abs(soundStartMs(units[0]!) + unitMs) < 1, 'the run-up ends where the sound begins');

  const decoderSource = new FrameHub(5000);
  using decoded = views.acquire(camera(decoderSource), 'pcm');
  for (const unit of units) decoderSource.publish(unit);
  const samples = await take(decoded.hub, (frames) => frames.at(-1)!.monoMs > 1500);
  let loudest = { value: 0, ms: 0 };
  for (const { data, monoMs } of samples) {
    const view = Buffer.from(data.buffer, data.byteOffset, data.length);
    for (let i = 0; i < 1024; i++) {
      const value = Math.abs(view.readInt16LE(2 * i));
      if (value > loudest.value) loudest = { value, ms: monoMs - ((1024 - i) * 1000) / sampleRate };
    }
  }
  assert.ok(Math.abs(loudest.ms - clickMs - 2) < 8, `heard at ${loudest.ms}`);
  views.end();
});

test('sound that needs no work is passed on at once, from the past, too; nothing stays behind', async () => {
  const clock = new ManualClock();
  const source = new FrameHub(5000);
  const views = new SoundViews(clock, silentLogger);
  const config = encodeAacConfig(48_000, 2);
  const aac = (n: number) => block(n, Uint8Array.of(1, 2, 3), { codec: 'aac', codecConfig: config });
  source.publish(aac(0));
  const lease = views.acquire(camera(source), 'aac');
  assert.equal(lease.hub.newestAudio?.frame, source.newestAudio?.frame);
  source.publish(aac(1));
  assert.equal(lease.hub.newestAudio?.frame, source.newestAudio?.frame);
  assert.deepEqual([lease.view.isCopied, lease.view.format?.codec], [true, 'aac']);
  const pcm = views.acquire(camera(source), 'pcm');
  assert.deepEqual(
    [pcm.view.isCopied, pcm.view.format],
    [false, { codec: 'pcm-s16le', sampleRate: RATE, channels: 1 }],
  );
  lease[Symbol.dispose]();
  pcm[Symbol.dispose]();
  await clock.advance(SOUND_LINGER_MS);
  assert.deepEqual([source.readers, clock.timers], [0, 0]);
});

test('AAC gets its head for plain streams; stereo becomes one channel of IMA', () => {
  assert.deepEqual(Buffer.from(encodeAdtsHead(encodeAacConfig(44_100, 2), 100)!).toString('hex'), 'fff150800d7ffc');
  assert.equal(encodeAdtsHead(encodeAacConfig(44_100, 2), 9000), null);
  const coder = openCoder('ima', { sampleRate: 8000, channels: 2 });
  const stereo = pcmBytes(Int16Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? 0 : 20_000)));
  const bytes = coder.encode(block(0, stereo, { channels: 2, samples: 100 }));
  assert.equal(bytes.length, 50);
  for (const [rate, out] of [
    [8000, 32_000],
    [11_025, 44_100],
    [16_000, 32_000],
    [44_100, 44_100],
    [96_000, 48_000],
  ] as const)
    assert.equal(encodedFormat({ sampleRate: rate, channels: 1 }).sampleRate, out);
});
