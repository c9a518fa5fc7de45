// A new key for the stored secrets, and nothing left on disk that the old one opens.

import { join } from 'node:path';
import { CameraTable, type LostSecret } from './cameras.ts';
import { DataLock } from './data-lock.ts';
import { openDatabase } from './database.ts';
import { Secrets } from './secrets.ts';

/** What was done. */
export type RotationReport = { readonly sealed: number; readonly lost: readonly LostSecret[] };

/**
 * Rotates the key of a data directory.
 * @throws NvrError `conflict` while a Perch is using it, and as {@link Secrets.rotateFile}
 */
export function rotateKey(dataDir: string, files: { database: string; key: string }): RotationReport {
  using _lock = DataLock.acquire(dataDir);
  const db = openDatabase(join(dataDir, files.database));
  try {
    let report: RotationReport = { sealed: 0, lost: [] };
    Secrets.rotateFile(join(dataDir, files.key), (from, to) => {
      const table = new CameraTable(db, from, () => []);
      db.pragma('synchronous = FULL'); // the new key replaces the old one right after
      report = { sealed: table.reseal(to), lost: table.lostSecrets };
      // Free pages and the write-ahead log still hold what the old key opens.
      db.exec('vacuum');
      db.pragma('wal_checkpoint(truncate)');
    });
    return report;
  } finally {
    db.close();
  }
}
