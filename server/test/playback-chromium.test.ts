// Chromium's own demuxer and decoder take what a playlist points to, as an HLS player feeds it: head, pieces, one shift of
// time for each file. Both formats in one span.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openBrowser, skip } from './chromium.ts';
import { startNvr } from './harness.ts';

const camera = 'camera-1';
const recording = { mode: 'continuous', segmentSeconds: 6, preRollSeconds: 0, audio: true, format: 'mp4' };
const iso = (ms: number) => new Date(ms).toISOString();

type Played = { seconds: number; buffered: number[][]; shown: number[]; errors: string[] };
const player = readFileSync(new URL('playback-page.js', import.meta.url), 'utf8');

test('a span of both formats is buffered without a hole and shows any moment', { skip }, async () => {
  await using nvr = await startNvr({ cameras: [{ fps: 10, audio: true, recording }] });
  const closed = async (count: number) => {
    for (let n = 0; n < count; n++) await nvr.app.bus.next('segment.closed');
  };
  await closed(3);
  await nvr.ok('PATCH', `/api/cameras/${camera}`, { recording: { format: 'mjpeg' } });
  await closed(3);
  const { id } = nvr.app.fleet.get(camera);
  const segments = nvr.app.recordings.index.find({ camera: id, from: 0, to: 1e15, order: 'asc', limit: 20 }).slice(1);
  assert.equal(new Set(segments.map(({ format }) => format)).size, 2);
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
