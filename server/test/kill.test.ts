// kill -9 of ffmpeg, of Perch, of both: a few runs of what `kill.soak.ts` does a hundred times.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KillWorld } from './kill-world.ts';

test('kill -9 of ffmpeg, of Perch and of both: every recording plays, at most 2 s lost, rows and files agree', async (t) => {
  await using world = await KillWorld.start(process.pid, 2);
  for (const victim of ['ffmpeg', 'both', 'start'] as const) {
    const { lostMs, adopted, cutFrames } = await world.kill(victim);
    t.diagnostic(`${victim}: lost ${JSON.stringify(lostMs)} ms, ${adopted} adopted, ${cutFrames} pictures cut`);
  }
  await world.finish();
  assert.ok(world.decoded >= 4, `${world.decoded} recordings`);
});
