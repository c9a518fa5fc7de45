import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import { FedCamera, framesOf, recordingBase, until } from '../test/recording-fixture.ts';
import { Recorder } from './recorder.ts';

const START = Date.UTC(2026, 4, 3, 10, 0, 3);

async function feed(clock: ManualClock, camera: FedCamera, count: number, stepMs = 100): Promise<void> {
  for (let n = 0; n < count; n++) {
    camera.picture();
    await clock.advance(stepMs);
  }
}

test('mjpeg: every picture once and bit for bit, across boundaries, named by the first picture', async (t) => {
  const base = recordingBase(t);
  const clock = new ManualClock(START);
  const camera = new FedCamera(clock, { format: 'mjpeg', segmentSeconds: 5 });
  const recorder = new Recorder({ camera, clock, ...base });
  recorder.start();
  await feed(clock, camera, 130);
  await until(() => recorder.tally.get('frames') === 130);
  await recorder.stop();
  const segments = base.index.find({
    camera: camera.id,
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
    order: 'asc',
    limit: 99,
  });
  assert.deepEqual(
    segments.map(({ path }) => path),
    ['10-00-03Z', '10-00-05Z', '10-00-10Z', '10-00-15Z'].map((name) => `yard/2026-05-03/${name}.mkv`),
  );
  assert.deepEqual(
    segments.map(({ startAt }) => startAt - START),
    [0, 2000, 7000, 12_000],
  );
  assert.deepEqual(
    segments.map(({ endAt }) => endAt - START),
    [2000, 7000, 12_000, 13_000],
  );
  assert.deepEqual(
    segments.map(({ endReason }) => endReason),
    ['boundary', 'boundary', 'boundary', 'stopped'],
  );
  const recorded: Uint8Array[] = [];
  for (const segment of segments) {
    const frames = await framesOf(join(base.dataDir, 'recordings', segment.path));
    assert.equal(frames.length, segment.frames);
    assert.deepEqual(
      frames.map(({ timeMs }) => timeMs),
      frames.map((_, n) => n * 100),
    );
    recorded.push(...frames.map(({ data }) => data));
  }
  assert.equal(recorded.length, camera.sent.length);
  for (const [n, data] of recorded.entries()) assert.ok(Buffer.from(data).equals(camera.sent[n]!), `picture ${n}`);
  assert.equal(recorder.tally.get('missed'), 0);
});

test('a camera that slows down plays at the right speed', async (t) => {
  const base = recordingBase(t);
  const clock = new ManualClock(START);
  const camera = new FedCamera(clock, { format: 'mp4', segmentSeconds: 60 });
  const recorder = new Recorder({ camera, clock, ...base });
  recorder.start();
  await feed(clock, camera, 40, 50);
  await feed(clock, camera, 6, 333);
  await feed(clock, camera, 20, 50);
  await until(() => recorder.tally.get('frames') === 66);
  await recorder.stop();
  await camera.encoded.stop();
  const [segment] = base.index.find({
    camera: camera.id,
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
    order: 'asc',
    limit: 9,
  });
  assert.equal(segment?.frames, 66);
  assert.equal(segment.codec, 'h264');
  const probed = await ffprobe(join(base.dataDir, 'recordings', segment.path), [
    ...['-select_streams', 'v', '-show_packets', '-show_entries', 'packet=pts_time,flags'],
  ]);
  const times = (probed.packets ?? []).map((packet) => Math.round(Number(packet.pts_time) * 1000));
  const expected = Array.from({ length: 66 }, (_, n) =>
    n <= 40 ? n * 50 : n <= 46 ? 2000 + (n - 40) * 333 : 3998 + (n - 46) * 50,
  );
  assert.deepEqual(times, expected);
  const keys = (probed.packets ?? []).flatMap((packet, n) => (packet.flags?.startsWith('K') ? [times[n]] : []));
  assert.deepEqual(keys, [0, 1000, 3332], 'the first picture, then the first at or after each even second');
});

test('sound that comes after the first pictures, and after a pre-roll without any, makes no tiny first file', async (t) => {
  for (const preRoll of [0, 20]) {
    const base = recordingBase(t);
    const clock = new ManualClock(START);
    const camera = new FedCamera(clock, { format: 'mjpeg', audio: true, segmentSeconds: 60, preRollSeconds: 5 });
    await feed(clock, camera, preRoll);
    const recorder = new Recorder({ camera, clock, ...base });
    recorder.start();
    await feed(clock, camera, 6);
    for (let n = 0; n < 30; n++) {
      camera.sound(new Int16Array(800));
      await feed(clock, camera, 1);
    }
    await until(() => recorder.tally.get('frames') === preRoll + 36);
    await recorder.stop();
    const found = base.index.find({ camera: camera.id, from: 0, to: Number.MAX_SAFE_INTEGER, order: 'asc', limit: 9 });
    assert.deepEqual(
      found.map(({ frames, endReason }) => [frames, endReason]),
      [[preRoll + 36, 'stopped']],
    );
  }
});
