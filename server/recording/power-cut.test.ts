// The power goes between two steps of a close or a deletion; the next start brings files and rows into agreement.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { FedCamera, framesOf, recordingBase, until } from '../test/recording-fixture.ts';
import { adopt, findFiles } from './adoption.ts';
import { deleteSegments } from './deletion.ts';
import { Recorder } from './recorder.ts';

const ALL = { camera: 'cam_fed', from: 0, to: Number.MAX_SAFE_INTEGER, order: 'asc', limit: 99 } as const;
const FRAMES = 20;

/** From now on this step fails, and so does all that comes after it in the same chain. */
function cut<T extends object>(target: T, step: keyof T): () => void {
  const before = target[step];
  target[step] = (() => {
    throw new Error('the power is gone');
  }) as T[keyof T];
  return () => {
    target[step] = before;
  };
}

async function record(base: ReturnType<typeof recordingBase>, clock: ManualClock): Promise<void> {
  const camera = new FedCamera(clock, { format: 'mjpeg', segmentSeconds: 60 });
  const recorder = new Recorder({ camera, clock, ...base });
  recorder.start();
  for (let n = 0; n < FRAMES; n++) {
    camera.picture();
    await clock.advance(100);
  }
  await until(() => recorder.tally.get('frames') === FRAMES);
  await recorder.stop();
}

async function assertAgreement(base: ReturnType<typeof recordingBase>, clock: ManualClock, frames: number) {
  await adopt({ ...base, clock, log: silentLogger, cameraOfFolder: () => 'cam_fed' });
  const paths: string[] = [];
  for await (const { path } of findFiles(base.files)) paths.push(path);
  assert.deepEqual(
    [...base.index.rows()].map(({ path }) => path),
    paths,
  );
  const recorded = await Promise.all(paths.map((path) => framesOf(join(base.dataDir, 'recordings', path))));
  assert.equal(recorded.flat().length, frames);
}

function begin(t: TestContext) {
  return { base: recordingBase(t), clock: new ManualClock(Date.UTC(2026, 4, 3, 10, 0, 3)) };
}

test('cut before fsync and rename, and between rename and row: nothing is lost', async (t) => {
  for (const step of ['finish', 'add'] as const) {
    const { base, clock } = begin(t);
    const mend = step === 'finish' ? cut(base.files, 'finish') : cut(base.index, 'add');
    await record(base, clock);
    mend();
    assert.equal(base.index.find(ALL).length, 0);
    await assertAgreement(base, clock, FRAMES);
  }
});

test('cut between doom, unlink and forget: the deletion is finished at the next start', async (t) => {
  for (const step of ['remove', 'forget'] as const) {
    const { base, clock } = begin(t);
    await record(base, clock);
    const mend = step === 'remove' ? cut(base.files, 'remove') : cut(base.index, 'forget');
    await deleteSegments(base.index.find(ALL), { ...base, clock }).catch(() => {});
    mend();
    assert.equal(base.index.find(ALL).length, 0, 'not listed any more');
    await assertAgreement(base, clock, 0);
  }
});
