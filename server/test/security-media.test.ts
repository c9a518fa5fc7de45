// Pictures that are bombs: a JPEG of some kilobytes whose header claims 16,000 x 16,000. It is passed on, or refused by its
// header, and never decoded at its full size (one such decode takes 436 MB in ffmpeg).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import type { VideoFrame } from '../core/frame.ts';
import { encoderJob } from '../ffmpeg/encoder-job.ts';
import { exportPieceJob, joinJob, joinList } from '../ffmpeg/export-job.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import type { FfmpegJob } from '../ffmpeg/job.ts';
import { pieceJob } from '../ffmpeg/piece-job.ts';
import { playJob, stillJob } from '../ffmpeg/still-job.ts';
import { paintCard } from '../live/card.ts';
import { shrink } from '../live/resize.ts';
import { jpegSize } from '../media/jpeg.ts';
import { MatroskaWriter } from '../media/matroska-writer.ts';

const SIDE = 16_000;
/** A square just above the bound of 36 megapixels. */
const ABOVE = 6001;
const COMMENTS = 18;
const MEGABYTE = 1024 * 1024;
const MAX_GROWTH_BYTES = 100 * MEGABYTE;

/** A small picture with another size written into its frame header. */
async function bomb(progressive: boolean, side = SIDE): Promise<Buffer> {
  const plain = { width: 64, height: 64, channels: 3, background: '#888' } as const;
  const jpeg = await sharp({ create: plain }).jpeg({ progressive }).toBuffer();
  for (let at = 2; at < jpeg.length; at += 2 + jpeg.readUInt16BE(at + 2)) {
    const marker = jpeg[at + 1]!;
    if (marker !== 0xc0 && marker !== 0xc2) continue;
    jpeg.writeUInt16BE(side, at + 5);
    jpeg.writeUInt16BE(side, at + 7);
    break;
  }
  assert.deepEqual(jpegSize(jpeg), { width: side, height: side });
  // ffmpeg believes in such a size only when the file is not absurdly small for it: comments until it does.
  const comment = Buffer.alloc(2 + 0xffff);
  comment.writeUInt16BE(0xfffe, 0);
  comment.writeUInt16BE(0xffff, 2);
  return Buffer.concat([jpeg.subarray(0, 2), ...Array.from({ length: COMMENTS }, () => comment), jpeg.subarray(2)]);
}

const frameOf = (data: Uint8Array, side: number): VideoFrame => ({
  ...{ kind: 'video', codec: 'mjpeg', key: true, data, width: side, height: side, at: 0, monoMs: 0, mediaMs: null },
});

for (const progressive of [false, true]) {
  const kind = progressive ? 'progressive' : 'baseline';
  test(`smaller pictures and cards of a ${kind} bomb: passed on untouched, or left out`, async (context) => {
    // First one that would still be decoded in no time: without the bound this fails here, before the machine suffers.
    const above = frameOf(await bomb(progressive, ABOVE), ABOVE);
    // Not `equal`: what differs would be printed, byte by byte.
    assert.ok((await shrink(above, 320)) === above, 'passed on as it is');
    const data = await bomb(progressive);
    const before = process.memoryUsage().rss;
    for (const claimed of [SIDE, 0, 640]) {
      const frame = frameOf(data, claimed);
      assert.ok((await shrink(frame, 320)) === frame, `claimed ${claimed}`);
    }
    const card = await paintCard({ name: 'Door', state: 'live', since: '', picture: data, width: 320 });
    assert.ok((jpegSize(card)?.width ?? 0) <= 640, 'a card without the picture');
    const grownBytes = process.memoryUsage().rss - before;
    context.diagnostic(`${(grownBytes / MEGABYTE).toFixed(1)} MB`);
    assert.ok(grownBytes < MAX_GROWTH_BYTES, `${grownBytes}`);
  });
}

async function bombFile(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'perch-bomb-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const writer = new MatroskaWriter([{ kind: 'video', codec: 'mjpeg', width: 640, height: 480 }]);
  const data = await bomb(false);
  const file = join(folder, 'bomb.mkv');
  const chunks = [writer.header(), ...[0, 100, 200].flatMap((timeMs) => writer.frame(0, timeMs, true, data))];
  await writeFile(file, Buffer.concat(chunks));
  return file;
}

