// The picture that stands still after a pause is the one the clock names, also where the browser did not tell of all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaybackBuffer } from './playback-buffer.ts';
import { PlaybackPicture } from './playback-picture.ts';

/** A film of five pictures a second, and the browser that plays it. */
function player() {
  type Tell = (now: number, frame: { mediaTime: number }) => void;
  const hears: Tell[] = [];
  const video = { currentTime: 0, requestVideoFrameCallback: (tell: Tell) => hears.push(tell) };
  const buffer = {
    pictures: () => [0, 200, 400, 600, 800],
    wallOf: (seconds: number) => seconds * 1000,
    mediaOf: (at: number) => at / 1000,
  };
  const shown: number[] = [];
  const picture = new PlaybackPicture(
    video as unknown as HTMLVideoElement,
    buffer as unknown as PlaybackBuffer,
    () => true,
    (at) => shown.push(Math.round(at)),
  );
  const tell = (at: number) => hears.shift()?.(0, { mediaTime: at / 1000 });
  return { picture, video, shown, tell };
}

test('a pause on a picture that was told of leaves the player alone', () => {
  const { picture, video, shown, tell } = player();
  tell(200);
  video.currentTime = 0.31;
  picture.settle();
  assert.deepEqual([video.currentTime, shown], [0.31, [200]]);
});

test('a pause on one that was not told of goes there, and so does one with the next at the door', () => {
  const { picture, video, shown, tell } = player();
  tell(200);
  video.currentTime = 0.45;
  picture.settle();
  assert.deepEqual([video.currentTime, shown], [0.401, [200, 400]]);
  assert.equal(picture.beside(picture.at ?? 0, 1), 600, 'a step from there shows another picture');
  video.currentTime = 0.59;
  picture.settle();
  assert.deepEqual([video.currentTime, shown], [0.401, [200, 400, 400]]);
});

test('where a seek led without a word from the browser, the picture there is told, once', () => {
  const { picture, video, shown, tell } = player();
  video.currentTime = 0.55;
  picture.guess();
  picture.guess();
  assert.deepEqual(shown, [400]);
  tell(600);
  picture.guess();
  assert.deepEqual(shown, [400, 600], 'what the browser says holds');
});
