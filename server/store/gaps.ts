// What is recorded, deleted and watched, in joined spans: the tables behind timelines. Runs are kept by triggers on
// `segments` (migration 0006); the journal of watch spans and the heartbeat are written by the GapJournal.

import type { Db } from './database.ts';

/** A stretch of time, epoch milliseconds, the end not included. */
export type Span = { readonly startAt: number; readonly endAt: number };

/** Why a moment that should be recorded is not. */
export type GapReason =
  | 'offline'
  | 'refused'
  | 'cameraDisabled'
  | 'released'
  | 'recorderFailed'
  | 'perchDown'
  | 'diskFull'
  | 'storageMissing'
  | 'clockStep'
  | 'deleted';

/** What holds for a camera that should be recording; `recording`: all is well. */
export type WatchCondition = 'recording' | Exclude<GapReason, 'deleted'>;

/** A stretch of the journal; `endAt` is `null` while it holds. */
export type WatchSpan = {
  readonly camera: string;
  readonly startAt: number;
  readonly endAt: number | null;
  readonly condition: WatchCondition;
};

/** No journal span is longer: this bounds how far back a query must look. */
export const MAX_WATCH_MS = 86_400_000;

type SpanRow = { start_at: number; end_at: number };
type WatchRow = { camera_id: string; start_at: number; end_at: number | null; condition: string };

const fromRow = ({ camera_id, start_at, end_at, condition }: WatchRow): WatchSpan => ({
  ...{ camera: camera_id, startAt: start_at, endAt: end_at, condition: condition as WatchCondition },
});

/** Rows of `recorded_runs`, `deleted_runs`, `watch_spans` and `heartbeat`. */
export class GapTable {
  readonly #db: Db;
  readonly #statements;

  constructor(db: Db) {
    this.#db = db;
    const runs = (table: string) =>
      db.prepare<object, SpanRow>(
        `select start_at, end_at from ${table} where camera_id = @camera and start_at < @to and end_at > @from
         and start_at >= coalesce((select max(start_at) from ${table} where camera_id = @camera and start_at <= @from), @from)
         order by start_at`,
      );
    this.#statements = {
      recorded: runs('recorded_runs'),
      deleted: runs('deleted_runs'),
      watch: db.prepare<object, WatchRow>(
        `select camera_id, start_at, end_at, condition from watch_spans where camera_id = @camera
         and start_at > @earliest and start_at < @to and (end_at is null or end_at > @from) order by start_at, id`,
      ),
      open: db.prepare<[], WatchRow>(
        'select camera_id, start_at, end_at, condition from watch_spans where end_at is null order by id',
      ),
      begin: db.prepare(
        'insert into watch_spans (camera_id, start_at, end_at, condition) values (@camera, @startAt, @endAt, @condition)',
      ),
      end: db.prepare(
        'update watch_spans set end_at = max(start_at, @endAt) where camera_id = @camera and end_at is null',
      ),
      dropEmpty: db.prepare('delete from watch_spans where camera_id = ? and end_at = start_at'),
      beat: db.prepare(
        'insert into heartbeat (id, alive_at) values (1, ?) on conflict (id) do update set alive_at = excluded.alive_at',
      ),
      alive: db.prepare<[], { alive_at: number }>('select alive_at from heartbeat'),
      endReason: db.prepare<object, { end_reason: string }>(
        `select end_reason from segments where camera_id = @camera and doomed_at is null
         and displaced_at is null and start_at < @at order by start_at desc limit 1`,
      ),
      displaced: db.prepare<object, SpanRow>(
        `select start_at, end_at from segments where camera_id = @camera and displaced_at is not null
         and doomed_at is null and start_at < @to and end_at > @from order by start_at`,
      ),
      forget: ['watch_spans', 'recorded_runs', 'deleted_runs'].map((table) =>
        db.prepare<[string]>(`delete from ${table} where camera_id = ?`),
      ),
      prune: [
        db.prepare<object>('delete from watch_spans where end_at < @before'),
        db.prepare<object>('delete from deleted_runs where end_at < @before'),
      ],
    };
  }

  /** Recorded time that overlaps `[from, to)`, joined, by time; closed segments only. */
  recorded(camera: string, from: number, to: number): Span[] {
    return this.#statements.recorded.all({ camera, from, to }).map(fromSpanRow);
  }

  /** Time that was recorded once. */
  deleted(camera: string, from: number, to: number): Span[] {
    return this.#statements.deleted.all({ camera, from, to }).map(fromSpanRow);
  }

  /** Time of recordings that were displaced by later ones, by their begin; may overlap. */
  displaced(camera: string, from: number, to: number): Span[] {
    return this.#statements.displaced.all({ camera, from, to }).map(fromSpanRow);
  }

  /** The journal that overlaps `[from, to)`, by time. */
  watched(camera: string, from: number, to: number): WatchSpan[] {
    return this.#statements.watch.all({ camera, from, to, earliest: from - MAX_WATCH_MS - 1 }).map(fromRow);
  }

  /** Why the last segment that begins before a moment ended; `null` without one. */
  endReasonBefore(camera: string, at: number): string | null {
    return this.#statements.endReason.get({ camera, at })?.end_reason ?? null;
  }

  /** What still holds; after a crash: what held when Perch died. */
  open(): WatchSpan[] {
    return this.#statements.open.all().map(fromRow);
  }

  /** Ends what holds for a camera at `at`, and says what holds from then on; `null`: it need not record. */
  turn(camera: string, at: number, condition: WatchCondition | null): void {
    this.#db.transaction(() => {
      this.#statements.end.run({ camera, endAt: at });
      this.#statements.dropEmpty.run(camera);
      if (condition) this.#statements.begin.run({ camera, startAt: at, endAt: null, condition });
    })();
  }

  /** Adds a span that is over, in pieces of at most a day. */
  add(camera: string, { startAt, endAt }: Span, condition: WatchCondition): void {
    this.#db.transaction(() => {
      for (let at = startAt; at < endAt; at += MAX_WATCH_MS) {
        const end = Math.min(endAt, at + MAX_WATCH_MS);
        this.#statements.begin.run({ camera, startAt: at, endAt: end, condition });
      }
    })();
  }

  /** Says that Perch is alive. */
  beat(at: number): void {
    this.#statements.beat.run(at);
  }

  /** When Perch was last alive, or `null`. */
  aliveAt(): number | null {
    return this.#statements.alive.get()?.alive_at ?? null;
  }

  /** Drops all that is known of a camera that is gone. */
  forget(camera: string): void {
    for (const statement of this.#statements.forget) statement.run(camera);
  }

  /** Drops journal and deletions that ended before a moment. */
  prune(before: number): void {
    for (const statement of this.#statements.prune) statement.run({ before });
  }
}

const fromSpanRow = ({ start_at, end_at }: SpanRow): Span => ({ startAt: start_at, endAt: end_at });
