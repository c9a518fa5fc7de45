import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { seededRandom } from '../core/random.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { bytesSource } from './byte-source.ts';
import { scanMp4 } from './mp4-boxes.ts';

let film: Uint8Array;

before(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'perch-mp4-'));
  const file = join(dir, 'a.mp4');
  const ffmpeg = FfmpegProcess.start({
    input: { options: ['-f', 'lavfi'], source: { url: 'testsrc=size=64x48:rate=10' } },
    output: {
      options: [
        ...['-t', '6', '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '20', '-pix_fmt', 'yuv420p'],
        ...['-movflags', '+frag_keyframe+empty_moov+default_base_moof+delay_moov', '-frag_duration', '500000'],
        ...['-metadata', 'comment=perch/1 camera=cam_x start=5', '-f', 'mp4'],
      ],
      target: { file },
    },
  });
  const { error } = await ffmpeg.exited;
  film = readFileSync(file);
  rmSync(dir, { recursive: true });
  if (error) throw error;
});

test('facts of a whole file', async () => {
  const { comment, codec, frames, firstMs, lastMs, medianMs, wholeBytes } = await scanMp4(bytesSource(film));
  assert.deepEqual(
    { comment, codec, frames, firstMs, lastMs, medianMs },
    {
      ...{
        comment: 'perch/1 camera=cam_x start=5',
        codec: 'h264',
        frames: 60,
        firstMs: 0,
        lastMs: 5900,
        medianMs: 100,
      },
    },
  );
  assert.equal(wholeBytes, film.length);
});

test('torn anywhere, only whole fragments count', async () => {
  let before = 0;
  for (let cut = 0; cut < film.length; cut += 211) {
    const { wholeBytes, frames } = await scanMp4(bytesSource(film.subarray(0, cut)));
    assert.ok(wholeBytes <= cut && frames >= before && frames % 5 === 0, `${cut}: ${wholeBytes}, ${frames}`);
    before = frames;
  }
});

test('hostile bytes never throw, never read outside', async () => {
  const random = seededRandom(3);
  for (let round = 0; round < 2000; round++) {
    const damaged = film.slice(0, 1 + Math.floor(random() * film.length));
    for (let flips = 0; flips < 1 + random() * 30; flips++) {
      damaged[Math.floor(random() * Math.min(damaged.length, 6000))] = Math.floor(random() * 256);
    }
    const { wholeBytes } = await scanMp4(bytesSource(damaged));
    assert.ok(wholeBytes <= damaged.length);
  }
});
