// Moves what the write-ahead log holds into the database, on a thread of its own. A checkpoint waits for the disk twice
// (fsync): inside a commit the event loop waits with it, 80 to 300 ms on a machine with a load of 16 (bench archive). The
// thread is there only while there is work.

import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { type Db, WAL_LIMIT_BYTES } from './database.ts';

const LOOK_MS = 500;
/** The thread ends when there was nothing to do for so many looks. */
const IDLE_LOOKS = 20;
/** A quarter of what the log may ever hold is moved at once: each time costs one short fsync in a commit too. */
const CHECKPOINT_SHARE = 0.25;
/** The thread runs no more than a few lines. */
const HEAP_MEGABYTES = 16;

/** Work that writes much waits for the thread so long at most. */
const ROOM_MS = 2000;

/** What the thread is told. */
type CheckpointOrder = 'checkpoint' | 'end';
/** What it says to a checkpoint: why it could not be done, or `null`. */
type CheckpointAnswer = string | null;

/** Options of {@link Checkpointer}. */
export type CheckpointerOptions = {
  readonly db: Db;
  /** Path of the same database. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether the disk is nearly full: then the log must not grow, whatever it holds. */
  readonly isTight?: () => boolean;
};

/** See the head of this file. `start` once; `stop` before the database is closed. */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #pages: number;
  #timer: Timer | null = null;
  #worker: Worker | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  #isBusy = false;
  #idleLooks = 0;
  #problem: CheckpointAnswer = null;
  #answered = Promise.withResolvers<void>();
  /** Checkpoints that were done. */
  done = 0;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    const pageBytes = Number(options.db.pragma('page_size', { simple: true }));
    this.#pages = (WAL_LIMIT_BYTES * CHECKPOINT_SHARE) / pageBytes;
  }

  start(): void {
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      this.#look();
      this.start();
    });
  }

  /** Resolves when the thread's connection is closed. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#end();
    await this.#ended;
  }

  /** Pages in the log that are not in the database yet; 0 for a database without such a log. */
  get waitingPages(): number {
    const [state] = this.#options.db.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[];
    return state ? Math.max(0, state.log - state.checkpointed) : 0;
  }

  /**
   * Resolves when the log has room: for work that writes much and has time. Without a pause of the writers the log never
   * begins anew, and is moved by a commit in the end. Waits two seconds at most.
   */
  async room(): Promise<void> {
    if (this.waitingPages < 2 * this.#pages) return;
    const { promise } = this.#answered;
    this.#look();
    const giveUp = new AbortController();
    const late = this.#options.clock.sleep(ROOM_MS, giveUp.signal).catch(() => {});
    await Promise.race([promise, late]);
    giveUp.abort();
  }

  #look(): void {
    if (this.#isBusy) return;
    const waiting = this.waitingPages;
    if (waiting >= this.#pages || (waiting > 0 && this.#options.isTight?.())) {
      this.#idleLooks = 0;
      this.#isBusy = true;
      this.#worker ??= this.#begin();
      this.#worker.postMessage('checkpoint' satisfies CheckpointOrder);
    } else if (this.#worker && ++this.#idleLooks >= IDLE_LOOKS) this.#end();
  }

  #begin(): Worker {
    const worker = new Worker(new URL('checkpoint-thread.mjs', import.meta.url), {
      ...{ workerData: this.#options.file, resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES } },
    });
    worker.unref();
    worker.on('message', (answer: CheckpointAnswer) => {
      this.#isBusy = false;
      if (answer === null) this.done++;
      this.#tell(answer);
      this.#next();
    });
    worker.on('error', (error: Error) => this.#tell(error.message));
    this.#ended = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        if (this.#worker === worker) this.#worker = null;
        this.#isBusy = false;
        this.#next();
        resolve();
      });
    });
    return worker;
  }

  #next(): void {
    this.#answered.resolve();
    this.#answered = Promise.withResolvers();
  }

  #end(): void {
    this.#idleLooks = 0;
    const worker = this.#worker;
    this.#worker = null;
    // From here on it is waited for.
    worker?.ref();
    worker?.postMessage('end' satisfies CheckpointOrder);
  }

  /** A problem is said once: SQLite itself does the work in a commit when the log has reached its limit. */
  #tell(problem: CheckpointAnswer): void {
    if (problem !== null && this.#problem === null) {
      this.#options.log.warn({ error: problem }, 'The write-ahead log could not be moved into the database');
    }
    this.#problem = problem;
  }
}
