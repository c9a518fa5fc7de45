// Chromium's own demuxer and decoder take what a playlist points to, as an HLS player feeds it: head, pieces, one shift of
// time for each file. Both formats in one span.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { openBrowser, skip } from './chromium.ts';
import { startNvr } from './harness.ts';
import { jpegs, recordPast } from './recorded-past.ts';

const camera = 'camera-1';
const size = { width: 640, height: 480 };
/** Five pictures a second, with sound; two files of each format. */
const EVERY_MS = 200;
const SEGMENT_S = 6;
const PART_MS = 2 * SEGMENT_S * 1000;
const iso = (ms: number) => new Date(ms).toISOString();

type Played = { seconds: number; buffered: number[][]; shown: number[]; errors: string[] };
const player = readFileSync(new URL('playback-page.js', import.meta.url), 'utf8');

test('a span of both formats is buffered without a hole and shows any moment', { skip }, async () => {
  await using nvr = await startNvr({ cameras: [{ fps: 1, audio: false }] });
  const pictures = new CountedPictures(size);
  const startAt = Math.floor(Date.now() / PART_MS - 10) * PART_MS;
  const part = (n: number, format: 'mp4' | 'mjpeg') => {
    const encoder = { kind: 'auto', preset: 'ultrafast', quality: 30 } as const;
    const settings = { format, encoder, segmentSeconds: SEGMENT_S, audio: true };
    const sound = new Int16Array((8000 * EVERY_MS) / 1000);
    const sent = jpegs(PART_MS / EVERY_MS, EVERY_MS, (count) => pictures.picture(count).data, size, sound);
    return recordPast({ nvr, slug: camera, startAt: startAt + n * PART_MS, settings }, sent);
  };
  const segments = (await Promise.all([part(0, 'mp4'), part(1, 'mjpeg')])).flat();
  assert.deepEqual(
    segments.map(({ format }) => format),
    ['mp4', 'mp4', 'mjpeg', 'mjpeg'],
  );
  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', {
    name: 'p',
    scope: 'stream',
    cameras: null,
  });
  const span = `from=${iso(segments[0]!.startAt)}&to=${iso(segments.at(-1)!.endAt)}`;
  await using browser = await openBrowser();
  const page = await browser.newPage();
  await page.goto(`${nvr.url}/healthz`);
  const list = `${nvr.url}/cameras/${camera}/playback.m3u8?${span}&token=${token}`;
  const script = player.slice(player.indexOf('('), player.lastIndexOf(')') + 1);
  const result = await page.evaluate<Played>(`${script}(${JSON.stringify(list)})`);
  const text = JSON.stringify(result);
  assert.deepEqual(result.errors, [], text);
  for (const [n, [start]] of result.buffered.entries()) {
    assert.ok(n === 0 || start! - result.buffered[n - 1]![1]! < 0.5, text);
  }
  assert.ok(result.buffered.at(-1)![1]! > result.seconds - 0.5, text);
  for (const off of result.shown) assert.ok(Math.abs(off) < 0.5, text);
});
