// `npm run soak`: kill -9 at random instants, 100 times or PERCH_KILL_RUNS times. PERCH_KILL_SEED repeats a run's choices.

import { test } from 'node:test';
import { seededRandom } from '../core/random.ts';
import { KillWorld, type Victim } from './kill-world.ts';

const RUNS = Number(process.env.PERCH_KILL_RUNS ?? 100);
const SEED = Number(process.env.PERCH_KILL_SEED ?? Date.now() % 1_000_000);
/** Perch, ffmpeg, both, and Perch twice, the second time while it starts. */
const VICTIMS: readonly Victim[] = ['perch', 'perch', 'ffmpeg', 'ffmpeg', 'both', 'both', 'start'];

test(`kill -9 at ${RUNS} random instants (seed ${SEED})`, async (t) => {
  await using world = await KillWorld.start(SEED);
  const random = seededRandom(SEED + 1);
  const worst = new Map<string, number>();
  let [cut, adopted] = [0, 0];
  for (let n = 1; n <= RUNS; n++) {
    const result = await world.kill(VICTIMS[Math.floor(random() * VICTIMS.length)]!);
    for (const [camera, ms] of Object.entries(result.lostMs)) {
      const key = `${result.victim === 'ffmpeg' ? 'ffmpeg' : 'Perch'} killed, ${camera}`;
      worst.set(key, Math.max(worst.get(key) ?? 0, ms));
    }
    cut += result.cutFrames;
    adopted += result.adopted;
    process.stderr.write(`kill ${n}/${RUNS}: ${JSON.stringify(result)}\n`);
  }
  await world.finish();
  for (const [key, ms] of worst) t.diagnostic(`${key}: at most ${ms} ms lost`);
  t.diagnostic(`${adopted} adopted, ${cut} pictures cut off, ${world.decoded} recordings decoded, none bad`);
});
