// Names and places of recordings, and the steps on disk that must be in order (design/recordings.md).

import { access, mkdir, open, realpath, rename, rmdir, stat, truncate, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RecordingFormat } from '../core/camera-config.ts';
import { NvrError } from '../core/nvr-error.ts';

/** What an open file's name ends in. */
export const PART_SUFFIX = '.part';
/** A name that Perch gives: time of day, counter, container. */
const NAME = /^(\d{2})-(\d{2})-(\d{2})Z(?:-\d{1,6})?\.(mp4|mkv)(\.part)?$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MAX_SAME_NAME = 100_000;

/** Container of a format. */
export const extensionOf = (format: RecordingFormat): 'mp4' | 'mkv' => (format === 'mp4' ? 'mp4' : 'mkv');

/** What a name says. */
export type ParsedName = { readonly startAt: number; readonly format: RecordingFormat; readonly part: boolean };

/** Reads `YYYY-MM-DD` and `HH-MM-SSZ.mp4`; `null` for names that are not ours. */
export function parseName(day: string, name: string): ParsedName | null {
  const match = NAME.exec(name);
  if (!match || !DAY.test(day)) return null;
  const startAt = Date.parse(`${day}T${match[1]}:${match[2]}:${match[3]}Z`);
  if (!Number.isFinite(startAt)) return null;
  return { startAt, format: match[4] === 'mp4' ? 'mp4' : 'mjpeg', part: match[5] !== undefined };
}

/** Whether a folder's name is a UTC day. */
export const isDay = (name: string): boolean => DAY.test(name);

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Foreign errors of the disk as ours. */
export function diskError(cause: unknown, what: string): NvrError {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EMFILE' || code === 'ENFILE';
  return new NvrError(full ? 'exhausted' : 'unavailable', `${what}: ${code}`, { cause });
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Everything that is done to files under `DATA/recordings` and `DATA/quarantine`. Paths in and out are relative to `recordings/`. */
export class SegmentFiles {
  readonly root: string;
  readonly quarantineRoot: string;

  constructor(dataDir: string) {
    this.root = join(dataDir, 'recordings');
    this.quarantineRoot = join(dataDir, 'quarantine');
  }

  /** Where a relative path is. @throws NvrError `internal` when it would leave the folder */
  absolute(path: string): string {
    const absolute = join(this.root, path);
    if (!absolute.startsWith(`${this.root}/`)) throw new NvrError('internal', `The path ${path} leaves the recordings`);
    return absolute;
  }

  /**
   * Where an existing file is, for those who read it: only a file that is really there, never one that a symbolic link
   * leads to (the recordings folder itself may be one).
   * @throws NvrError `not_found`
   */
  async locate(path: string): Promise<string> {
    const absolute = this.absolute(path);
    if (await this.#isLinked(path)) throw new NvrError('not_found', 'The file of this recording is not there');
    return absolute;
  }

  /** Whether a link leads to the path, or nothing is there. */
  async #isLinked(path: string): Promise<boolean> {
    const real = (name: string) => realpath(name).catch(() => null);
    const [root, found] = await Promise.all([real(this.root), real(this.absolute(path))]);
    return root === null || found !== join(root, path);
  }

  /**
   * Takes a free name for a segment that begins at `startAt` and creates its empty `.part`.
   * @returns the relative path without `.part`
   * @throws NvrError `exhausted`, `unavailable`
   */
  async reserve(folder: string, startAt: number, format: RecordingFormat): Promise<string> {
    const iso = new Date(startAt).toISOString();
    const day = `${folder}/${iso.slice(0, 10)}`;
    const stem = `${iso.slice(11, 19).replaceAll(':', '-')}Z`;
    try {
      await mkdir(this.absolute(day), { recursive: true });
      if (await this.#isLinked(day))
        throw new NvrError('unavailable', `${day} is a symbolic link; Perch does not follow it`);
      for (let n = 1; n < MAX_SAME_NAME; n++) {
        const path = `${day}/${stem}${n === 1 ? '' : `-${n}`}.${extensionOf(format)}`;
        if (await exists(this.absolute(path))) continue;
        try {
          await (await open(this.absolute(path + PART_SUFFIX), 'wx')).close();
          return path;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
      }
    } catch (error) {
      if (error instanceof NvrError) throw error;
      throw diskError(error, `No file can be made in ${day}`);
    }
    throw new NvrError('unavailable', `Too many files of the same second in ${day}`);
  }

  /** Size of a file, or `null` when it is not there. */
  async size(path: string): Promise<number | null> {
    return stat(this.absolute(path)).then(
      ({ size }) => size,
      () => null,
    );
  }

  /**
   * Makes a `.part` final: fsync, rename to the first free name, fsync of the folder.
   * @param path without `.part`
   * @returns the name it got, and its size
   */
  async finish(path: string): Promise<{ path: string; bytes: number }> {
    const part = this.absolute(path + PART_SUFFIX);
    try {
      await syncPath(part);
      const { size } = await stat(part);
      for (let n = 1; n < MAX_SAME_NAME; n++) {
        const name = n === 1 ? path : path.replace(/(-\d+)?\.(mp4|mkv)$/, `-${n}.$2`);
        const target = this.absolute(name);
        if (!(await this.#moveTo(part, target))) continue;
        await syncPath(dirname(target));
        return { path: name, bytes: size };
      }
    } catch (error) {
      throw diskError(error, `The recording ${path} cannot be closed`);
    }
    throw new NvrError('unavailable', `No free name for ${path}`);
  }

  /** Cuts a torn end off. */
  async trim(path: string, bytes: number): Promise<void> {
    await truncate(this.absolute(path), bytes);
  }

  /** Puts a file aside under `quarantine/`, never over another. Returns where, relative to the data directory. */
  async quarantine(path: string): Promise<string> {
    const name = path.replaceAll('/', '_');
    await mkdir(this.quarantineRoot, { recursive: true });
    for (let n = 1; ; n++) {
      const target = join(this.quarantineRoot, n === 1 ? name : `${n}-${name}`);
      if (await this.#moveTo(this.absolute(path), target)) return `quarantine/${basename(target)}`;
    }
  }

  /** Removes a file; one that is not there is fine, and so is one in a folder that is a link: it is not ours. */
  async remove(path: string): Promise<void> {
    if (await this.#isLinked(dirname(path))) return;
    await unlink(this.absolute(path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw diskError(error, `The recording ${path} cannot be deleted`);
    });
  }

  /** Removes a day's folder if nothing is left in it. */
  async removeEmptyDay(path: string): Promise<void> {
    await rmdir(dirname(this.absolute(path))).catch(() => {});
  }

  /** Removes a camera's folder if nothing is left in it. @returns whether it is gone */
  async removeEmptyFolder(folder: string): Promise<boolean> {
    return rmdir(this.absolute(folder)).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
  }

  /**
   * Moves, but never over another file. One process owns the data directory, so looking first is enough; a hard link would
   * be exclusive by itself, but leaves two names of one file when the power goes between link and unlink.
   * @returns false when the target exists
   */
  async #moveTo(from: string, to: string): Promise<boolean> {
    if (await exists(to)) return false;
    await rename(from, to);
    return true;
  }
}
