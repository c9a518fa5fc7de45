// One process per data directory. Node has no flock, so SQLite's own file lock is held on a small database: the kernel
// releases it when the process dies, however it dies.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { NvrError } from '../core/nvr-error.ts';

/** The lock file's name inside the data directory. */
export const LOCK_FILE = 'perch.lock';

/** A held lock on a data directory. Dispose it, or die. */
export class DataLock implements Disposable {
  #db: Sqlite.Database | null;

  private constructor(db: Sqlite.Database) {
    this.#db = db;
  }

  /**
   * Takes the lock, creating the data directory when it is missing.
   * @throws NvrError `conflict` when another process has it, `unavailable` when the directory cannot be written
   */
  static acquire(dataDir: string): DataLock {
    const file = join(dataDir, LOCK_FILE);
    let db: Sqlite.Database | null = null;
    try {
      mkdirSync(dataDir, { recursive: true });
      db = new Sqlite(file, { timeout: 0 });
      // The old journal, and exclusive mode: nothing beside the file itself, and the lock is kept between transactions.
      db.pragma('journal_mode = DELETE');
      db.pragma('locking_mode = EXCLUSIVE');
      db.exec('begin exclusive; create table if not exists lock (pid integer); delete from lock;');
      db.prepare('insert into lock (pid) values (?)').run(process.pid);
      db.exec('commit');
      return new DataLock(db);
    } catch (cause) {
      db?.close();
      if ((cause as { code?: string }).code?.startsWith('SQLITE_BUSY')) {
        throw new NvrError(
          'conflict',
          `Another Perch is using ${dataDir}. Stop it first, or choose another PERCH_DATA_DIR.`,
          {
            cause,
          },
        );
      }
      throw new NvrError('unavailable', `The data directory ${dataDir} cannot be locked: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  [Symbol.dispose](): void {
    this.#db?.close();
    this.#db = null;
  }
}
