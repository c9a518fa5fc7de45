// Whether recordings may be written: the right storage is mounted, it can be written, and there is room. Looks every two
// seconds; everything that records asks here first. Room is kept for the database, which shares the disk.

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, readFile, rename, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock, Timer } from '../core/clock.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import type { StorageIdentity } from '../store/storage-identity.ts';

/** The file that says which storage this is, in the recordings folder. */
export const IDENTITY_FILE = '.perch-storage';
const LOOK_MS = 2000;
const MAX_IDENTITY_BYTES = 100;
/** Kept free for the database and whatever else must go on: part of the disk, and never more than this. */
const FLOOR_PART = 0.02;
const MAX_FLOOR_BYTES = 64 * 1024 * 1024;
/** Recording goes on when so many times the floor is free: no flicker at the edge. */
export const RESUME_FACTOR = 2;

/** `full`: no room. `missing`: not mounted, or another disk. `readOnly`: cannot be written. */
export type StorageState = 'ok' | 'full' | 'missing' | 'readOnly';

/** What was found, and for whoever must mend it, what to do. */
export type StorageLook = { readonly state: StorageState; readonly message: string };

/** Options of {@link DiskGuard}. */
export type DiskGuardOptions = {
  /** `DATA/recordings`. */
  readonly root: string;
  readonly clock: Clock;
  /** What the database knows; without it any storage is the right one (tests). */
  readonly identity?: { load(): StorageIdentity | null; save(identity: StorageIdentity): void };
  /** The file whose file system and presence tell whether the data directory itself is there. */
  readonly databaseFile?: string;
  /** Writes what the database still owes. @throws NvrError `exhausted`, `unavailable` while it cannot */
  readonly settle?: () => void;
  /** Told of each change, in order; the next look waits for it. */
  readonly onChange: (look: StorageLook, before: StorageState) => Promise<void>;
};

/** Bytes that recordings leave free on a disk of this size. */
export const floorBytes = (totalBytes: number): number => Math.min(MAX_FLOOR_BYTES, totalBytes * FLOOR_PART);

/** Free and total bytes of a file system, or `null` when it cannot be asked. */
export async function diskSpace(path: string): Promise<{ freeBytes: number; totalBytes: number } | null> {
  const disk = await statfs(path).catch(() => null);
  return disk && { freeBytes: disk.bavail * disk.bsize, totalBytes: disk.blocks * disk.bsize };
}

/** See the head of this file. `look` once before the first use, `start`, `stop`. */
export class DiskGuard {
  readonly #options: DiskGuardOptions;
  #look: StorageLook = { state: 'ok', message: '' };
  #timer: Timer | null = null;
  #stopped = false;
  #looking: Promise<StorageLook> | null = null;

  constructor(options: DiskGuardOptions) {
    this.#options = options;
  }

  /** What the last look found. */
  get last(): StorageLook {
    return this.#look;
  }

  /** Looks now, and tells of a change. Never throws. */
  look(): Promise<StorageLook> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /**
   * Call before a file is made: two seconds are enough to write into the empty place of a disk that went away.
   * @throws NvrError `exhausted`, `unavailable`
   */
  async assertWritable(): Promise<void> {
    const { state, message } = await this.#check();
    if (state === 'ok') return;
    void this.look();
    throw new NvrError(state === 'full' ? 'exhausted' : 'unavailable', message);
  }

  /** Asks the file system alone, and tells nobody. */
  async isFull(): Promise<boolean> {
    const space = await diskSpace(this.#options.root);
    return space !== null && space.freeBytes < floorBytes(space.totalBytes);
  }

  /** Looks again and again. */
  start(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      void this.look().finally(() => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  async #lookNow(): Promise<StorageLook> {
    const before = this.#look.state;
    this.#look = await this.#check();
    if (this.#look.state !== before && !this.#stopped) await this.#options.onChange(this.#look, before);
    return this.#look;
  }

  #check(): Promise<StorageLook> {
    return this.#find().catch((error: NodeJS.ErrnoException): StorageLook => {
      const { code = 'unknown' } = error;
      if (code === 'EROFS') return readOnly(this.#options.root);
      if (code === 'ENOSPC' || code === 'EDQUOT')
        return { state: 'full', message: `The disk of ${this.#options.root} is full` };
      return { state: 'missing', message: `The recordings folder ${this.#options.root} cannot be used: ${code}` };
    });
  }

  async #find(): Promise<StorageLook> {
    const { root, databaseFile } = this.#options;
    if (databaseFile !== undefined && !(await exists(databaseFile))) {
      return { state: 'missing', message: `The data directory ${dirname(databaseFile)} is not mounted any more` };
    }
    const refused = this.#settle();
    if (refused) return refused;
    const identified = await this.#identify();
    if (identified) return identified;
    await access(root, constants.W_OK);
    const space = await diskSpace(root);
    if (!space) return { state: 'missing', message: `The file system of ${root} does not answer` };
    const factor = this.#look.state === 'full' ? RESUME_FACTOR : 1;
    if (space.freeBytes < floorBytes(space.totalBytes) * factor) {
      return { state: 'full', message: `The disk of ${root} is full: ${space.freeBytes} bytes are free` };
    }
    return { state: 'ok', message: '' };
  }

  /** @returns why the database takes nothing, or `null` when it does */
  #settle(): StorageLook | null {
    try {
      this.#options.settle?.();
      return null;
    } catch (error) {
      const { code, message } = toNvrError(error);
      return { state: code === 'exhausted' ? 'full' : 'readOnly', message };
    }
  }

  /** @returns why this is not our storage, or `null` when it is. @throws the disk's error */
  async #identify(): Promise<StorageLook | null> {
    const { root, identity, databaseFile } = this.#options;
    const known = identity?.load() ?? null;
    if (!identity) {
      await mkdir(root, { recursive: true });
      return null;
    }
    const file = join(root, IDENTITY_FILE);
    const found = await readFile(file, 'utf8').then(
      (text) => text.slice(0, MAX_IDENTITY_BYTES).trim(),
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      },
    );
    if (known && found === known.id) return null;
    if (known && (found !== null || known.separate)) {
      const what = found === null ? 'is not mounted (its identity file is missing)' : 'is on another disk than before';
      const accept = `If this is the new place for recordings, write ${known.id} into ${file}`;
      return { state: 'missing', message: `The recordings folder ${root} ${what}. ${accept}` };
    }
    // The first start, or a folder that was emptied on the disk of the database itself: nothing can be hidden by a mount.
    await mkdir(root, { recursive: true });
    const id = found ?? known?.id ?? randomUUID();
    if (found === null) await writeWhole(file, `${id}\n`);
    const separate = databaseFile !== undefined && (await stat(root)).dev !== (await stat(databaseFile)).dev;
    identity.save({ id, separate });
    return null;
  }
}

function readOnly(root: string): StorageLook {
  return { state: 'readOnly', message: `The recordings folder ${root} is read-only` };
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The file is there whole, or not at all. */
async function writeWhole(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}
