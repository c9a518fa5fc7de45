// "Every frame is there once": recordings of any length over many boundaries, all ways of recording. The normal test runs a
// minute, the soak an hour.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { codedClip, framesIn, numbered, PacedRecording } from './paced-recording.ts';
import { framesOf, pictures } from './recording-fixture.ts';

const START = Date.UTC(2026, 4, 3, 10, 0, 3);
const PICTURE_MS = 40;
const UNIT_MS = 64;
/** Pictures of a clip. */
const CLIP = 250;

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** JPEGs, untouched, bit for bit. @returns pictures */
export async function jpegsOnce(t: TestContext, seconds: number, segmentSeconds: number): Promise<number> {
  const run = new PacedRecording(t, START, { format: 'mjpeg', segmentSeconds });
  run.recorder.start();
  for (let n = 0; n < seconds * 10; n++) {
    run.publish({
      kind: 'video',
      codec: 'mjpeg',
      key: true,
      width: 160,
      height: 120,
      mediaMs: null,
      data: jpeg(run, n),
    });
    await run.advanceTo((n + 1) * 100);
  }
  const segments = await run.end();
  assert.deepEqual(run.failures, []);
  let number = 0;
  for (const segment of segments) {
    const frames = await framesOf(run.file(segment));
    assert.equal(frames.length, segment.frames);
    for (const { data, timeMs } of frames) {
      assert.ok(isSame(data, jpeg(run, number)), `picture ${number}`);
      assert.equal(segment.startAt + timeMs, START + number * 100);
      number++;
    }
  }
  assert.equal(number, seconds * 10);
  return number;
}

/** A picture with its number behind the end mark of the JPEG. */
function jpeg({ camera }: PacedRecording, number: number): Uint8Array {
  camera.sent[0] ??= pictures.picture(0).data;
  return Uint8Array.from([...camera.sent[0], number & 255, (number >> 8) & 255, number >> 16]);
}

/** JPEGs encoded to H.264: each once, at its time. @returns pictures */
export async function encodedOnce(t: TestContext, seconds: number, segmentSeconds: number): Promise<number> {
  const encoder = { kind: 'auto', preset: 'ultrafast', quality: 35 } as const;
  const run = new PacedRecording(t, START, { format: 'mp4', segmentSeconds, preRollSeconds: 60, encoder });
  run.recorder.start();
  for (let n = 0; n < seconds * 10; n++) {
    run.camera.picture();
    run.counted();
    // Less than the two seconds that an encoder may fall behind before it leaves pictures out.
    await run.advanceTo((n + 1) * 100, 8);
  }
  const segments = await run.end();
  assert.deepEqual(run.failures, []);
  const times: number[] = [];
  for (const segment of segments) {
    const [frames = []] = await framesIn(run.file(segment));
    assert.equal(frames.length, segment.frames);
    times.push(...frames.map(({ timeMs }) => segment.startAt + timeMs));
  }
  assert.deepEqual(
    times,
    Array.from({ length: seconds * 10 }, (_, n) => START + n * 100),
  );
  return times.length;
}

/** H.264 with B-frames and AAC, copied: every access unit once, bit for bit, shown in its order. @returns pictures */
export async function copiedOnce(t: TestContext, seconds: number, segmentSeconds: number): Promise<number> {
  const clip = await codedClip({ bFrames: 2 });
  const run = new PacedRecording(t, START, { format: 'mp4', segmentSeconds, audio: true });
  run.recorder.start();
  const picture = (n: number) => numbered(clip.pictures[n % CLIP]!.data, n);
  const shownMs = (n: number) => Math.floor(n / CLIP) * CLIP * PICTURE_MS + clip.pictures[n % CLIP]!.mediaMs;
  const unit = (n: number) => clip.units[n % clip.units.length]!;
  const count = seconds * 25;
  let units = 0;
  for (let n = 0; n < count; n++) {
    for (; (units + 1) * UNIT_MS <= n * PICTURE_MS; units++) {
      const sound = { codec: 'aac', sampleRate: 16_000, channels: 1, samples: 1024, codecConfig: clip.aacConfig };
      run.publish({ kind: 'audio', ...sound, data: unit(units), mediaMs: null });
    }
    const { key } = clip.pictures[n % CLIP]!;
    const video = { codec: 'h264', key, width: 160, height: 120, codecConfig: clip.codecConfig };
    run.publish({ kind: 'video', ...video, data: picture(n), mediaMs: shownMs(n) });
    await run.advanceTo((n + 1) * PICTURE_MS, 30);
  }
  const segments = await run.end();
  assert.deepEqual(run.failures, []);
  let number = 0;
  let sounded = 0;
  for (const segment of segments) {
    const [frames = [], sounds = []] = await framesIn(run.file(segment));
    const first = number;
    assert.equal(frames.length, segment.frames);
    for (const { data } of frames) {
      assert.ok(isSame(data, picture(number)), `access unit ${number}`);
      number++;
    }
    const shown = frames
      .map(({ timeMs }, n) => ({ timeMs, n: shownMs(first + n) }))
      .sort((a, b) => a.timeMs - b.timeMs);
    for (const [n, { timeMs, n: source }] of shown.entries()) {
      const before = shown[n - 1];
      if (!before) continue;
      assert.ok(source > before.n, 'shown in the order of the camera');
      assert.ok(Math.abs(timeMs - before.timeMs - PICTURE_MS) <= 12, `${timeMs - before.timeMs} ms`);
    }
    for (const { data } of sounds) {
      // Silence stands before the camera's first unit only.
      if (sounded === 0 && !isSame(data, unit(0))) continue;
      assert.ok(isSame(data, unit(sounded)), `unit ${sounded}`);
      sounded++;
    }
  }
  assert.equal(number, count);
  assert.ok(units - sounded <= 16, `${sounded} of ${units} units`);
  return number;
}
