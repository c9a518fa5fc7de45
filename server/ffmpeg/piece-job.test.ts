// Pieces of a JPEG recording: every picture once, from the very first, at the file's times, the last one as long as the others.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MatroskaWriter } from '../media/matroska-writer.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { FfmpegProcess } from './ffmpeg-process.ts';
import { ffprobe } from './ffprobe.ts';
import { pieceJob } from './piece-job.ts';

const size = { width: 160, height: 120 };
const EVERY_MS = 200;

test('pieces have every picture once, the first of the file too, and no hole behind the last', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'perch-piece-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const pictures = new CountedPictures({ ...size, minBytes: 2000, maxBytes: 3000 });
  const writer = new MatroskaWriter([{ kind: 'video', codec: 'mjpeg', ...size }]);
  const parts = [writer.header()];
  for (let n = 0; n < 7; n++) parts.push(...writer.frame(0, n * EVERY_MS, true, pictures.picture(n).data));
  const file = join(folder, 'film.mkv');
  await writeFile(file, Buffer.concat(parts));

  const timesOf = async (start: number, end: number | null) => {
    const ffmpeg = FfmpegProcess.start(pieceJob({ file, start, end }));
    const chunks: Uint8Array[] = [];
    for await (const chunk of ffmpeg.stdout ?? []) chunks.push(chunk as Uint8Array);
    const piece = join(folder, 'piece.mp4');
    await writeFile(piece, Buffer.concat(chunks));
    const { packets = [], streams } = await ffprobe(piece, ['-show_entries', 'packet=pts_time:stream=duration']);
    return { times: packets.map(({ pts_time }) => Number(pts_time)), seconds: Number(streams?.[0]?.duration) };
  };
  const first = await timesOf(0, 0.8);
  assert.deepEqual(first.times, [0, 0.2, 0.4, 0.6]);
  assert.equal(first.seconds, 0.8);
  const rest = await timesOf(0.8, null);
  assert.deepEqual(rest.times, [0.8, 1, 1.2]);
  assert.equal(rest.seconds, 1.4, 'the file has its own end, too');
});
