// Opens the database: WAL, foreign keys, migrations. The only door to better-sqlite3's constructor.

import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import { isNvrError, NvrError } from '../core/nvr-error.ts';

/** A database connection. */
export type Db = Sqlite.Database;

/** Where the migrations of this program are. */
export const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));

const BUSY_TIMEOUT_MS = 5000;
/**
 * Most that the write-ahead log holds: then a commit moves it into the database. Long before that `Checkpointer` does it
 * where nobody waits; this is for programs without one, and for a disk that is slower than what is written.
 */
export const WAL_LIMIT_BYTES = 32 * 1024 * 1024;
/** What the log's file keeps of its size when it begins anew: a disk that is full then has room for changes. */
const WAL_KEPT_BYTES = 8 * 1024 * 1024;
const MIGRATION_NAME = /^(\d{4})-[a-z0-9-]+\.sql$/;

/** One migration file, in order. */
export type Migration = { readonly version: number; readonly name: string; readonly sql: string };

/** Reads the migrations of a folder; their numbers must be 1, 2, 3... without a hole. */
export function readMigrations(folder = migrationsFolder): Migration[] {
  const migrations = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const match = MIGRATION_NAME.exec(name);
      if (!match) throw new NvrError('internal', `migrations/${name}: the name is not NNNN-words.sql`);
      return { version: Number(match[1]), name, sql: readFileSync(join(folder, name), 'utf8') };
    });
  migrations.forEach((migration, index) => {
    if (migration.version !== index + 1) {
      throw new NvrError('internal', `migrations/${migration.name}: number ${index + 1} was expected here`);
    }
  });
  return migrations;
}

/** The schema version a database is at (SQLite's `user_version`). */
export function schemaVersion(db: Db): number {
  return Number(db.pragma('user_version', { simple: true }));
}

/**
 * Brings a database forward, one transaction per migration.
 * @throws NvrError `conflict` when the database is newer than this program
 */
export function migrate(db: Db, migrations = readMigrations()): number {
  const newest = migrations.length;
  const current = schemaVersion(db);
  if (current > newest) {
    throw new NvrError(
      'conflict',
      `The database is at version ${current}, this Perch knows versions up to ${newest}. ` +
        'It was written by a newer Perch: start that version, or restore a backup made before the upgrade.',
    );
  }
  for (const migration of migrations.slice(current)) {
    db.transaction(() => {
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    }).immediate();
  }
  return newest - current;
}

/**
 * Opens (and creates) a database file, or `:memory:`, and migrates it.
 * @throws NvrError `conflict` for a newer database, `unavailable` when the file cannot be opened or is not a database
 */
export function openDatabase(file: string): Db {
  let db: Db;
  try {
    db = new Sqlite(file);
    if (file !== ':memory:') keepPrivate(file); // before the write-ahead log is made, which takes over the mode
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma('foreign_keys = ON');
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const pageBytes = Number(db.pragma('page_size', { simple: true }));
    db.pragma(`wal_autocheckpoint = ${WAL_LIMIT_BYTES / pageBytes}`);
    db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`);
  } catch (cause) {
    throw new NvrError('unavailable', `The database ${file} cannot be opened: ${(cause as Error).message}`, { cause });
  }
  try {
    migrate(db);
  } catch (error) {
    db.close();
    if (isNvrError(error)) throw error;
    const reason = (error as Error).message;
    throw new NvrError('unavailable', `The database ${file} cannot be used: ${reason}`, { cause: error });
  }
  return db;
}

/** Hashes of passwords and sealed secrets are for this user only. A file system without modes is none of our business. */
function keepPrivate(file: string): void {
  try {
    chmodSync(file, 0o600);
  } catch {
    // The folder's own mode must do.
  }
}
