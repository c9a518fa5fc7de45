// All recording of this Perch: adopts what a crash left, then keeps one Recorder per camera that should record, in step
// with the Fleet. The door for HTTP: manual orders, the open segment, deletion.

import type { Camera } from '../cameras/camera.ts';
import type { Fleet } from '../cameras/fleet.ts';
import type { Bus } from '../core/bus.ts';
import type { RecordingSettings } from '../core/camera-config.ts';
import { type Clock, systemClock, type Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import type { Span } from '../store/gaps.ts';
import type { Segment, SegmentIndex } from '../store/segment-index.ts';
import { type AdoptionReport, adopt } from './adoption.ts';
import { deleteSegment } from './deletion.ts';
import { DiskGuard, type DiskGuardOptions, type StorageLook, type StorageState } from './disk-guard.ts';
import { Recorder } from './recorder.ts';
import type { OpenSegment, UnindexedSegment } from './recorder-options.ts';
import { applyGlobalLimits, applyRetention, type GlobalLimits } from './retention.ts';
import { Schedule } from './schedule.ts';
import { ScheduleWaker } from './schedule-waker.ts';
import { SegmentFiles } from './segment-files.ts';
import { type FolderPlan, readStorage, type StorageFigures } from './storage.ts';
import { Thumbnails } from './thumbnails.ts';

const RETENTION_EVERY_MS = 60_000;
/** An order by hand; `auto` leaves it to mode and schedule. */
export type ManualOrder = 'start' | 'stop' | 'auto';

/** Options of {@link Recordings}. */
export type RecordingsOptions = {
  readonly fleet: Pick<Fleet, 'all' | 'find'>;
  readonly index: SegmentIndex;
  readonly bus: Bus;
  readonly dataDir: string;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Who a folder of recordings once was given to; used when a file does not say. */
  readonly cameraOfFolder?: (folder: string) => string | null;
  /** Limits over all cameras, asked each time; without it only the default of free space. */
  readonly limits?: () => GlobalLimits;
  /** Which storage is the right one; without it any. */
  readonly identity?: NonNullable<DiskGuardOptions['identity']>;
  readonly databaseFile?: string;
  /** Why nothing may be recorded in this life: the index is a copy of one that cannot be written. */
  readonly readOnly?: string | null;
  /** Resolves when the database can take much, see `Checkpointer.room`. */
  readonly room?: () => Promise<void>;
  /** A camera's recordings are all gone: its folder's name is free again. */
  readonly forgetFolder?: (folder: string) => void;
};

/** A moment in a file; `path` is relative to `recordings/`. */
export type RecordedMoment = {
  readonly path: string;
  readonly startAt: number;
  readonly offsetMs: number;
  readonly indexed: boolean;
};

/** `camera`: whose pictures the recorder reads; another driver makes another Camera behind the same id. */
type Entry = {
  recorder: Recorder | null;
  camera: Camera | null;
  key: string;
  recordedMonoMs: number;
  work: Promise<void>;
};

/** See the head of this file. */
export class Recordings {
  readonly files: SegmentFiles;
  readonly index: SegmentIndex;
  readonly thumbnails = new Thumbnails();
  readonly #options: RecordingsOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #offs: (() => void)[] = [];
  readonly #abort = new AbortController();
  readonly #waker: ScheduleWaker;
  readonly #guard: DiskGuard;
  readonly #listeners = new Set<(camera: string) => void>();
  /** Cameras before which something happens now. */
  readonly #events = new Set<string>();
  #retention: Timer | null = null;
  #retentionWork: Promise<unknown> = Promise.resolve();
  #starting: Promise<AdoptionReport | null> = Promise.resolve(null);
  #started = false;
  /** While what a storage brought back is looked through, nothing is written there. */
  #writable = false;

  constructor(options: RecordingsOptions) {
    this.#options = options;
    this.index = options.index;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log.child({ part: 'recordings' });
    this.files = new SegmentFiles(options.dataDir);
    const { identity, databaseFile } = options;
    this.#guard = new DiskGuard({
      ...{ root: this.files.root, clock: this.#clock, onChange: (look, before) => this.#storageChanged(look, before) },
      settle: () => this.#settle(),
      ...(identity && { identity }),
      ...(databaseFile !== undefined && { databaseFile }),
    });
    this.#waker = new ScheduleWaker(this.#clock, this.#log, (camera) => this.#update(camera));
  }

  /** Adopts, then follows the cameras. Call when the data directory's lock is held. */
  start(): Promise<AdoptionReport | null> {
    const starting = this.#start();
    this.#starting = starting.catch(() => null);
    return starting;
  }

  async #start(): Promise<AdoptionReport | null> {
    const { bus, fleet } = this.#options;
    const { state } = await this.#guard.look();
    // What is not there must not be taken for lost; `#storageChanged` adopts when it comes back.
    const report = state === 'ok' || state === 'full' ? await this.#adopt() : null;
    if (this.#abort.signal.aborted) return report;
    this.#started = true;
    this.#writable = state === 'ok';
    this.#offs.push(
      bus.on('recording.failed', ({ code }) => {
        void this.#guard.look();
        if (code === 'exhausted') this.#retainSoon();
      }),
    );
    this.#guard.start();
    for (const name of ['camera.added', 'camera.changed', 'camera.removed'] as const) {
      this.#offs.push(bus.on(name, ({ camera }) => this.#update(camera)));
    }
    for (const { id } of fleet.all()) this.#update(id);
    this.#scheduleRetention();
    return report;
  }

  /** Closes and indexes every open segment. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#starting;
    for (const off of this.#offs.splice(0)) off();
    this.#retention?.cancel();
    this.#waker.stop();
    await this.#guard.stop();
    await Promise.all(
      [...this.#entries.values()].map(async (entry) => {
        await Promise.all([entry.work, entry.recorder?.stop('shutdown')]);
        await entry.recorder?.stop('shutdown');
      }),
    );
    await this.#retentionWork;
  }

  /** Overrules mode and schedule until told otherwise; survives a restart. */
  setManual(camera: string, order: ManualOrder): void {
    this.#options.index.setOrder(camera, order);
    this.#update(camera);
  }

  /** Something happens before a camera (motion), or no more: in mode `motion` that is recorded, with what came before it. */
  setEvent(camera: string, isOn: boolean): void {
    if (isOn) this.#events.add(camera);
    else this.#events.delete(camera);
    this.#update(camera);
  }

  /** The order that is in force. */
  manual(camera: string): ManualOrder {
    return this.#options.index.order(camera);
  }

  /** What is being written for a camera, up to what is surely on disk; `null` when nothing is. */
  openSegment(camera: string): OpenSegment | null {
    return this.#entries.get(camera)?.recorder?.openSegment ?? null;
  }

  /** What a camera has recorded and is not in the index yet, by time. */
  unindexed(camera: string): UnindexedSegment[] {
    return this.#entries.get(camera)?.recorder?.unindexed ?? [];
  }

  /** Where a moment of a camera is recorded; `null`: nowhere. */
  at(camera: string, at: number): RecordedMoment | null {
    const [segment] = this.index.find({ camera, from: at, to: at + 1, order: 'desc', limit: 1 });
    const found = segment ?? this.unindexed(camera).find(({ startAt, endAt }) => startAt <= at && at < endAt);
    if (!found) return null;
    const { startAt, path } = found;
    return { startAt, path, offsetMs: at - startAt, indexed: segment !== undefined };
  }

  /** Told of a camera for which {@link wanted} may answer something else now; returns the way to stop. */
  onWanted(listener: (camera: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Deletes one segment. @throws NvrError when the disk refuses */
  async delete(segment: Segment): Promise<void> {
    const { index, bus } = this.#options;
    await deleteSegment(segment, { files: this.files, index, bus, clock: this.#clock });
  }

  /** Deletes everything of a folder: what `DELETE camera?recordings=delete` asks for. Protected segments too. */
  async deleteFolder(camera: string): Promise<void> {
    const { index, forgetFolder } = this.#options;
    await this.#entries.get(camera)?.work;
    const folders = new Set<string>();
    const all = { camera, from: 0, to: Number.MAX_SAFE_INTEGER, order: 'asc', limit: 100 } as const;
    const next = () => [...index.find(all), ...index.displaced(camera, all.from, all.to, all.limit)];
    for (let page = next(); page.length > 0; page = next()) {
      for (const segment of page) {
        folders.add(segment.folder);
        await this.delete(segment);
      }
    }
    // Only an empty folder goes: what Perch did not make stays, and keeps the name.
    for (const known of folders) if (await this.files.removeEmptyFolder(known)) forgetFolder?.(known);
  }

  /** Space taken and left, per folder. @param days of history @param instead how a folder would grow instead */
  storage(days = 0, instead?: FolderPlan): Promise<StorageFigures> {
    const { index, fleet } = this.#options;
    const cameras = fleet.all().map(({ config }) => ({ folder: config.folder, retention: config.recording.retention }));
    const nowMs = this.#clock.wallMs();
    return readStorage({
      ...{ root: this.files.root, index, cameras, limits: this.#limits, nowMs, days },
      ...(instead && { instead }),
    });
  }

  get #limits(): GlobalLimits {
    return this.#options.limits?.() ?? { maxBytes: null, minFreeBytes: null };
  }

  /** Whether recordings can be written, and if not, why. */
  get storageLook(): StorageLook {
    return this.#guard.last;
  }

  /** When a camera was wanted between two moments, as far as its settings of now say. */
  wantedSpans({ id, config }: Pick<Camera, 'id' | 'config'>, from: number, to: number): Span[] {
    const { mode, schedules } = config.recording;
    const order = this.manual(id);
    if (!config.enabled || order === 'stop') return [];
    if (order === 'start' || mode === 'continuous') return [{ startAt: from, endAt: to }];
    if (mode !== 'schedule') return [];
    return new Schedule(schedules).windows(from, to).map((window) => ({ startAt: window.from, endAt: window.to }));
  }

  /** Whether this camera should be recorded now. */
  wanted(camera: Pick<Camera, 'id' | 'config'>): boolean {
    const { enabled, recording } = camera.config;
    if (!enabled) return false;
    const order = this.manual(camera.id);
    if (order !== 'auto') return order === 'start';
    if (recording.mode === 'schedule') {
      this.#waker.follow(camera.id, recording.schedules);
      return this.#waker.isOn(camera.id);
    }
    return recording.mode === 'continuous' || (recording.mode === 'motion' && this.#events.has(camera.id));
  }

  /** Brings one camera's recorder in step; one change after the other. */
  #update(id: string): void {
    for (const listener of this.#listeners) listener(id);
    if (!this.#started || this.#abort.signal.aborted) return;
    let entry = this.#entries.get(id);
    if (!entry) {
      const recordedMonoMs = Number.NEGATIVE_INFINITY;
      entry = { recorder: null, camera: null, key: '', recordedMonoMs, work: Promise.resolve() };
      this.#entries.set(id, entry);
    }
    const known = entry;
    known.work = known.work
      .then(() => this.#apply(id, known))
      .catch((error: unknown) =>
        this.#log.error({ camera: id, error: toNvrError(error).message }, 'Recorder change failed'),
      );
  }

  async #apply(id: string, entry: Entry): Promise<void> {
    const camera = this.#options.fleet.find(id);
    const { mode, schedules } = camera?.config.recording ?? { mode: 'off', schedules: [] };
    this.#waker.follow(id, mode === 'schedule' ? schedules : []);
    const key = camera && this.#writable && this.wanted(camera) ? runKey(camera.config.recording) : '';
    if (entry.key === key && (key === '' || entry.camera === camera)) return;
    if (entry.recorder) {
      await entry.recorder.stop(key === '' ? 'stopped' : 'formatChange');
      entry.recordedMonoMs = entry.recorder.recordedMonoMs;
      entry.recorder = null;
    }
    entry.key = key;
    entry.camera = camera ?? null;
    if (!camera || key === '' || this.#abort.signal.aborted) {
      if (!camera) this.#entries.delete(id);
      return;
    }
    const { index, bus, random } = this.#options;
    entry.recorder = new Recorder({
      ...{ camera, files: this.files, index, bus, clock: this.#clock, afterMonoMs: entry.recordedMonoMs },
      ...{ isFull: () => this.#guard.isFull(), assertWritable: () => this.#guard.assertWritable() },
      ...(random ? { random } : {}),
    });
    entry.recorder.start();
  }

  /** Brings files and rows into agreement. Nothing may be writing. */
  #adopt(): Promise<AdoptionReport> {
    const { index, bus, fleet } = this.#options;
    const cameraOfFolder =
      this.#options.cameraOfFolder ??
      ((folder) => fleet.all().find(({ config }) => config.folder === folder)?.id ?? null);
    const { signal } = this.#abort;
    return adopt({ ...{ files: this.files, index, bus, clock: this.#clock, log: this.#log }, cameraOfFolder, signal });
  }

  /** Rows that a full or read-only disk did not take. @throws NvrError while it still does not */
  #settle(): void {
    const { index, bus, readOnly } = this.#options;
    if (readOnly) throw new NvrError('unavailable', readOnly);
    for (const { camera, folder, id, startAt, endAt, bytes } of index.settle()) {
      const fact = { camera: camera ?? '', slug: folder, segment: id, start: startAt, end: endAt, bytes };
      bus.publish('segment.closed', fact);
    }
  }

  /** The disk became full, vanished or came back: recorders end or begin, and everybody is told. */
  async #storageChanged({ state, message }: StorageLook, before: StorageState): Promise<void> {
    const { bus } = this.#options;
    if (state === 'ok') this.#log.info({ before }, 'The storage of recordings can be written again');
    else this.#log.error({ state }, message);
    if (state === 'full') bus.publish('storage.full', { message });
    else if (state !== 'ok') bus.publish('storage.missing', { message });
    if (!this.#started) return;
    this.#writable = false;
    for (const id of this.#entries.keys()) this.#update(id);
    if (state === 'full') this.#retainSoon();
    if (state !== 'ok') return;
    await Promise.all([...this.#entries.values()].map(({ work }) => work));
    try {
      await this.#adopt();
    } catch (error) {
      this.#log.error({ error: toNvrError(error).message }, 'What is on the storage could not be looked through');
    }
    this.#writable = true;
    bus.publish('storage.cameBack', { message: 'Recording goes on' });
    for (const { id } of this.#options.fleet.all()) this.#update(id);
  }

  #scheduleRetention(delayMs = RETENTION_EVERY_MS): void {
    this.#retention?.cancel();
    if (this.#abort.signal.aborted) return;
    this.#retention = this.#clock.after(delayMs, () => {
      this.#retentionWork = this.#retentionWork
        .then(() => this.#applyRetention())
        .finally(() => this.#scheduleRetention());
    });
  }

  /** The disk is full: not in a minute. */
  #retainSoon(): void {
    if (this.#started) this.#scheduleRetention(0);
  }

  async #applyRetention(): Promise<void> {
    const { fleet, index, bus, room } = this.#options;
    const tools = { files: this.files, index, bus, clock: this.#clock, ...(room && { room }) };
    const { state } = this.#guard.last;
    if (state !== 'ok' && state !== 'full') return;
    for (const { config } of fleet.all()) {
      if (this.#abort.signal.aborted) return;
      try {
        const rule = config.recording.retention;
        const deleted = await applyRetention(config.folder, rule, tools, this.#log, this.#abort.signal);
        if (deleted > 0) this.#log.info({ camera: config.slug, deleted }, 'Old recordings deleted');
      } catch (error) {
        this.#log.error({ camera: config.slug, error: toNvrError(error).message }, 'Retention failed');
      }
    }
    try {
      const deleted = await applyGlobalLimits(this.#limits, tools, this.#log, this.#abort.signal);
      if (deleted > 0) this.#log.info({ deleted }, 'Oldest recordings deleted to make room');
      if (state === 'full' && deleted > 0) await this.#guard.look();
    } catch (error) {
      this.#log.error({ error: toNvrError(error).message }, 'Making room failed');
    }
  }
}

/** Settings that a running recorder cannot take over; a change of them starts a new one. */
function runKey({ format, audio, preRollSeconds, encoder }: RecordingSettings): string {
  return JSON.stringify([format, audio, preRollSeconds, encoder]);
}
