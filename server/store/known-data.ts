// Remembers, outside of it, that a data directory on a disk of its own held a Perch: when that disk is not mounted at the
// start, the empty folder in its place is not taken for a new installation.

import { existsSync, mkdirSync, readFileSync, renameSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** The database in the data directory. */
export const DATABASE_FILE = 'perch.db';
const MAX_PLACES = 20;
const MAX_FILE_BYTES = 64 * 1024;

/** A data directory and the file system that it was on: its type and size, which stay over a restart of the machine. */
type Place = { readonly dataDir: string; readonly disk: string };

/** Where it is remembered: `$XDG_STATE_HOME/perch` or `~/.local/state/perch`. */
export function knownDataFile(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'perch', 'data-directories.json');
}

/** The nearest folder that exists. */
function existing(folder: string): string {
  let found = folder;
  while (!existsSync(found) && dirname(found) !== found) found = dirname(found);
  return found;
}

function diskOf(folder: string): string {
  const { type, blocks, bsize } = statfsSync(existing(folder));
  return `${type.toString(16)}:${blocks * bsize}`;
}

function isPlace(value: unknown): value is Place {
  const { dataDir, disk } = (value ?? {}) as Record<string, unknown>;
  return typeof dataDir === 'string' && typeof disk === 'string';
}

function read(file: string): Place[] {
  try {
    const text = readFileSync(file, 'utf8');
    const list: unknown = text.length > MAX_FILE_BYTES ? [] : JSON.parse(text);
    return Array.isArray(list) ? list.filter(isPlace) : [];
  } catch {
    return [];
  }
}

/** Remembers a data directory that is not on the file system of the machine itself. A home that cannot be written is no fault. */
export function rememberData(file: string, dataDir: string): void {
  try {
    if (statSync(dataDir).dev === statSync('/').dev) return;
    const place = { dataDir, disk: diskOf(dataDir) };
    const before = read(file);
    if (before.some((known) => known.dataDir === place.dataDir && known.disk === place.disk)) return;
    const places = [place, ...before.filter((known) => known.dataDir !== dataDir)].slice(0, MAX_PLACES);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, `${JSON.stringify(places, null, 1)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch {
    // Then a missing disk is not noticed at the next start, as without this file.
  }
}

/**
 * Whether a data directory that held a Perch is not there: it has no database, and is not on the file system it was on. One
 * that was emptied by hand on its own disk is a new installation.
 */
export function isDataMissing(file: string, dataDir: string): boolean {
  const known = read(file).find((place) => place.dataDir === dataDir);
  if (!known || existsSync(join(dataDir, DATABASE_FILE))) return false;
  try {
    return !existsSync(dataDir) || diskOf(dataDir) !== known.disk;
  } catch {
    return true; // it does not even answer
  }
}
