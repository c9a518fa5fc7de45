// Looks at a whole data directory and, when asked, mends it. The comparison is store/fsck.ts, the mending is adoption.

import { Bus } from '../core/bus.ts';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import { isNvrError, NvrError } from '../core/nvr-error.ts';
import { DataLock } from '../store/data-lock.ts';
import { type Db, openDatabase } from '../store/database.ts';
import {
  checkDatabase,
  compareRecordings,
  type Difference,
  folderOwner,
  openForCheck,
  rebuildSums,
} from '../store/fsck.ts';
import { isDamage, salvageDatabase } from '../store/salvage.ts';
import { SegmentIndex } from '../store/segment-index.ts';
import { adopt, adoptFile, type FoundFile, findFiles } from './adoption.ts';
import { SegmentFiles } from './segment-files.ts';

/** A closing or deleting recorder needs this long at most between file and row. */
const SETTLE_MS = 1500;

/** What was found, and what is left after mending. */
export type FsckResult = {
  readonly found: readonly Difference[];
  readonly left: readonly Difference[];
  readonly running: boolean;
};

/** Options of {@link fsck}. `databaseFile` is absolute. */
export type FsckOptions = { readonly dataDir: string; readonly databaseFile: string; readonly repair: boolean };

/**
 * Compares and, with `repair`, mends.
 * @throws NvrError `conflict` when asked to repair while Perch runs, `not_found` without a database
 */
export async function fsck({ dataDir, databaseFile, repair }: FsckOptions): Promise<FsckResult> {
  const lock = takeLock(dataDir);
  if (repair && !lock) throw new NvrError('conflict', `Perch is running on ${dataDir}; stop it before a repair`);
  try {
    const files = new SegmentFiles(dataDir);
    const running = lock === null;
    let found = await lookReadonly(databaseFile, files, running);
    if (running && found.length > 0) {
      // What a running Perch was just doing is done by now; what is still different is a difference.
      await systemClock.sleep(SETTLE_MS);
      const again = new Set((await lookReadonly(databaseFile, files, running)).map(keyOf));
      found = found.filter((difference) => again.has(keyOf(difference)));
    }
    if (!repair || found.length === 0) return { found, left: found, running };
    if (found.some(({ kind }) => kind === 'database-damaged')) mendDatabase(databaseFile, files);
    const db = openDatabase(databaseFile);
    try {
      await mend(found, db, files);
      return { found, left: await look(db, files, false), running };
    } finally {
      db.close();
    }
  } finally {
    lock?.[Symbol.dispose]();
  }
}

const keyOf = ({ kind, path }: Difference) => `${kind} ${path}`;

function takeLock(dataDir: string): DataLock | null {
  try {
    return DataLock.acquire(dataDir);
  } catch (error) {
    if (isNvrError(error, 'conflict')) return null;
    throw error;
  }
}

async function lookReadonly(databaseFile: string, files: SegmentFiles, running: boolean): Promise<Difference[]> {
  const db = openForCheck(databaseFile);
  try {
    return await look(db, files, running);
  } finally {
    db.close();
  }
}

async function look(db: Db, files: SegmentFiles, running: boolean): Promise<Difference[]> {
  const damages = checkDatabase(db);
  if (damages.some(({ kind }) => kind === 'database-damaged')) return damages;
  const onDisk: FoundFile[] = [];
  for await (const file of findFiles(files)) onDisk.push(file);
  const disk = onDisk.map(({ path, bytes, name }) => ({ path, bytes, part: name.part }));
  return [...damages, ...compareRecordings(new SegmentIndex(db).rows(), disk, running)];
}

/** Indexes are made anew; when that is not enough, the database is, with all that can be read. */
function mendDatabase(databaseFile: string, files: SegmentFiles): void {
  const isDamaged = (db: Db) => checkDatabase(db).some(({ kind }) => kind === 'database-damaged');
  const db = openDatabase(databaseFile);
  try {
    db.exec('reindex');
    if (!isDamaged(db)) return;
  } catch (error) {
    if (!isDamage(error)) throw error;
  } finally {
    db.close();
  }
  salvageDatabase(databaseFile, files.quarantineRoot);
}

async function mend(found: readonly Difference[], db: Db, files: SegmentFiles): Promise<void> {
  const index = new SegmentIndex(db);
  const tools = {
    ...{ files, index, bus: new Bus(), clock: systemClock, log: silentLogger },
    cameraOfFolder: (folder: string) => folderOwner(db, folder),
  };
  // Put in again, a row takes its time from the others.
  for (const { path } of found.filter(({ kind }) => kind === 'rows-overlap')) {
    const row = index.byPath(path);
    if (!row) continue;
    index.forget(row.id);
    index.add(row);
  }
  const wrongSize = new Map<string, { isProtected: boolean }>();
  for (const { kind, path } of found) {
    if (kind !== 'size-differs' && kind !== 'bad-row') continue;
    const row = index.byPath(path);
    if (!row) continue;
    if (kind === 'size-differs') wrongSize.set(path, { isProtected: row.protected });
    index.forget(row.id);
  }
  // A file of another size is another file: its facts are read again.
  for await (const file of findFiles(files)) {
    const before = wrongSize.get(file.path);
    if (!before) continue;
    await adoptFile(file, tools).catch(() => false);
    const row = index.byPath(file.path);
    if (row && before.isProtected) index.setProtected(row.id, true);
  }
  await adopt(tools);
  if (checkDatabase(db).some(({ kind }) => kind === 'sums-differ')) rebuildSums(db);
}
