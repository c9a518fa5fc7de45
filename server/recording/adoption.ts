// Start-up: brings files and rows into agreement after a crash (design/recordings.md). Goes on whatever it finds;
// nothing with a picture in it is ever deleted.

import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bus } from '../core/bus.ts';
import type { Clock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import { toNvrError } from '../core/nvr-error.ts';
import type { Segment, SegmentIndex } from '../store/segment-index.ts';
import { isBareHead, readFacts } from './file-facts.ts';
import { salvagePart } from './segment-close.ts';
import { isDay, PART_SUFFIX, parseName, type SegmentFiles } from './segment-files.ts';

/** Old writers die with their Perch; this is for a slow kernel. */
const WRITERS_GONE_MS = 5000;
const LOOK_AGAIN_MS = 50;
/** The event loop gets its turn after so many rows. */
const ROWS_PER_TURN = 500;

/** What adoption works with. `cameraOfFolder` knows who a folder belongs to when the file does not say. */
export type AdoptionTools = {
  readonly files: SegmentFiles;
  readonly index: SegmentIndex;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly cameraOfFolder: (folder: string) => string | null;
  /** Ends it early: what is left waits for the next start. */
  readonly signal?: AbortSignal;
};

/** What was found and done. */
export type AdoptionReport = { adopted: number; lost: number; quarantined: number; finished: number; failed: number };

/** A file with one of our names. Paths are relative to `recordings/`. */
export type FoundFile = {
  readonly path: string;
  readonly folder: string;
  readonly bytes: number;
  readonly name: NonNullable<ReturnType<typeof parseName>>;
};

async function listFolder(path: string) {
  return readdir(path, { withFileTypes: true }).catch(() => []);
}

/** All files that Perch named, folder by folder, day by day. Symbolic links and foreign names are passed over. */
export async function* findFiles(files: SegmentFiles): AsyncGenerator<FoundFile> {
  for (const folder of (await listFolder(files.root)).filter((entry) => entry.isDirectory())) {
    for (const day of (await listFolder(join(files.root, folder.name))).filter(
      (entry) => entry.isDirectory() && isDay(entry.name),
    )) {
      for (const entry of await listFolder(join(files.root, folder.name, day.name))) {
        const name = entry.isFile() ? parseName(day.name, entry.name) : null;
        if (!name) continue;
        const path = `${folder.name}/${day.name}/${entry.name}`;
        const size = await lstat(files.absolute(path)).then(
          (stat) => stat.size,
          () => null,
        );
        if (size !== null) yield { path, folder: folder.name, bytes: size, name };
      }
    }
  }
}

/** Runs all steps. Never throws for what it finds; a database that cannot be read does throw. */
export async function adopt(tools: AdoptionTools): Promise<AdoptionReport> {
  const { files, index, log, signal } = tools;
  const report: AdoptionReport = { adopted: 0, lost: 0, quarantined: 0, finished: 0, failed: 0 };
  for (const doomed of index.doomed()) {
    if (signal?.aborted) return report;
    try {
      await files.remove(doomed.path);
      index.forget(doomed.id);
      await files.removeEmptyDay(doomed.path);
      report.finished++;
    } catch (error) {
      report.failed++;
      log.warn({ path: doomed.path, error: toNvrError(error).message }, 'A deletion could not be finished');
    }
  }
  await waitForWriters(tools);
  // Read after the deletions, compared with rows as they stand now; what the disk has and the index has not is adopted.
  const known = new Map<string, Segment>();
  let turn = 0;
  for (const row of index.rows()) {
    known.set(row.path, row);
    if (++turn % ROWS_PER_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const seen = new Set<string>();
  for await (const file of findFiles(files)) {
    if (signal?.aborted) return report;
    if (known.has(file.path)) {
      seen.add(file.path);
      continue;
    }
    try {
      if (await adoptFile(file, tools)) report.adopted++;
      else report.quarantined++;
    } catch (error) {
      report.failed++;
      log.warn({ path: file.path, error: toNvrError(error).message }, 'A recording could not be adopted');
    }
  }
  for (const [path, row] of known) {
    if (signal?.aborted) return report;
    if (seen.has(path)) continue;
    // Looked at once more: a folder that could not be listed must not cost its rows.
    if (!(await isGone(files, path))) continue;
    forgetLost(row, tools);
    report.lost++;
  }
  if (Object.values(report).some((count) => count > 0)) log.info(report, 'Recordings and index brought into agreement');
  return report;
}

/** Whether a file is certainly not there: its folder can be read and does not have it. */
export async function isGone(files: SegmentFiles, path: string): Promise<boolean> {
  return lstat(files.absolute(path)).then(
    (stat) => !stat.isFile(),
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
  );
}

/** Removes a row whose file is gone, and says so. */
export function forgetLost(row: Segment, { index, bus, log }: Pick<AdoptionTools, 'index' | 'bus' | 'log'>): void {
  index.forget(row.id);
  log.warn({ path: row.path, segment: row.id }, 'A recording in the index has no file any more');
  bus.publish('segment.lost', {
    ...{ camera: row.camera, slug: row.folder, segment: row.id, start: row.startAt, end: row.endAt },
  });
}

/**
 * Makes a row for a file, or puts the file aside.
 * @returns whether it is a segment now
 */
export async function adoptFile(file: FoundFile, tools: AdoptionTools): Promise<boolean> {
  const { files, index, bus, log } = tools;
  const { path, folder, bytes, name } = file;
  const facts = await readFacts(files.absolute(path), name.format);
  if (!facts) {
    if (name.part && (await isBareHead(files.absolute(path), name.format))) {
      await files.remove(path);
      return false;
    }
    const place = await files.quarantine(path);
    log.warn({ path, place }, 'A recording that cannot be read was put aside');
    bus.publish('segment.quarantined', { slug: folder, file: place });
    return false;
  }
  const camera = facts.camera ?? tools.cameraOfFolder(folder);
  const startAt = facts.startAt ?? name.startAt;
  let segment: Segment;
  if (name.part) {
    const final = path.slice(0, -PART_SUFFIX.length);
    segment = await salvagePart(
      { path: final, folder, camera, format: name.format, startAt, endReason: 'crash', facts },
      { files, index, log },
    );
  } else {
    segment = {
      ...{ id: newId('seg'), camera, folder, path, startAt, endAt: startAt + facts.durationMs, frames: facts.frames },
      ...{ bytes, format: name.format, codec: facts.codec, endReason: 'adopted', hasMotion: false, protected: false },
    };
    index.add(segment);
  }
  bus.publish('segment.adopted', { camera, slug: folder, segment: segment.id });
  return true;
}

/** Waits, for a bounded time, until no process has a file under `recordings/` open. Where /proc cannot be read it does not wait. */
async function waitForWriters({ files, clock, log, signal }: AdoptionTools): Promise<void> {
  const until = clock.monoMs() + WRITERS_GONE_MS;
  for (;;) {
    const pids = await writersOf(files.root);
    if (pids.length === 0 || signal?.aborted) return;
    if (clock.monoMs() >= until) {
      log.warn({ pids }, 'Another process still has recordings open; going on without it');
      return;
    }
    await clock.sleep(LOOK_AGAIN_MS);
  }
}

/** Other processes that have a `.part` under the root open (Linux). */
async function writersOf(root: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc').catch(() => [])) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (target.startsWith(`${root}/`) && target.endsWith(PART_SUFFIX)) {
        found.push(pid);
        break;
      }
    }
  }
  return found;
}
