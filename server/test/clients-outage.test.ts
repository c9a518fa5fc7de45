// One connection through an outage, on the real stack: true frames, a card, true frames again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureNumber } from '../sim/counted-pictures.ts';
import { RawClient } from './live/raw-client.ts';
import { startStage } from './live/tools.ts';

test('a viewer stays connected while the camera is away: pictures, a card after 10 s, pictures again', async () => {
  await using stage = await startStage();
  const { nvr, token } = stage;
  using viewer = await RawClient.open(nvr.port, `/cameras/porch/mjpeg?token=${token}`);
  using reader = await RawClient.open(nvr.port, `/cameras/porch/frames?token=${token}`);
  await viewer.head();
  await reader.head();
  const numbers: number[] = [];
  while (numbers.length < 10) {
    const part = await viewer.part();
    const number = pictureNumber(part.body);
    assert.notEqual(number, null);
    if (part.headers['x-perch-repeat'] === undefined) numbers.push(number!);
  }
  nvr.sims[0]!.vanish();
  const lostMs = performance.now();
  let card = await viewer.part();
  while (pictureNumber(card.body) !== null) card = await viewer.part(15_000);
  const waitedMs = performance.now() - lostMs;
  assert.ok(waitedMs > 9000 && waitedMs < 14_000, `the card came after ${waitedMs} ms`);
  nvr.sims[0]!.comeBack();
  let part = await viewer.part();
  for (; pictureNumber(part.body) === null; part = await viewer.part(40_000));
  assert.equal(viewer.ended, false);
  assert.equal(reader.ended, false);
  assert.ok(pictureNumber(reader.pending) !== null, '/frames has true frames only');
  assert.equal(nvr.app.fleet.get('porch').status().viewers, 2);
});
