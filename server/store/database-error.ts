// What SQLite throws when its disk is full, read-only or broken, as one of our errors.

import { NvrError, toNvrError } from '../core/nvr-error.ts';

/** The database's disk does not take what is written; reading may still work. Beginnings: SQLite has many of each. */
const DISK_CODES = ['SQLITE_READONLY', 'SQLITE_IOERR', 'SQLITE_CANTOPEN', 'SQLITE_CORRUPT', 'SQLITE_NOTADB'] as const;

/** A full disk: `exhausted`; any other trouble with the disk: `unavailable`; all else as `toNvrError` has it. */
export function databaseError(cause: unknown): NvrError {
  const code = String((cause as { code?: unknown } | null)?.code ?? '');
  if (code === 'SQLITE_FULL') return new NvrError('exhausted', 'The disk of the database is full', { cause });
  if (DISK_CODES.some((known) => code.startsWith(known))) {
    return new NvrError('unavailable', `The database cannot be written: ${code}`, { cause });
  }
  return toNvrError(cause);
}

/** Whether it is the disk: the same may work later. */
export function isDiskTrouble({ code }: NvrError): boolean {
  return code === 'exhausted' || code === 'unavailable';
}
