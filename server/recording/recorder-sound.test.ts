import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import { FedCamera, recordingBase, until } from '../test/recording-fixture.ts';
import { Recorder } from './recorder.ts';

const START = Date.UTC(2026, 4, 3, 10, 0, 0);
const BLOCK_MS = 128;
/** Blocks come in bursts; the newest of them is not late. */
const BURST = 4;
const AAC_SAMPLES = 1024;

test('no picture between two boundaries while sound is on its way: it goes into its own file, times grow', async (t) => {
  const base = recordingBase(t);
  const clock = new ManualClock(START);
  const camera = new FedCamera(clock, { format: 'mjpeg', segmentSeconds: 2, audio: true });
  const recorder = new Recorder({ ...base, camera, clock, random: () => 0 });
  recorder.start();
  t.after(() => recorder.stop());
  let heardMs = 0;
  for (let nowMs = 0; nowMs < 7000; nowMs += 100) {
    // At the boundary of 2 s its last blocks are on their way, and no picture comes before the next boundary.
    for (; heardMs + BURST * BLOCK_MS <= nowMs; heardMs += BURST * BLOCK_MS) {
      for (let n = 0; n < BURST; n++) camera.sound(new Int16Array(BLOCK_MS * 8).fill(1000));
    }
    if (nowMs <= 2000 || nowMs >= 4000) camera.picture();
    await clock.advance(100);
    // It looks at the clock: sound that is not late yet must not be given up.
    await until(() => recorder.tally.get('frames') >= camera.sent.length - (nowMs < 1500 ? 8 : 0));
  }
  await until(() => recorder.tally.get('frames') === camera.sent.length);
  await recorder.stop();
  const to = Number.MAX_SAFE_INTEGER;
  const found = base.index.find({ camera: camera.id, from: 0, to, order: 'asc', limit: 9 });
  assert.deepEqual(
    found.map(({ startAt }) => startAt - START),
    [0, 2000, 4000, 6000],
  );
  for (const { path, startAt, endAt } of found) {
    const { packets = [] } = await ffprobe(join(base.dataDir, 'recordings', path), [
      ...['-select_streams', 'a', '-show_packets', '-show_entries', 'packet=pts_time'],
    ]);
    const times = packets.map(({ pts_time }) => Number(pts_time) * 1000);
    for (const [n, ms] of times.entries()) assert.ok(n === 0 || ms > times[n - 1]! + BLOCK_MS / 2, `${path}: ${times}`);
    if (endAt < START + 6000) assert.ok(times.at(-1)! > endAt - startAt - 2 * BLOCK_MS, `${path}: ${times}`);
  }
});

test('a recorder that is behind by seconds gives up no sound that waits in the hub', async (t) => {
  const base = recordingBase(t);
  const clock = new ManualClock(START);
  const camera = new FedCamera(clock, { format: 'mjpeg', segmentSeconds: 2, audio: true });
  const disk = Promise.withResolvers<void>();
  let begun = 0;
  const assertWritable = () => (++begun === 2 ? disk.promise : Promise.resolve());
  const recorder = new Recorder({ ...base, camera, clock, random: () => 0, assertWritable });
  recorder.start();
  t.after(() => recorder.stop());
  let heardMs = 0;
  for (let nowMs = 0; nowMs < 6000; nowMs += 100) {
    for (; heardMs + BURST * BLOCK_MS <= nowMs; heardMs += BURST * BLOCK_MS) {
      for (let n = 0; n < BURST; n++) camera.sound(new Int16Array(BLOCK_MS * 8).fill(1000));
    }
    camera.picture();
    await clock.advance(100);
    // The disk takes three seconds over the second file.
    if (nowMs < 2000) await until(() => recorder.tally.get('frames') >= camera.sent.length - 8);
    if (nowMs === 5000) disk.resolve();
  }
  await until(() => recorder.tally.get('frames') === camera.sent.length);
  await recorder.stop();
  const to = Number.MAX_SAFE_INTEGER;
  const found = base.index.find({ camera: camera.id, from: 0, to, order: 'asc', limit: 9 });
  assert.equal(found.length, 3);
  for (const { path } of found.slice(0, 2)) {
    const input = ['-v', 'error', '-i', join(base.dataDir, 'recordings', path)];
    const samples = execFileSync('ffmpeg', [...input, '-map', '0:a', '-f', 's16le', '-']);
    const last = samples.subarray(-2 * AAC_SAMPLES);
    let loud = 0;
    for (let at = 0; at < last.length; at += 2) if (Math.abs(last.readInt16LE(at)) > 500) loud++;
    assert.ok(loud > AAC_SAMPLES / 4, `${path} ends with silence: ${loud} samples of sound`);
  }
});
