// Spans of recordings as one MP4: a queue that survives restarts, one at a time, with progress; files under DATA/exports,
// which retention never looks at. How a span is made is in export-run.ts.

import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bus } from '../core/bus.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import { isNvrError, NvrError, toNvrError } from '../core/nvr-error.ts';
import type { ExportRow, ExportTable } from '../store/exports.ts';
import { diskSpace } from './disk-guard.ts';
import { type ExportEstimate, estimateExport } from './export-plan.ts';
import { runExport } from './export-run.ts';
import { PlaybackSource } from './playback-source.ts';
import type { Recordings } from './recordings.ts';

/** Exports at the same time: each may take the disk, or a processor. */
const MAX_RUNNING = 1;
const MAX_WAITING = 20;
/** Finished and failed ones count too: people delete what they have downloaded. */
const MAX_EXPORTS = 200;
export const MAX_EXPORT_MS = 31 * 86_400_000;
/** Recordings in one export. */
const MAX_FILES = 50_000;
/** Free space that an export never takes. While one is made recordings grow too: at half of it the export ends, not they. */
const RESERVE_BYTES = 256 * 1024 * 1024;
const SPACE_LOOK_MS = 1000;
const WORK_SUFFIX = '.work';
/** What is shown at most while it runs: behind the last picture come the index of the file, and the disk. */
const MAX_UNFINISHED = 0.99;
/** Steps in which progress is kept over a restart. */
const PROGRESS_STEP = 0.01;
const DISK_FULL = 'The disk became full while this export was made; make room and ask for it again';

/** What an export is asked with. */
export type ExportRequest = {
  readonly camera: string;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly createdBy: string;
};

/** Options of {@link Exporter}. */
export type ExporterOptions = {
  readonly recordings: Pick<Recordings, 'index' | 'files' | 'unindexed'>;
  readonly table: ExportTable;
  readonly bus: Bus;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** {@link RESERVE_BYTES}, or less in a test of a small disk. */
  readonly reserveBytes?: number;
};

/** What is known of an export; `secondsLeft` while it runs and can be told. */
export type ExportStatus = ExportRow & { readonly secondsLeft: number | null };

type Run = {
  readonly abort: AbortController;
  /** Since when, and from which share of the work on: what an earlier life did says nothing about the pace. */
  startedMs: number;
  from: number;
  /** Share of the work that is done. A join that begins again falls behind what was shown. */
  share: number;
  /** What is shown: never less than before, over restarts too. */
  progress: number;
  savedProgress: number;
  work: Promise<void>;
  /** The disk came so near to its end that the run was ended. */
  isDiskFull: boolean;
};

