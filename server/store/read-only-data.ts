// A data directory that cannot be written at the start: Perch works on a copy of its database, so that cameras are seen, and
// asks every two seconds whether the directory can be used again. What is changed in the copy is forgotten with it.

import { accessSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Clock, Timer } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import { type Db, openDatabase } from './database.ts';

/** How often a data directory is looked at. */
const LOOK_MS = 2000;
const CANNOT_WRITE: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM']);

/** Why a folder cannot be written, as the system says it, or `null` when it can. */
export function whyReadOnly(folder: string): string | null {
  try {
    accessSync(folder, constants.W_OK);
    return null;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return CANNOT_WRITE.has(code) ? code : null;
  }
}

/**
 * Opens a copy of a database, with what its write-ahead log holds. The copy has no name: it is gone with the process.
 * @throws NvrError `unavailable` when there is no room for it, and as {@link openDatabase}
 */
export function openCopy(file: string): Db {
  let folder: string | null = null;
  try {
    folder = mkdtempSync(join(tmpdir(), 'perch-read-only-'));
    const copy = join(folder, basename(file));
    copyFileSync(file, copy);
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
    const db = openDatabase(copy);
    db.pragma('journal_mode = MEMORY');
    db.pragma('synchronous = OFF');
    return db;
  } catch (cause) {
    if (cause instanceof NvrError) throw cause;
    const reason = (cause as Error).message;
    throw new NvrError('unavailable', `The database ${file} can neither be written nor copied: ${reason}`, { cause });
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}

/** Which file it is; `null` when it is not there. */
function identityOf(file: string): string | null {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat ? `${stat.dev}:${stat.ino}` : null;
}

/** Options of {@link DataWatch}. */
export type DataWatchOptions = {
  readonly dataDir: string;
  readonly databaseFile: string;
  /** Whether Perch works on a copy. */
  readonly readOnly: boolean;
  readonly clock: Clock;
};

/**
 * Tells when Perch must open its data directory anew: it can be written again, or it went away and came back as another file
 * system (a disk that was pulled and plugged in: what is open of it is dead for ever). `stop` once.
 */
export class DataWatch {
  /** Resolves once, with the reason; never when all is well. */
  readonly back: Promise<string>;
  readonly #options: DataWatchOptions;
  readonly #opened: string | null;
  #timer: Timer | null = null;

  constructor(options: DataWatchOptions) {
    this.#options = options;
    this.#opened = identityOf(options.databaseFile);
    this.back = new Promise((resolve) => this.#lookLater(resolve));
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #lookLater(resolve: (reason: string) => void): void {
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      const reason = this.#look();
      if (reason !== null) resolve(reason);
      else this.#lookLater(resolve);
    });
  }

  #look(): string | null {
    const { dataDir, databaseFile, readOnly } = this.#options;
    try {
      const found = identityOf(databaseFile);
      if (found === null) return null;
      if (readOnly) {
        accessSync(dataDir, constants.W_OK);
        return 'can be written again';
      }
      return found === this.#opened ? null : 'came back as another file system';
    } catch {
      return null; // not yet
    }
  }
}
