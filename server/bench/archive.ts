// A large archive on disk: how long the start looks through it, with its rows and without, and how long the event loop waits
// while all of it is deleted. Beside it what the disk alone takes, and the longest wait of an idle event loop.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Bus } from '../core/bus.ts';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import { adopt } from '../recording/adoption.ts';
import { Recorder } from '../recording/recorder.ts';
import { applyRetention } from '../recording/retention.ts';
import { SegmentFiles } from '../recording/segment-files.ts';
import { Checkpointer } from '../store/checkpointer.ts';
import { openDatabase } from '../store/database.ts';
import { SegmentIndex } from '../store/segment-index.ts';
import { FedCamera } from '../test/recording-fixture.ts';

const SEGMENTS = 10_000;
const QUICK_SEGMENTS = 2000;
const SEGMENT_MS = 60_000;
const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const PICTURES = 10;
const NANOSECONDS_PER_MS = 1e6;
const FOLDER = 'yard';

/** What was measured; milliseconds. */
export type ArchiveResults = {
  readonly segments: number;
  /** Names and sizes of all files, nothing else. */
  readonly listMs: number;
  /** A start that finds every file in the index. */
  readonly startMs: number;
  /** A start without the database: every file is read. */
  readonly rebuildMs: number;
  /** Processor time of it: what a machine that does nothing else would need. */
  readonly rebuildCpuMs: number;
  readonly rebuildWaitMs: number;
  readonly deleteMs: number;
  readonly deleteCpuMs: number;
  /** Longest and 99.9th percentile of the event loop's waits while all are deleted, and the longest of one that is idle. */
  readonly deleteWaitMs: number;
  readonly deleteWait999Ms: number;
  readonly idleWaitMs: number;
  /** Longest that one transaction of the deletion held the event loop. */
  readonly transactionMs: number;
};

/** Makes the archive, measures, and removes it. */
export async function measureArchive({ quick }: { readonly quick: boolean }): Promise<ArchiveResults> {
  const dataDir = mkdtempSync(join(tmpdir(), 'perch-bench-archive-'));
  const file = join(dataDir, 'bench.db');
  const db = openDatabase(file);
  const checkpoints = new Checkpointer({ db, file, clock: systemClock, log: silentLogger });
  try {
    const segments = quick ? QUICK_SEGMENTS : SEGMENTS;
    const index = new SegmentIndex(db);
    const tools = { files: new SegmentFiles(dataDir), index, bus: new Bus(), clock: systemClock };
    await plant(tools, segments);
    checkpoints.start();
    const start = () => adopt({ ...tools, log: silentLogger, cameraOfFolder: () => null });

    const listed = performance.now();
    for (const name of readdirSync(tools.files.root, { recursive: true }))
      statSync(join(tools.files.root, String(name)));
    const listMs = performance.now() - listed;
    const rebuild = await timed(start);
    const known = await timed(start);
    if ([...index.rows()].length !== segments) throw new Error('The archive was not adopted whole');

    const idle = await timed(() => systemClock.sleep(Math.max(1000, known.ms)));
    let transactionMs = 0;
    const transaction = index.transaction.bind(index);
    index.transaction = (work) => {
      const begun = performance.now();
      try {
        return transaction(work);
      } finally {
        transactionMs = Math.max(transactionMs, performance.now() - begun);
      }
    };
    const clock = { ...systemClock, wallMs: () => START + 365 * DAY_MS };
    const { signal } = new AbortController();
    const room = () => checkpoints.room();
    const gone = await timed(() =>
      applyRetention(FOLDER, { days: 30 }, { ...tools, clock, room }, silentLogger, signal),
    );
    if (gone.result !== segments) throw new Error(`${gone.result} of ${segments} recordings were deleted`);
    return {
      ...{
        segments,
        listMs,
        startMs: known.ms,
        rebuildMs: rebuild.ms,
        rebuildCpuMs: rebuild.cpuMs,
        rebuildWaitMs: rebuild.waitMs,
      },
      ...{ deleteMs: gone.ms, deleteCpuMs: gone.cpuMs, deleteWaitMs: gone.waitMs, deleteWait999Ms: gone.wait999Ms },
      ...{ idleWaitMs: idle.waitMs, transactionMs },
    };
  } finally {
    await checkpoints.stop();
    db.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** One real recording, and copies of it that begin a minute after another. */
async function plant(tools: { files: SegmentFiles; index: SegmentIndex; bus: Bus }, count: number): Promise<void> {
  const camera = new FedCamera(systemClock, { format: 'mjpeg', segmentSeconds: 3600 }, 'cam_bench', FOLDER);
  const recorder = new Recorder({ ...tools, camera, clock: systemClock });
  recorder.start();
  for (let n = 0; n < PICTURES; n++) {
    camera.picture();
    await systemClock.sleep(50);
  }
  while (recorder.tally.get('frames') < PICTURES) await systemClock.sleep(50);
  await recorder.stop();
  const [row] = [...tools.index.rows()];
  if (!row) throw new Error('Nothing was recorded');
  const bytes = readFileSync(tools.files.absolute(row.path));
  const note = bytes.indexOf(`start=${row.startAt}`);
  tools.index.forget(row.id);
  rmSync(tools.files.absolute(row.path));
  for (let n = 0; n < count; n++) {
    const startAt = START + n * SEGMENT_MS;
    const iso = new Date(startAt).toISOString();
    const day = tools.files.absolute(`${FOLDER}/${iso.slice(0, 10)}`);
    if (startAt % DAY_MS === 0) mkdirSync(day, { recursive: true });
    bytes.write(`start=${startAt}`, note); // as many digits
    writeFileSync(join(day, `${iso.slice(11, 19).replaceAll(':', '-')}Z.mkv`), bytes);
  }
}

async function timed<T>(work: () => Promise<T>) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  const ms = performance.now() - begun;
  delay.disable();
  const [waitMs, wait999Ms] = [delay.max / NANOSECONDS_PER_MS, delay.percentile(99.9) / NANOSECONDS_PER_MS];
  return { result, ms, waitMs, wait999Ms, cpuMs: (user + system) / 1000 };
}