/** See the head of this file. `start` once, `stop` once. */
export class Exporter {
  readonly #options: ExporterOptions;
  readonly #source: PlaybackSource;
  readonly #folder: string;
  readonly #log: Logger;
  readonly #runs = new Map<string, Run>();
  #stopped = true;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#source = new PlaybackSource(options.recordings);
    this.#folder = join(options.dataDir, 'exports');
    this.#log = options.log.child({ part: 'exports' });
  }

  /** Goes on with what an earlier life left. Never throws. */
  async start(): Promise<void> {
    const { table } = this.#options;
    this.#stopped = false;
    try {
      await mkdir(this.#folder, { recursive: true });
      for (const row of table.all()) {
        if (row.state === 'running') table.update(row.id, { state: 'queued' });
        if (row.state !== 'done' || (await stat(this.file(row.id)).catch(() => null))) continue;
        table.update(row.id, {
          state: 'failed',
          error: { code: 'not_found', message: 'The file of this export is gone' },
        });
      }
      await this.#sweep();
    } catch (error) {
      this.#log.error({ error: toNvrError(error).message }, 'Exports could not be taken up again');
    }
    if (!this.#stopped) this.#next();
  }

  /** Ends what runs; the next start goes on with it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const runs = [...this.#runs.values()];
    for (const { abort } of runs) abort.abort();
    await Promise.all(runs.map(({ work }) => work));
  }

  /** Where the finished file is. */
  file(id: string): string {
    return join(this.#folder, `${id}.mp4`);
  }

  /**
   * What an export would take, and what is free.
   * @throws NvrError `bad_input` for a span that cannot be, `not_found` when nothing is recorded in it
   */
  async estimate({
    camera,
    from,
    to,
  }: Pick<ExportRequest, 'camera' | 'from' | 'to'>): Promise<ExportEstimate & { bytesFree: number }> {
    if (to <= from) throw new NvrError('bad_input', 'to must be after from');
    if (to - from > MAX_EXPORT_MS) throw new NvrError('bad_input', 'An export may be at most 31 days long');
    if (from > this.#options.clock.wallMs()) throw new NvrError('bad_input', 'from is in the future');
    const files = this.#source.find(camera, from, to, MAX_FILES);
    if (files.length === 0) throw new NvrError('not_found', 'Nothing is recorded in this span');
    const disk = await statfs(this.#options.dataDir);
    const bytesFree = Math.max(0, disk.bavail * disk.bsize - this.#reserveBytes);
    return { ...estimateExport(files, from, to), bytesFree };
  }

  /** Takes an export into the queue. @throws NvrError as {@link estimate}, `exhausted` without space, `conflict` for too many */
  async add(request: ExportRequest): Promise<ExportStatus> {
    const { table, clock } = this.#options;
    const { bytes, neededBytes, bytesFree } = await this.estimate(request);
    if (neededBytes > bytesFree) {
      const mega = (value: number) => `${Math.ceil(value / 1e6)} MB`;
      throw new NvrError('exhausted', `This export needs ${mega(neededBytes)}, and ${mega(bytesFree)} are free`);
    }
    const all = table.all();
    if (all.length >= MAX_EXPORTS)
      throw new NvrError('conflict', `There are ${MAX_EXPORTS} exports: delete some first`);
    if (all.filter(({ state }) => state === 'queued').length >= MAX_WAITING) {
      throw new NvrError('conflict', `${MAX_WAITING} exports are waiting already`);
    }
    const row: ExportRow = {
      ...{ ...request, id: newId('exp'), state: 'queued', progress: 0, bytes, error: null },
      ...{ createdAt: Math.floor(clock.wallMs()), finishedAt: null },
    };
    table.add(row);
    this.#next();
    return this.get(row.id)!;
  }

  /** One export, or `null`. */
  get(id: string): ExportStatus | null {
    const row = this.#options.table.get(id);
    return row && this.#status(row);
  }

  /** All, oldest first. */
  all(): ExportStatus[] {
    return this.#options.table.all().map((row) => this.#status(row));
  }

  /** Cancels an export, or deletes a finished one, with all its files. */
  async remove(id: string): Promise<void> {
    const run = this.#runs.get(id);
    this.#options.table.remove(id);
    run?.abort.abort();
    await run?.work;
    await this.#clear(id);
    await rm(this.file(id), { force: true });
  }

  #status(row: ExportRow): ExportStatus {
    const run = this.#runs.get(row.id);
    if (!run || row.state !== 'running') return { ...row, secondsLeft: null };
    const { progress, share, from, startedMs } = run;
    const spentMs = this.#options.clock.monoMs() - startedMs;
    const done = share - from;
    const secondsLeft = done > 0.01 ? Math.ceil((spentMs * (1 - share)) / done / 1000) : null;
    return { ...row, progress, secondsLeft };
  }

  #next(): void {
    if (this.#stopped || this.#runs.size >= MAX_RUNNING) return;
    const { table, clock } = this.#options;
    const row = table.all().find(({ state }) => state === 'queued');
    if (!row) return;
    table.update(row.id, { state: 'running' });
    const run: Run = {
      abort: new AbortController(),
      startedMs: clock.monoMs(),
      from: 0,
      share: 0,
      progress: row.progress,
      savedProgress: row.progress,
      work: Promise.resolve(),
      isDiskFull: false,
    };
    this.#runs.set(row.id, run);
    run.work = this.#run(row, run).finally(() => {
      this.#runs.delete(row.id);
      this.#next();
    });
  }

  async #run(row: ExportRow, run: Run): Promise<void> {
    const { table, clock, recordings } = this.#options;
    const { id, camera, from, to } = row;
    const finishedAt = () => Math.floor(clock.wallMs());
    const watch = this.#watchSpace(run);
    try {
      const bytes = await runExport({
        ...{ camera, from, to, source: this.#source, files: recordings.files, signal: run.abort.signal },
        ...{ work: this.#work(id), target: this.file(id), maxFiles: MAX_FILES },
        onProgress: (share, kept = false) => this.#note(id, run, share, kept),
      });
      table.update(id, { state: 'done', progress: 1, bytes, finishedAt: finishedAt() });
      this.#log.info({ export: id, bytes }, 'Export done');
      await this.#clear(id);
      this.#tell(row, 'done');
    } catch (error) {
      if (run.abort.signal.aborted && !run.isDiskFull) return; // cancelled, or Perch ends: the next start goes on
      const full = run.isDiskFull || isNvrError(error, 'exhausted');
      const { code, message } = full ? new NvrError('exhausted', DISK_FULL, { cause: error }) : toNvrError(error);
      this.#log.warn({ export: id, code, error: message }, 'Export failed');
      const said = code === 'internal' ? 'Perch made a mistake with this export; see the log' : message;
      table.update(id, { state: 'failed', error: { code, message: said }, finishedAt: finishedAt() });
      await this.#clear(id);
      this.#tell(row, 'failed');
    } finally {
      watch.cancel();
    }
  }

  /** What an export has come to; a restart begins with it. */
  #note(id: string, run: Run, share: number, kept: boolean): void {
    run.share = Math.min(1, share);
    if (kept) {
      run.from = run.share;
      run.startedMs = this.#options.clock.monoMs();
    }
    run.progress = Math.max(run.progress, Math.min(MAX_UNFINISHED, share));
    if (run.progress - run.savedProgress < PROGRESS_STEP) return;
    run.savedProgress = run.progress;
    try {
      this.#options.table.update(id, { progress: run.progress });
    } catch (error) {
      this.#log.debug({ export: id, error: toNvrError(error).message }, 'Progress could not be kept');
    }
  }

  get #reserveBytes(): number {
    return this.#options.reserveBytes ?? RESERVE_BYTES;
  }

  /** Ends a run before it takes the space that recordings need. */
  #watchSpace(run: Run): Timer {
    const { clock, dataDir } = this.#options;
    let timer: Timer;
    const look = async () => {
      const space = await diskSpace(dataDir);
      if (run.abort.signal.aborted) return;
      if (space && space.freeBytes < this.#reserveBytes / 2) {
        run.isDiskFull = true;
        run.abort.abort();
      } else timer = clock.after(SPACE_LOOK_MS, () => void look());
    };
    timer = clock.after(SPACE_LOOK_MS, () => void look());
    return { cancel: () => timer.cancel() };
  }

  #tell({ id, camera }: ExportRow, state: 'done' | 'failed'): void {
    this.#options.bus.publish('export.finished', { camera, export: id, state });
  }

  #work(id: string): string {
    return join(this.#folder, id + WORK_SUFFIX);
  }

  async #clear(id: string): Promise<void> {
    await rm(this.#work(id), { recursive: true, force: true }).catch((error: unknown) => {
      this.#log.warn({ export: id, error: toNvrError(error).message }, 'The parts of an export could not be removed');
    });
  }

  /** Removes work folders that belong to no export any more. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const id = name.startsWith('exp_') && name.endsWith(WORK_SUFFIX) ? name.slice(0, -WORK_SUFFIX.length) : null;
      const state = id === null ? null : this.#options.table.get(id)?.state;
      if (id !== null && state !== 'queued' && state !== 'running') await this.#clear(id);
    }
  }
}
