// A database with damaged pages: what can be read is copied into a new one, the damaged one is put aside. Rows of recordings
// that are lost come back from the files (adoption); sums and runs are made anew by the triggers.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { NvrError } from '../core/nvr-error.ts';
import { type Db, openDatabase, readMigrations, schemaVersion } from './database.ts';

/** What triggers keep: not copied. */
const DERIVED: ReadonlySet<string> = new Set(['segment_days', 'recorded_runs', 'deleted_runs']);
const BESIDE = ['', '-wal', '-shm'] as const;
const MAX_SAME_NAME = 1000;

/** What was found. `place`: where the damaged database is now. */
export type Salvage = { readonly place: string; readonly rows: number; readonly damagedTables: readonly string[] };

/** Whether an error means that the database's bytes are wrong, not that the disk refuses. */
export function isDamage(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(String((at as { code?: unknown }).code ?? ''))) return true;
  }
  return false;
}

/**
 * Opens the database; one that was not closed in order is looked through first, and one that is damaged is salvaged.
 * @throws NvrError as {@link openDatabase} and {@link salvageDatabase}
 */
export function openOrSalvage(file: string, quarantine: string): { db: Db; salvage: Salvage | null } {
  const wasClosed = !existsSync(`${file}-wal`);
  try {
    const db = openDatabase(file);
    if (wasClosed || isSound(db)) return { db, salvage: null };
    db.close();
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  const salvage = salvageDatabase(file, quarantine);
  return { db: openDatabase(file), salvage };
}

function isSound(db: Db): boolean {
  try {
    return db.pragma('quick_check(1)', { simple: true }) === 'ok';
  } catch (error) {
    if (isDamage(error)) return false;
    db.close();
    throw error;
  }
}

/**
 * Puts a damaged database aside and a new one in its place, with every row that can be read.
 * @throws NvrError `unavailable` when users or cameras cannot be read: then nothing is changed, and a backup is needed
 */
export function salvageDatabase(file: string, quarantine: string): Salvage {
  const fresh = `${file}.new`;
  for (const suffix of BESIDE) rmSync(fresh + suffix, { force: true });
  const target = openDatabase(fresh);
  const damagedTables: string[] = [];
  let rows = 0;
  try {
    const source = openDamaged(file);
    try {
      target.pragma('foreign_keys = OFF');
      const tables = target
        .prepare<[], string>("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
        .pluck()
        .all();
      target.transaction(() => {
        for (const table of tables) {
          if (DERIVED.has(table)) continue;
          const copied = copyTable(table, source, target);
          rows += copied.rows;
          if (copied.isDamaged) damagedTables.push(table);
        }
        dropOrphans(target);
      })();
    } finally {
      source.close();
    }
    // Without its users anybody could set Perch up anew.
    if (damagedTables.includes('users') || damagedTables.includes('cameras')) {
      throw new NvrError(
        'unavailable',
        `The database ${file} is damaged where users and cameras are: restore a backup`,
      );
    }
    target.pragma('journal_mode = DELETE');
  } catch (error) {
    target.close();
    for (const suffix of BESIDE) rmSync(fresh + suffix, { force: true });
    throw error;
  }
  target.close();
  const place = putAside(file, quarantine);
  renameSync(fresh, file);
  return { place, rows, damagedTables };
}

function openDamaged(file: string): Db {
  const reason = `The database ${file} is damaged beyond reading: restore a backup`;
  let source: Db | null = null;
  try {
    source = openDatabase(file);
    if (schemaVersion(source) === readMigrations().length) return source;
  } catch (cause) {
    throw new NvrError('unavailable', reason, { cause });
  }
  source.close();
  throw new NvrError('unavailable', reason);
}

/** From the first row to the damage, then from the last back to it. */
function copyTable(table: string, source: Db, target: Db): { rows: number; isDamaged: boolean } {
  const columns = target.prepare<[string], string>('select name from pragma_table_info(?)').pluck().all(table);
  const list = columns.map((name) => `"${name}"`).join(', ');
  const insert = target.prepare(
    `insert or ignore into "${table}" (${list}) values (${columns.map(() => '?').join(', ')})`,
  );
  let rows = 0;
  for (const order of ['', ' order by rowid desc']) {
    try {
      const select = source.prepare<[], unknown[]>(`select ${list} from "${table}" not indexed${order}`);
      for (const row of select.raw().iterate()) {
        // A row whose bytes make no sense to the new database is lost like one that cannot be read.
        try {
          rows += insert.run(...row).changes;
        } catch {}
      }
      return { rows, isDamaged: order !== '' };
    } catch {
      // The damage: from the other side, if there is one.
    }
  }
  return { rows, isDamaged: true };
}

/** Rows that belong to what is lost. */
function dropOrphans(db: Db): void {
  const orphans = db.pragma('foreign_key_check') as { table: string; rowid: number | null }[];
  for (const { table, rowid } of orphans) {
    if (rowid !== null) db.prepare(`delete from "${table}" where rowid = ?`).run(rowid);
  }
}

function putAside(file: string, quarantine: string): string {
  mkdirSync(quarantine, { recursive: true });
  for (let n = 1; n < MAX_SAME_NAME; n++) {
    const place = join(quarantine, `damaged-${n}.db`);
    if (existsSync(place)) continue;
    for (const suffix of BESIDE) if (existsSync(file + suffix)) renameSync(file + suffix, place + suffix);
    return place;
  }
  throw new NvrError('unavailable', `There are too many damaged databases in ${quarantine}`);
}
