// The power goes inside the finishing of a file: before and after each fsync and rename, with what a disk may then have
// forgotten, and at any byte of what ffmpeg writes at the end of an mp4 in place.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import promises, { open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import { recordingBase } from '../test/recording-fixture.ts';
import { adopt } from './adoption.ts';
import { encodeNote, readFacts } from './file-facts.ts';
import { salvagePart } from './segment-close.ts';
import { PART_SUFFIX } from './segment-files.ts';

const run = promisify(execFile);
const START = Date.UTC(2026, 4, 3, 10, 0, 3, 250);
const NAME = 'yard/2026-05-03/10-00-03Z.mp4';
const FRAMES = 40;
/** Half a second. */
const FRAGMENT_FRAMES = 5;

/** A closed mp4 as ffmpeg leaves it: fragments of half a second, the index at the end. */
async function finishedFile(file: string): Promise<void> {
  await run('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10', '-frames:v', String(FRAMES)],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-bf', '0', '-pix_fmt', 'yuv420p'],
    ...['-movflags', '+frag_keyframe+empty_moov+default_base_moof+delay_moov', '-frag_duration', '500000'],
    ...['-metadata', `comment=${encodeNote('cam_fed', START)}`, '-f', 'mp4', file],
  ]);
}

async function countPictures(file: string): Promise<number> {
  const { packets } = await ffprobe(file, [
    '-select_streams',
    'v',
    '-show_packets',
    '-show_entries',
    'packet=pts_time',
  ]);
  return packets?.length ?? 0;
}

/** Records the steps on disk and in the index; from number `cutAt` on there is no power, and each step fails. */
async function watchSteps(t: TestContext, index: { add: unknown }, cutAt: number) {
  const steps: string[] = [];
  const step = (name: string) => {
    if (steps.length >= cutAt) throw Object.assign(new Error('the power is gone'), { code: 'EIO' });
    steps.push(name);
  };
  const paths = new Map<object, string>();
  const { open: realOpen, rename: realRename, truncate: realTruncate } = promises;
  await using probe = await realOpen(process.execPath, 'r');
  const handles = Object.getPrototypeOf(probe) as { sync(): Promise<void> };
  const realSync = handles.sync;
  t.mock.method(promises, 'open', async (path: string, flags?: string) => {
    const handle = await realOpen(path, flags);
    paths.set(handle, basename(path));
    return handle;
  });
  t.mock.method(promises, 'truncate', async (path: string, bytes: number) => {
    step(`trim ${basename(path)}`);
    return realTruncate(path, bytes);
  });
  t.mock.method(promises, 'rename', async (from: string, to: string) => {
    step(`rename ${basename(from)} to ${basename(to)}`);
    return realRename(from, to);
  });
  t.mock.method(handles, 'sync', async function sync(this: object) {
    step(`sync ${paths.get(this)}`);
    return realSync.call(this as never);
  });
  const realAdd = index.add as (...args: unknown[]) => unknown;
  index.add = (...args: unknown[]) => {
    step('row');
    return realAdd.apply(index, args);
  };
  syncBuiltinESMExports();
  return {
    steps,
    powerIsBack() {
      t.mock.restoreAll();
      syncBuiltinESMExports();
      index.add = realAdd;
    },
  };
}

const ALL_STEPS = [
  'trim 10-00-03Z.mp4.part',
  'sync 10-00-03Z.mp4.part',
  'rename 10-00-03Z.mp4.part to 10-00-03Z.mp4',
  'sync 2026-05-03',
  'row',
];

