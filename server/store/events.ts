// The table of events: facts of the Bus that are worth reading tomorrow.

import type { Bus, FactName, Facts } from '../core/bus.ts';
import type { Clock } from '../core/clock.ts';
import type { Db } from './database.ts';

/** Facts that are kept. Status and segments have their own places, and would drown the rest. */
export const keptFacts = [
  'camera.added',
  'camera.changed',
  'camera.removed',
  'camera.wentLive',
  'camera.lost',
  'camera.moved',
  'camera.encoderFellBack',
  'segment.adopted',
  'recording.failed',
  'export.finished',
  'recording.clockStepped',
  'storage.full',
  'storage.missing',
  'storage.cameBack',
  'storage.salvaged',
] as const satisfies readonly FactName[];

/** One event. */
export type LoggedEvent = {
  readonly id: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly type: string;
  readonly cameraId: string | null;
  readonly slug: string | null;
  /** The rest of the fact. */
  readonly data: Readonly<Record<string, unknown>>;
};

/** Where a page of events ended. */
export type EventCursor = { readonly at: number; readonly id: number };

/** Which events. Times are epoch milliseconds, `from` included and `to` not. */
export type EventQuery = {
  readonly cameraId?: string | undefined;
  readonly type?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Continue after this one. */
  readonly after?: EventCursor | undefined;
  /** Only these cameras, and nothing that is not about a camera. */
  readonly onlyCameras?: readonly string[] | null | undefined;
  readonly limit: number;
};

type EventRow = { id: number; at: number; type: string; camera_id: string | null; slug: string | null; data: string };

/** Rows kept whatever their age: a camera that comes and goes all day must not fill the disk. */
const MAX_ROWS = 200_000;
const PRUNE_EVERY = 500;
/** Events that wait in memory for a disk that takes nothing. */
const MAX_UNWRITTEN = 500;
const DAY_MS = 24 * 3600 * 1000;

/** Rows of `events`. Bounded by age and number. */
export class EventLog {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #retentionDays: () => number;
  readonly #insert;
  readonly #prune;
  readonly #maxRows: number;
  /** Events that the database did not take yet. */
  readonly #unwritten: (string | number | null)[][] = [];
  #writes = 0;
  #prunedAt = 0;

  /** @param retentionDays asked at each pruning */
  constructor(db: Db, clock: Clock, retentionDays: () => number, maxRows = MAX_ROWS) {
    this.#db = db;
    this.#clock = clock;
    this.#retentionDays = retentionDays;
    this.#maxRows = maxRows;
    this.#insert = db.prepare('insert into events (at, type, camera_id, slug, data) values (?, ?, ?, ?, ?)');
    this.#prune = db.prepare('delete from events where at < ? or id <= (select max(id) from events) - ?');
    this.prune();
  }

  /** Keeps what the Bus says from now on; returns the way to stop. */
  follow(bus: Bus): () => void {
    const offs = keptFacts.map((name) => bus.on(name, (fact) => this.#keep(name, fact)));
    return () => {
      for (const off of offs) off();
    };
  }

  /** Drops what is too old or too much. */
  prune(): void {
    this.#prunedAt = this.#clock.wallMs();
    this.#prune.run(this.#clock.wallMs() - this.#retentionDays() * DAY_MS, this.#maxRows);
  }

  /** Newest first. */
  list(query: EventQuery): LoggedEvent[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const where = (condition: string, ...args: (string | number)[]) => {
      conditions.push(condition);
      values.push(...args);
    };
    if (query.cameraId !== undefined) where('camera_id = ?', query.cameraId);
    if (query.type !== undefined) where('type = ?', query.type);
    if (query.from !== undefined) where('at >= ?', query.from);
    if (query.to !== undefined) where('at < ?', query.to);
    if (query.after) where('(at, id) < (?, ?)', query.after.at, query.after.id);
    if (query.onlyCameras) where('camera_id in (select value from json_each(?))', JSON.stringify(query.onlyCameras));
    const sql = `select * from events ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
      order by at desc, id desc limit ?`;
    const rows = this.#db.prepare<(string | number)[], EventRow>(sql).all(...values, query.limit);
    return rows.map((row) => ({
      id: row.id,
      at: row.at,
      type: row.type,
      cameraId: row.camera_id,
      slug: row.slug,
      data: JSON.parse(row.data) as Record<string, unknown>,
    }));
  }

  #keep<N extends FactName>(name: N, fact: Facts[N]): void {
    const { camera = null, slug = null, ...data } = fact as { camera?: string | null; slug?: string };
    this.#unwritten.push([Math.round(this.#clock.wallMs()), name, camera, slug, JSON.stringify(data)]);
    if (this.#unwritten.length > MAX_UNWRITTEN) this.#unwritten.shift();
    // A full disk is an event too: it is written when there is room again, with the time at which it was.
    for (let next = this.#unwritten[0]; next; next = this.#unwritten[0]) {
      this.#insert.run(...next);
      this.#unwritten.shift();
    }
    const idleMs = Math.abs(this.#clock.wallMs() - this.#prunedAt);
    if (++this.#writes % PRUNE_EVERY === 0 || idleMs > DAY_MS) this.prune();
  }
}
