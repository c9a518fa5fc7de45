import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { isNvrError } from '../core/nvr-error.ts';
import { CountedPictures } from './counted-pictures.ts';
import { FfmpegPictures } from './ffmpeg-pictures.ts';
import { openPictures } from './picture-source.ts';
import type { Picture, PictureReader } from './pictures.ts';

const TIMEOUT = { timeout: 30_000 };
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perch-sim-'));
  const counted = new CountedPictures({ width: 320, height: 240, minBytes: 0, maxBytes: 0 });
  const all = Array.from({ length: 12 }, (_, n) => counted.picture(n).data);
  await writeFile(join(folder, 'still.jpg'), all[0]!);
  await writeFile(join(folder, '-video %d.mjpeg'), Buffer.concat(all));
  await writeFile(join(folder, 'text.txt'), 'no picture');
});
after(() => rm(folder, { recursive: true, force: true }));

async function take(reader: PictureReader, count: number): Promise<Picture[]> {
  const taken: Picture[] = [];
  while (taken.length < count) {
    const picture = reader.next();
    if (picture) taken.push(picture);
    else await setTimeout(5);
  }
  return taken;
}

/** Share of pixels that differ clearly. */
async function difference(a: Picture, b: Picture): Promise<number> {
  const [first, second] = await Promise.all([a, b].map(({ data }) => sharp(data).greyscale().raw().toBuffer()));
  let changed = 0;
  for (const [at, value] of first!.entries()) if (Math.abs(value - second![at]!) > 30) changed += 1;
  return changed / first!.length;
}

test('the test picture: wanted size, plausible weight, different every time', TIMEOUT, async () => {
  await using pictures = await FfmpegPictures.open({ source: 'testsrc', fps: 25 });
  const taken = await take(pictures.reader(), 10);
  for (const { data } of taken) {
    const { width, height, format } = await sharp(data).metadata();
    assert.deepEqual([width, height, format], [640, 480, 'jpeg']);
    assert.ok(data.length > 15_000 && data.length < 60_000, `${data.length} bytes`);
  }
  assert.ok((await difference(taken[0]!, taken[9]!)) > 0.005);
});

test('a still picture gets a moving bar, so that a freeze can be seen', TIMEOUT, async () => {
  await using pictures = await FfmpegPictures.open({ source: join(folder, 'still.jpg'), fps: 25 });
  const taken = await take(pictures.reader(), 8);
  assert.ok((await difference(taken[0]!, taken[7]!)) > 0.005);
});

test('a video is fitted to the wanted size and played in a loop', TIMEOUT, async () => {
  const source = join(folder, '-video %d.mjpeg');
  await using pictures = await FfmpegPictures.open({ source, fps: 50, width: 400, height: 400 });
  const taken = await take(pictures.reader(), 60);
  const { data, info } = await sharp(taken.at(-1)!.data).greyscale().raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [400, 400]);
  assert.ok(data[200 * 4]! < 20, 'black above and below');
});

test('a reader that was away goes on near the newest picture', TIMEOUT, async () => {
  await using pictures = await FfmpegPictures.open({ source: 'testsrc', fps: 50 });
  const lazy = pictures.reader();
  const first = lazy.next();
  const eager = await take(pictures.reader(), 30);
  const [next] = await take(lazy, 1);
  assert.ok(first && next);
  assert.ok(eager.indexOf(next) === -1 || eager.indexOf(next) >= 28, `picture ${eager.indexOf(next)}`);
});

test('what cannot be shown is bad input, in one line', TIMEOUT, async () => {
  for (const source of [join(folder, 'text.txt'), join(folder, 'none.mp4'), folder]) {
    const opened = openPictures({ source, width: 640, height: 480, fps: 12 });
    await assert.rejects(opened, (error) => isNvrError(error, 'bad_input') && !error.message.includes('\n'));
  }
});
