// Timelines of a large archive: a database of a million segments of 16 cameras is made for the run, and asked. Beside it
// the same answer from the rows themselves, as if there were no runs.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Timeline } from '../recording/timeline.ts';
import { openDatabase } from '../store/database.ts';
import { GapTable } from '../store/gaps.ts';

const CAMERAS = 16;
const SEGMENTS = 1_000_000;
const QUICK_SEGMENTS = 100_000;
const SEGMENT_MS = 60_000;
const DAY_MS = 86_400_000;
const MONTH_MS = 30 * DAY_MS;
/** Every so many segments the camera was away for one: 7 gaps a day. */
const GAP_EVERY = 200;
const START = Date.UTC(2026, 0, 1);
const ROUNDS = 20;

/** Milliseconds: median and worst of the rounds. */
export type TimelineFigure = { readonly p50: number; readonly max: number };

/** What was measured. */
export type TimelineResults = {
  readonly segments: number;
  readonly cameras: number;
  readonly buildSeconds: number;
  readonly day: TimelineFigure;
  readonly month: TimelineFigure;
  readonly monthOfAll: TimelineFigure;
  readonly monthFromRows: TimelineFigure;
  readonly gapsInMonth: number;
};

/** Makes the database, asks, and removes it. */
export function measureTimeline({ quick }: { readonly quick: boolean }): TimelineResults {
  const folder = mkdtempSync(join(tmpdir(), 'perch-bench-timeline-'));
  const db = openDatabase(join(folder, 'bench.db'));
  try {
    const segments = quick ? QUICK_SEGMENTS : SEGMENTS;
    const each = Math.floor(segments / CAMERAS);
    const begun = performance.now();
    db.pragma('synchronous = OFF');
    const fill = db.prepare(
      `with recursive n (i) as (select 0 union all select i + 1 from n where i + 1 < @each)
       insert into segments (id, camera_id, folder, path, start_at, end_at, frames, bytes, format, codec, end_reason)
       select 'seg_' || @camera || '_' || i, 'cam_' || @camera, 'cam-' || @camera, 'cam-' || @camera || '/' || i,
         @start + (i + i / @gap) * @length, @start + (i + i / @gap + 1) * @length, 1200, 3000000, 'mp4', 'h264',
         case when (i + 1) % @gap = 0 then 'offline' else 'boundary' end from n`,
    );
    const watch = db.prepare('insert into watch_spans (camera_id, start_at, end_at, condition) values (?, ?, ?, ?)');
    for (let camera = 0; camera < CAMERAS; camera++) {
      db.transaction(() => {
        fill.run(whole({ each, camera, gap: GAP_EVERY, start: START, length: SEGMENT_MS }));
        const cycle = (GAP_EVERY + 1) * SEGMENT_MS;
        for (let at = START; at < START + (each * cycle) / GAP_EVERY; at += cycle) {
          watch.run(`cam_${camera}`, at, at + cycle - SEGMENT_MS, 'recording');
          watch.run(`cam_${camera}`, at + cycle - SEGMENT_MS, at + cycle, 'offline');
        }
      })();
    }
    const buildSeconds = (performance.now() - begun) / 1000;
    const end = START + each * SEGMENT_MS;
    const gaps = new GapTable(db);
    const timeline = new Timeline({ gaps, clock: { wallMs: () => end + 10 * MONTH_MS }, unindexed: () => [] });
    const from = Math.max(START, end - MONTH_MS);
    const rows = db.prepare<[string, number, number], [number, number]>(
      'select start_at, end_at from segments where camera_id = ? and doomed_at is null and start_at >= ? and start_at < ? order by start_at',
    );
    const month = (camera: number) => timeline.read(`cam_${camera}`, from, from + MONTH_MS);
    return {
      ...{ segments: each * CAMERAS, cameras: CAMERAS, buildSeconds },
      day: measure((n) => timeline.read(`cam_${n % CAMERAS}`, from + (n % 7) * DAY_MS, from + ((n % 7) + 1) * DAY_MS)),
      month: measure((n) => month(n % CAMERAS)),
      monthOfAll: measure(() => Array.from({ length: CAMERAS }, (_, camera) => month(camera))),
      monthFromRows: measure((n) => rows.all(`cam_${n % CAMERAS}`, from, from + MONTH_MS)),
      gapsInMonth: month(0).gaps.length,
    };
  } finally {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function measure(work: (round: number) => unknown): TimelineFigure {
  const took = Array.from({ length: ROUNDS }, (_, round) => {
    const begun = performance.now();
    work(round);
    return performance.now() - begun;
  }).sort((a, b) => a - b);
  return { p50: took[Math.floor(ROUNDS / 2)]!, max: took.at(-1)! };
}

/** SQLite reads a number of JavaScript as a float: its divisions would not be whole. */
function whole(values: Readonly<Record<string, number>>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, BigInt(value)]));
}
