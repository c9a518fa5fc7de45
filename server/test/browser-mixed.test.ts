// One camera of each of four kinds in one grid: a short run of what `mixed-grid.soak.ts` does with sixteen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skip as noBrowser, openBrowser, openPage } from './chromium.ts';
import { MixedWorld, skip as noFfmpeg, stageOf, tileMoves } from './mixed-world.ts';

test('cameras of four kinds in one grid, by RTSP, recorded; killed, they come back', {
  skip: noBrowser || noFfmpeg,
  timeout: 240_000,
}, async (t) => {
  await using world = await MixedWorld.start(1);
  const { cameras } = world;
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  await Promise.all([world.openGrid(page), ...cameras.map((camera) => world.live(camera))]);
  await Promise.all([world.allPlayByRtsp(), ...cameras.map((camera) => tileMoves(stageOf(page, camera), camera.name))]);
  // `iwfcam` says no goodbye, so that its end takes ten seconds to notice: browser-live.test.ts waits for one.
  const quick = cameras.filter(({ kind }) => kind !== 'iwfcam');
  const outages = await Promise.all(quick.map((camera) => world.outlives(camera, page)));
  for (const [n, { awayMs, backMs }] of outages.entries()) {
    t.diagnostic(`${quick[n]!.name}: noticed after ${Math.round(awayMs)} ms, back after ${Math.round(backMs)} ms`);
  }
  assert.deepEqual(problems, []);
});
