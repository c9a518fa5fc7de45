import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import { seededRandom } from '../core/random.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { matroskaInput } from '../ffmpeg/job.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { bytesSource } from './byte-source.ts';
import type { MatroskaTrack } from './matroska-ids.ts';
import { type MatroskaEvent, MatroskaReader } from './matroska-reader.ts';
import { scanMatroska } from './matroska-scan.ts';
import { MatroskaWriter } from './matroska-writer.ts';

const tracks: MatroskaTrack[] = [
  { kind: 'video', codec: 'h264', width: 641, height: 70_000 % 16_384, codecConfig: Uint8Array.of(1, 2, 3) },
  { kind: 'audio', codec: 'pcm-s16le', sampleRate: 8000, channels: 1 },
];

function sample(): { bytes: Uint8Array; frames: { track: number; timeMs: number; key: boolean; data: Uint8Array }[] } {
  const writer = new MatroskaWriter(tracks);
  const random = seededRandom(7);
  const sizes = [0, 1, 125, 126, 127, 128, 16_382, 16_383, 16_384, 70_000];
  const frames = sizes.map((size, n) => ({
    ...{ track: n % 2, timeMs: n ** 4 * 40_000, key: n % 3 === 0 },
    data: Uint8Array.from({ length: size }, () => Math.floor(random() * 256)),
  }));
  const parts = frames.flatMap(({ track, timeMs, key, data }) => writer.frame(track, timeMs, key, data));
  return { bytes: Buffer.concat([writer.header(), ...parts]), frames };
}

function read(bytes: Uint8Array, step: number): MatroskaEvent[] {
  const reader = new MatroskaReader();
  const events: MatroskaEvent[] = [];
  for (let at = 0; at < bytes.length; at += step) events.push(...reader.push(bytes.subarray(at, at + step)));
  return events;
}

test('what is written is read again, in pieces of any size', () => {
  const { bytes, frames } = sample();
  for (const step of [1, 7, 4096, bytes.length]) {
    const [head, ...rest] = read(bytes, step);
    assert.deepEqual(head, { kind: 'tracks', tracks });
    assert.deepEqual(
      rest,
      frames.map((frame) => ({ kind: 'frame', ...frame })),
    );
  }
});

test('ffmpeg reads what we write: every picture, at its time', async () => {
  const pictures = new CountedPictures({ width: 160, height: 120, minBytes: 3000, maxBytes: 3000 });
  const writer = new MatroskaWriter([{ kind: 'video', codec: 'mjpeg', width: 160, height: 120 }]);
  const ffmpeg = FfmpegProcess.start({
    input: matroskaInput,
    output: { options: ['-c', 'copy', '-f', 'matroska'], target: 'pipe' },
  });
  const reader = new MatroskaReader();
  const events: MatroskaEvent[] = [];
  ffmpeg.stdout?.on('data', (chunk: Buffer) => events.push(...reader.push(chunk)));
  await ffmpeg.write(writer.header());
  const times = [0, 40, 81, 500, 501, 70_000];
  for (const [n, timeMs] of times.entries())
    await ffmpeg.write(...writer.frame(0, timeMs, true, pictures.picture(n).data));
  assert.equal((await ffmpeg.stop()).error, null);
  const frames = events.flatMap((event) => (event.kind === 'frame' ? [event] : []));
  assert.deepEqual(
    frames.map(({ timeMs }) => timeMs),
    times,
  );
  for (const [n, { data }] of frames.entries()) assert.ok(Buffer.from(data).equals(pictures.picture(n).data));
});

test('a scan finds the end of the last whole cluster wherever the file is torn', async () => {
  const { bytes, frames } = sample();
  const whole = await scanMatroska(bytesSource(bytes));
  assert.equal(whole.wholeBytes, bytes.length);
  assert.equal(whole.frames, frames.length / 2);
  assert.equal(whole.codec, 'h264');
  assert.equal(whole.lastMs, frames[8]!.timeMs);
  for (let cut = 1; cut < bytes.length; cut += 997) {
    const { wholeBytes, frames: kept } = await scanMatroska(bytesSource(bytes.subarray(0, cut)));
    assert.ok(wholeBytes <= cut);
    assert.equal(
      read(bytes.subarray(0, wholeBytes), 4096).filter((event) => event.kind === 'frame' && event.track === 0).length,
      kept,
    );
  }
});

test('hostile bytes: errors of the protocol or silence, never anything else, never much memory', async () => {
  const { bytes } = sample();
  const random = seededRandom(11);
  for (let round = 0; round < 3000; round++) {
    const damaged = bytes.slice(0, Math.floor(random() * 2000) + 1);
    for (let flips = 0; flips < 1 + random() * 20; flips++) {
      damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
    }
    try {
      read(damaged, 1 + Math.floor(random() * 500));
    } catch (error) {
      assert.ok(isNvrError(error, 'protocol'), String(error));
    }
    const scanned = await scanMatroska(bytesSource(damaged));
    assert.ok(scanned.wholeBytes <= damaged.length);
  }
});
