// An export that dies while its recordings are joined: the next life makes it whole, and what it shows never goes back.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import { openDatabase } from '../store/database.ts';
import { type ExportRow, ExportTable } from '../store/exports.ts';
import { codedClip } from '../test/paced-recording.ts';
import { FedCamera, recordingBase, standInFfmpeg, until } from '../test/recording-fixture.ts';
import { Exporter } from './exporter.ts';
import { Recorder } from './recorder.ts';
import { SegmentFiles } from './segment-files.ts';

const START = Date.UTC(2026, 4, 3, 10, 0, 0);
const PICTURES = 75;
const PICTURE_MS = 200;
const ORDER: ExportRow = {
  ...{ id: 'exp_1', camera: 'cam_fed', name: 'Yard', from: START, to: START + PICTURES * PICTURE_MS, state: 'queued' },
  ...{ progress: 0, bytes: 1, error: null, createdBy: 'admin', createdAt: START, finishedAt: null },
};

/** Some recordings of copied H.264. */
async function recorded(t: TestContext) {
  const base = recordingBase(t);
  const clock = new ManualClock(START);
  const camera = new FedCamera(clock, { format: 'mp4', segmentSeconds: 5 });
  t.after(() => camera.encoded.stop());
  const recorder = new Recorder({ ...base, camera, clock });
  const { pictures, codecConfig } = await codedClip();
  recorder.start();
  for (let n = 0; n < PICTURES; n++) {
    const { key, data } = pictures[n]!;
    camera.hub.publish({
      ...{ kind: 'video', codec: 'h264', key, data, width: 160, height: 120, mediaMs: null, codecConfig },
      ...{ at: clock.wallMs(), monoMs: clock.monoMs() },
    } satisfies VideoFrame);
    await clock.advance(PICTURE_MS);
  }
  await until(() => recorder.recordedMonoMs === clock.monoMs() - PICTURE_MS);
  await recorder.stop();
  const rows = [...base.index.rows()];
  assert.ok(rows.length >= 2);
  return { ...base, frames: rows.reduce((sum, { frames }) => sum + frames, 0) };
}

test('kill -9 in the join: the next life joins again, each picture is there once, progress only grows', async (t) => {
  const { dataDir, index, bus, db, frames } = await recorded(t);
  // A join that says it is nearly through, has written something, and then stands still until it may be a real one.
  const stuck = `echo 'half of a film' >"$out"; while [ -d "${dataDir}" ]; do echo out_time_us=8000000 >&2; sleep 0.05; done`;
  const script = `for out; do :; done; case "$*" in *list.ffconcat*) [ -e "${dataDir}/real" ] || { ${stuck}; exit 1; };; esac; exec ffmpeg "$@"`;
  standInFfmpeg(t, dataDir, script);
  const clock = new ManualClock(START + 60_000);
  const exporter = (folder: string, table: ExportTable) => {
    const recordings = { files: new SegmentFiles(folder), index, unindexed: () => [] };
    const made = new Exporter({ recordings, table, bus, dataDir: folder, clock, log: silentLogger, reserveBytes: 0 });
    t.after(() => made.stop());
    return made;
  };
  const table = new ExportTable(db);
  table.add(ORDER);
  const first = exporter(dataDir, table);
  await first.start();
  await until(() => (first.get(ORDER.id)?.progress ?? 0) > 0.4);
  const shown = first.get(ORDER.id)!.progress;

  // All that a kill leaves: files, and rows as they are.
  const after = mkdtempSync(join(tmpdir(), 'perch-killed-'));
  t.after(() => rmSync(after, { recursive: true, force: true }));
  cpSync(dataDir, after, { recursive: true });
  assert.ok(statSync(join(after, 'exports/exp_1.work/joined.mp4.part')).size > 0);
  const lateDb = openDatabase(':memory:');
  t.after(() => lateDb.close());
  const lateTable = new ExportTable(lateDb);
  const row = table.get(ORDER.id)!;
  assert.deepEqual([row.state, row.progress], ['running', shown], 'what is shown is kept');
  lateTable.add({ ...row, state: 'running' });

  const seen: number[] = [];
  const second = exporter(after, lateTable);
  await second.start();
  await until(() => {
    seen.push(second.get(ORDER.id)!.progress);
    return existsSync(join(after, 'exports/exp_1.work/list.ffconcat')) && seen.length > 20;
  });
  writeFileSync(join(dataDir, 'real'), '');
  await second.stop();
  assert.equal(lateTable.get(ORDER.id)?.state, 'running', 'Perch ended: the next start goes on');

  const third = exporter(after, lateTable);
  await third.start();
  await until(() => {
    const { state, progress } = third.get(ORDER.id)!;
    seen.push(progress);
    assert.ok(state === 'done' || progress < 1, 'not 100 % while it is joined');
    return state === 'done';
  });
  assert.ok(
    seen.every((progress, n) => progress >= (seen[n - 1] ?? shown)),
    `${seen[0]} after ${shown}`,
  );
  assert.equal(seen.at(-1), 1);
  const { packets = [] } = await ffprobe(third.file(ORDER.id), ['-show_packets', '-show_entries', 'packet=pts_time']);
  const times = packets.map(({ pts_time }) => Math.round(Number(pts_time) * 1000));
  assert.deepEqual(
    times,
    Array.from({ length: frames }, (_, n) => n * PICTURE_MS),
    'each picture once, at its time',
  );
  await until(() => readdirSync(join(after, 'exports')).length === 1);
});