test('cut before each of trim, fsync, rename, fsync of the folder and row: in this order, and nothing is lost', async (t) => {
  const source = join(recordingBase(t).dataDir, 'source.mp4');
  await finishedFile(source);
  for (let cutAt = 0; cutAt <= ALL_STEPS.length; cutAt++) {
    // What a disk may have forgotten of it: nothing; the rename that was not synced; the row, whose journal was not.
    for (const forgets of ['nothing', 'what was not synced'] as const) {
      const base = recordingBase(t);
      const { files, index } = base;
      const part = files.absolute(NAME + PART_SUFFIX);
      mkdirSync(join(part, '..'), { recursive: true });
      copyFileSync(source, part);
      const facts = (await readFacts(part, 'mp4'))!;
      const power = await watchSteps(t, index, cutAt);
      const row = { path: NAME, folder: 'yard', camera: 'cam_fed', format: 'mp4', startAt: START } as const;
      const closing = salvagePart({ ...row, endReason: 'boundary', facts }, { files, index, log: silentLogger });
      const outcome = await closing.then(
        () => 'done',
        () => 'cut',
      );
      power.powerIsBack();
      assert.deepEqual(power.steps, ALL_STEPS.slice(0, cutAt));
      assert.equal(outcome, cutAt < ALL_STEPS.length ? 'cut' : 'done');
      if (forgets === 'what was not synced') {
        // Renamed and the folder not synced: the old name may be back. The row was not synced either.
        if (cutAt === 3) renameSync(files.absolute(NAME), part);
        for (const { id } of [...index.rows()]) index.forget(id);
        // Never synced: the last bytes may not have reached the disk.
        if (cutAt <= 1) truncateSync(part, statSync(part).size - 300);
      }
      const frames = forgets !== 'nothing' && cutAt <= 1 ? FRAMES - FRAGMENT_FRAMES : FRAMES;
      const clock = new ManualClock(START);
      await adopt({ ...base, clock, log: silentLogger, cameraOfFolder: () => null });
      const [only, ...more] = [...index.rows()];
      const cut = `cut after ${power.steps.at(-1) ?? 'nothing'}, forgets ${forgets}`;
      assert.deepEqual([only?.path, only?.startAt, only?.frames, more.length], [NAME, START, frames, 0], cut);
      assert.equal(await countPictures(files.absolute(NAME)), frames, cut);
      assert.deepEqual(readdirSync(join(part, '..')), [basename(NAME)], cut);
      assert.equal(existsSync(files.quarantineRoot), false, cut);
    }
  }
});

test('cut at any byte of what ffmpeg writes at the end in place: no picture is lost; in a fragment: only that one', async (t) => {
  const base = recordingBase(t);
  const source = join(base.dataDir, 'source.mp4');
  await finishedFile(source);
  const { size } = statSync(source);
  // The last four bytes are the length of the index (ISO/IEC 14496-12, 8.8.11).
  await using handle = await open(source, 'r');
  const tail = Buffer.alloc(4);
  await handle.read(tail, 0, 4, size - 4);
  const indexBytes = tail.readUInt32BE();
  const cuts = [1, 4, 15, 16, 17, indexBytes - 9, indexBytes - 1, indexBytes, indexBytes + 1, indexBytes + 400];
  for (const [n, missing] of cuts.entries()) {
    const name = NAME.replace('03Z', `${10 + n}Z`);
    const part = base.files.absolute(name + PART_SUFFIX);
    mkdirSync(join(part, '..'), { recursive: true });
    copyFileSync(source, part);
    truncateSync(part, size - missing);
  }
  await adopt({ ...base, clock: new ManualClock(START), log: silentLogger, cameraOfFolder: () => null });
  for (const [n, missing] of cuts.entries()) {
    const row = base.index.byPath(NAME.replace('03Z', `${10 + n}Z`));
    const expected = missing <= indexBytes ? FRAMES : FRAMES - FRAGMENT_FRAMES;
    assert.equal(row?.frames, expected, `${missing} of ${indexBytes} bytes missing`);
    const file = base.files.absolute(row.path);
    assert.equal(await countPictures(file), expected);
    assert.equal((await run('ffmpeg', ['-v', 'error', '-i', file, '-f', 'null', '-'])).stderr, '');
  }
});
