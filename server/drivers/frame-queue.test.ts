import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../core/frame.ts';
import { NvrError } from '../core/nvr-error.ts';
import { FrameQueue } from './frame-queue.ts';

const picture = (n: number, bytes = 10): Frame => ({
  kind: 'video',
  codec: 'mjpeg',
  key: true,
  data: new Uint8Array(bytes),
  width: n,
  height: 1,
  mediaMs: null,
  at: n,
  monoMs: n,
});
const sound = (n: number): Frame => ({
  kind: 'audio',
  codec: 'ima-adpcm',
  data: new Uint8Array(1),
  sampleRate: 8000,
  channels: 1,
  samples: 2,
  mediaMs: null,
  at: n,
  monoMs: n,
});
const reason = new NvrError('unavailable', 'gone');

/** Reads to the end; @returns the numbers of the frames */
async function readAll(queue: FrameQueue): Promise<number[]> {
  const numbers: number[] = [];
  await assert.rejects(
    (async () => {
      for await (const frame of queue.read()) numbers.push(frame.at);
    })(),
    reason,
  );
  return numbers;
}

test('frames come in order, queued ones first, then the reason', async () => {
  const queue = new FrameQueue({ frames: 10, bytes: 1000 });
  queue.push(picture(1));
  const reading = readAll(queue);
  await Promise.resolve();
  queue.push(picture(2));
  queue.push(sound(3));
  queue.push(picture(4));
  queue.end(reason);
  queue.end(new NvrError('internal', 'not the first'));
  queue.push(picture(5));
  assert.deepEqual(await reading, [1, 2, 3, 4]);
});

test('a waiting reader gets the reason at once', async () => {
  const queue = new FrameQueue({ frames: 10, bytes: 1000 });
  const reading = readAll(queue);
  queue.end(reason);
  assert.deepEqual(await reading, []);
});

test('the oldest are lost, by number and by bytes, counted by kind', async () => {
  const queue = new FrameQueue({ frames: 3, bytes: 100 });
  for (let n = 0; n < 4; n++) queue.push(sound(n));
  queue.push(picture(4));
  assert.deepEqual([queue.droppedPictures, queue.droppedSounds], [0, 2]);
  queue.push(picture(5, 98));
  assert.deepEqual([queue.droppedPictures, queue.droppedSounds], [1, 4]);
  queue.push(picture(6, 101));
  queue.end(reason);
  assert.deepEqual(await readAll(queue), []);
  assert.equal(queue.droppedPictures, 3);
});