test('ffmpeg: thumbnails and playback of a recorded bomb refuse it by its header', async (context) => {
  const file = await bombFile(context);
  for (const job of [stillJob(file, 0), playJob(file, 0)]) {
    const ffmpeg = FfmpegProcess.start(job);
    let bytes = 0;
    for await (const chunk of ffmpeg.stdout!) bytes += (chunk as Uint8Array).length;
    const { stderr } = await ffmpeg.exited;
    assert.match(stderr, /exceeds specified max pixel count/);
    assert.ok(bytes < 10_000, 'no picture came out');
  }
});

test('ffmpeg: the encoder refuses a bomb that says it is 640 x 480', async () => {
  const settings = { kind: 'auto', preset: 'ultrafast', quality: 30 };
  const size = { width: 640, height: 480 };
  const ffmpeg = FfmpegProcess.start(encoderJob({ ...size, settings, epochMs: 0, segmentSeconds: 60 }));
  const writer = new MatroskaWriter([{ kind: 'video', codec: 'mjpeg', ...size }]);
  await ffmpeg.write(writer.header());
  const data = await bomb(false);
  for (const timeMs of [0, 100, 200]) await ffmpeg.write(...writer.frame(0, timeMs, true, data));
  ffmpeg.stdout?.resume();
  const { stderr } = await ffmpeg.stop();
  assert.match(stderr, /exceeds specified max pixel count/);
});

test('a playlist under the name of a recording opens no other file, by any job that reads recordings', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'perch-playlist-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const film = ['-f', 'lavfi', '-i', 'testsrc=s=64x64:r=5:d=2', '-c:v', 'libx264', '-pix_fmt', 'yuv420p'];
  const outside = (name: string) => join(folder, name);
  for (const name of ['film.ts', 'film.mp4']) execFileSync('ffmpeg', ['-v', 'error', ...film, outside(name)]);
  const hls = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${outside('film.ts')}\n#EXT-X-ENDLIST\n`;
  await writeFile(outside('hls.mp4'), hls);
  await writeFile(outside('concat.mp4'), "ffconcat version 1.0\nfile 'film.mp4'\n");
  const span = { start: 0, duration: null, lengthMs: 2000, hasSound: false };
  const jobsOf = async (name: string): Promise<FfmpegJob[]> => {
    const file = outside(name);
    await writeFile(outside('list.txt'), joinList([{ name, durationMs: 2000 }]));
    const form = { video: 'copy', audio: null } as const;
    const made = [
      joinJob(outside('list.txt'), outside('joined')),
      exportPieceJob({ file, ...span }, form, outside('made')),
    ];
    return [stillJob(file, 0), playJob(file, 0), pieceJob({ file, start: 0, end: null }), ...made];
  };
  for (const name of ['film.mp4', 'hls.mp4', 'concat.mp4']) {
    for (const [n, job] of (await jobsOf(name)).entries()) {
      // A list may be in a list; each file of an export was read by ffprobe before, which refuses it (below).
      if (name === 'concat.mp4' && n === 3) continue;
      const ffmpeg = FfmpegProcess.start(job);
      let bytes = 0;
      if (job.output.target === 'pipe') for await (const chunk of ffmpeg.stdout!) bytes += (chunk as Uint8Array).length;
      await ffmpeg.exited;
      if (job.output.target !== 'pipe') bytes = (await stat(job.output.target.file).catch(() => null))?.size ?? 0;
      for (const made of ['joined', 'made']) await rm(outside(made), { force: true });
      assert.equal(bytes > 0, name === 'film.mp4', `${name}, job ${n}: ${bytes} bytes`);
    }
    const probed = ffprobe(outside(name), ['-show_streams']);
    if (name === 'film.mp4') await probed;
    else await assert.rejects(probed, /cannot be read as media/);
  }
});

test('ffmpeg runs with a bounded address space', async (context) => {
  const file = await bombFile(context);
  const ffmpeg = FfmpegProcess.start({
    input: { options: ['-re', '-f', 'lavfi'], source: { url: 'testsrc=s=64x64' } },
    output: { options: ['-f', 'null'], target: { file: '/dev/null' } },
  });
  context.after(() => ffmpeg.kill());
  assert.ok(file);
  const { readFileSync } = await import('node:fs');
  const limits = () => {
    try {
      return /Max address space +(\S+)/.exec(readFileSync(`/proc/${ffmpeg.pid}/limits`, 'utf8'))?.[1];
    } catch {
      return undefined;
    }
  };
  while (limits() === undefined && ffmpeg.exit === null) await new Promise((resolve) => setImmediate(resolve));
  let seen = limits();
  for (let turn = 0; seen === 'unlimited' && turn < 200; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10)); // the guard is a shell, and sets it within its first lines
    seen = limits();
  }
  assert.equal(seen, String(2 * 1024 * MEGABYTE));
});
