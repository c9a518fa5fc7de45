// Compares the index of recordings with what is on disk. Pure but for the questions to the database; mending is adoption's
// work (`fsck-cli.ts` puts the two together).

import Sqlite from 'better-sqlite3';
import { NvrError } from '../core/nvr-error.ts';
import { type Db, readMigrations, schemaVersion } from './database.ts';
import type { Segment } from './segment-index.ts';

/** What can be wrong. */
export type DifferenceKind =
  | 'row-without-file'
  | 'file-without-row'
  | 'size-differs'
  | 'part-left'
  | 'doomed-row'
  | 'bad-row'
  | 'sums-differ'
  | 'rows-overlap'
  | 'database-damaged';

/** One finding; `path` is relative to `recordings/`, or names the place in the database. */
export type Difference = { readonly kind: DifferenceKind; readonly path: string; readonly detail: string };

/** A file with one of Perch's names. */
export type DiskFile = { readonly path: string; readonly bytes: number; readonly part: boolean };

const MAX_DAMAGES = 100;

/**
 * Opens the database for looking only: nothing is created, nothing migrated.
 * @throws NvrError `not_found`, `unavailable`, `conflict` when its version is not this program's
 */
export function openForCheck(file: string): Db {
  let db: Db;
  try {
    db = new Sqlite(file, { readonly: true, fileMustExist: true });
  } catch (cause) {
    throw new NvrError('not_found', `There is no database at ${file}`, { cause });
  }
  try {
    const [has, needs] = [schemaVersion(db), readMigrations().length];
    if (has === needs) return db;
    db.close();
    throw new NvrError(
      'conflict',
      `The database is at version ${has}, this Perch needs ${needs}; start Perch once to bring it forward`,
    );
  } catch (cause) {
    if (cause instanceof NvrError) throw cause;
    db.close();
    throw new NvrError('unavailable', `${file} is not a database: ${(cause as Error).message}`, { cause });
  }
}

/** What SQLite says; damage may also keep it from looking. */
function findDamages(db: Db): Difference[] {
  const damaged = (detail: string): Difference => ({ kind: 'database-damaged', path: 'database', detail });
  try {
    const lines = db.pragma(`integrity_check(${MAX_DAMAGES})`) as { integrity_check: string }[];
    return lines.filter(({ integrity_check }) => integrity_check !== 'ok').map((line) => damaged(line.integrity_check));
  } catch (error) {
    return [damaged((error as Error).message)];
  }
}

/** Damage inside the database itself, and sums that do not add up. */
export function checkDatabase(db: Db): Difference[] {
  const damages = findDamages(db);
  if (damages.length > 0) return damages;
  const sums = db
    .prepare<[], { folder: string; day: number; segments: number; bytes: number; recorded_ms: number }>(
      `select folder, day, sum(segments) as segments, sum(bytes) as bytes, sum(recorded_ms) as recorded_ms from (
         select folder, start_at / 86400000 as day, count(*) as segments, sum(bytes) as bytes,
                sum(iif(displaced_at is null, end_at - start_at, 0)) as recorded_ms
         from segments where doomed_at is null group by folder, day
         union all
         select folder, day, -segments, -bytes, -recorded_ms from segment_days
       ) group by folder, day having sum(segments) <> 0 or sum(bytes) <> 0 or sum(recorded_ms) <> 0`,
    )
    .all();
  return [
    ...overlappingRows(db),
    ...sums.map(({ folder, day, segments, bytes }): Difference => {
      const detail = `${segments} recordings and ${bytes} bytes are not in the sums`;
      return {
        kind: 'sums-differ',
        path: `${folder}/${new Date(day * 86_400_000).toISOString().slice(0, 10)}`,
        detail,
      };
    }),
  ];
}

/** Rows of one camera that share a time; a trigger refuses them, so somebody else wrote them. */
function overlappingRows(db: Db): Difference[] {
  const rows = db
    .prepare<[number], { path: string }>(
      `select path from (select path, start_at, max(end_at) over (partition by camera_id order by start_at, rowid
         rows between unbounded preceding and 1 preceding) as reached
       from segments where doomed_at is null and displaced_at is null and camera_id is not null)
       where start_at < reached order by path limit ?`,
    )
    .all(MAX_DAMAGES);
  return rows.map(({ path }) => ({
    kind: 'rows-overlap',
    path,
    detail: 'another recording of the camera has its time',
  }));
}

/** Makes the sums anew from the rows. */
export function rebuildSums(db: Db): void {
  db.transaction(() => {
    db.exec(`delete from segment_days;
      insert into segment_days (folder, day, segments, bytes, recorded_ms)
      select folder, start_at / 86400000, count(*), sum(bytes), sum(iif(displaced_at is null, end_at - start_at, 0))
      from segments where doomed_at is null group by 1, 2;`);
  })();
}

/** Who a folder of recordings was given to, or `null`. */
export function folderOwner(db: Db, folder: string): string | null {
  const row = db
    .prepare<[string], { camera_id: string }>('select camera_id from camera_folders where folder = ?')
    .get(folder);
  return row?.camera_id ?? null;
}

/**
 * Rows against files.
 * @param running a Perch is at work: its open `.part` files, and what it closes or deletes just now, are no differences
 */
export function compareRecordings(
  rows: Iterable<Segment & { readonly doomed: boolean }>,
  files: readonly DiskFile[],
  running: boolean,
): Difference[] {
  const differences: Difference[] = [];
  const unmatched = new Map(files.map((file) => [file.path, file]));
  for (const row of rows) {
    const { path, folder, bytes } = row;
    const file = unmatched.get(path);
    unmatched.delete(path);
    const say = (kind: DifferenceKind, detail: string) => differences.push({ kind, path, detail });
    if (row.doomed) {
      if (!running) say('doomed-row', 'its deletion was begun and not finished');
    } else if (!path.startsWith(`${folder}/`) || path.split('/').some((part) => part === '' || part === '..')) {
      say('bad-row', `the path is not in its folder ${folder}`);
    } else if (!file) say('row-without-file', `${bytes} bytes are listed, there is no file`);
    else if (file.bytes !== bytes) say('size-differs', `the row says ${bytes} bytes, the file has ${file.bytes}`);
  }
  for (const { path, bytes, part } of unmatched.values()) {
    if (!part)
      differences.push({ kind: 'file-without-row', path, detail: `${bytes} bytes that the index does not know` });
    else if (!running) differences.push({ kind: 'part-left', path, detail: `${bytes} bytes that nobody closed` });
  }
  return differences;
}
