// The table of segments: add, find by time, doom, forget. Every query for a span is answered by a covering index.

import type { Db } from './database.ts';
import { OwedRows } from './owed-rows.ts';
import {
  COLUMNS,
  type EndReason,
  fromRow,
  LISTED,
  NEW_COLUMNS,
  type SegmentRow as Row,
  type Segment,
} from './segment-row.ts';

export type { EndReason, Segment } from './segment-row.ts';

/** A cut of more than this is no rounding: the clock was stepped. */
const CLIP_IS_STEP_MS = 1000;

/** Where a page of results ended. */
export type SegmentCursor = { readonly startAt: number; readonly id: string };

/** Which segments are wanted: those that overlap `[from, to)`. */
export type SegmentQuery = {
  readonly camera: string;
  readonly from: number;
  readonly to: number;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after?: SegmentCursor;
};

/** A segment as the timeline needs it. */
export type SegmentSpan = Pick<Segment, 'startAt' | 'endAt' | 'endReason' | 'hasMotion'>;

/** Sums of one folder and UTC day. */
export type FolderDay = {
  readonly day: number;
  readonly segments: number;
  readonly bytes: number;
  readonly recordedMs: number;
};

/** Sums of one folder. */
export type FolderTotals = {
  readonly folder: string;
  readonly segments: number;
  readonly bytes: number;
  readonly oldestDay: number;
  readonly days: number;
  readonly recordedMs: number;
};

/** What has no place on a timeline of one folder; it counts in {@link FolderTotals} too, but for its time. */
export type DisplacedTotals = Pick<FolderTotals, 'folder' | 'segments' | 'bytes'>;

/** Rows of `segments` and the sums over them. */
export class SegmentIndex {
  readonly #db: Db;
  readonly #statements;
  /** Length of the longest segment: how far before a moment one may begin that reaches it. */
  #longestMs: number;
  readonly #owed = new OwedRows();

  constructor(db: Db) {
    this.#db = db;
    const span = `(camera_id = @camera and ${LISTED} and start_at > @earliest and start_at < @to and end_at > @from)`;
    this.#statements = {
      add: db.prepare(
        `insert into segments (${NEW_COLUMNS}) values (@id, @camera, @folder, @path, @startAt, @endAt, @frames, @bytes,
         @format, @codec, @endReason, @hasMotion, @protected)`,
      ),
      get: db.prepare<[string], Row>(`select ${COLUMNS} from segments where id = ? and doomed_at is null`),
      byPath: db.prepare<[string], Row>(`select ${COLUMNS} from segments where path = ?`),
      ascending: db.prepare<object, Row>(
        `select ${COLUMNS} from segments where ${span} and (start_at, id) > (@afterAt, @afterId) order by start_at, id limit @limit`,
      ),
      descending: db.prepare<object, Row>(
        `select ${COLUMNS} from segments where ${span} and (start_at, id) < (@afterAt, @afterId)
         order by start_at desc, id desc limit @limit`,
      ),
      spans: db.prepare<object, { start_at: number; end_at: number; end_reason: string; has_motion: number }>(
        `select start_at, end_at, end_reason, has_motion from segments where ${span} order by start_at`,
      ),
      paths: db.prepare<object, Row & { doomed_at: number | null }>(
        `select ${COLUMNS}, doomed_at from segments where path > @after order by path limit @limit`,
      ),
      displacedOf: db.prepare<object, Row>(
        `select ${COLUMNS} from segments where camera_id = @camera and displaced_at is not null and doomed_at is null
         and start_at < @to and end_at > @from and (start_at, id) > (@afterAt, @afterId) order by start_at, id limit @limit`,
      ),
      displacedTotals: db.prepare<[], DisplacedTotals>(
        `select folder, count(*) as segments, sum(bytes) as bytes from segments indexed by segments_displaced
         where displaced_at is not null and doomed_at is null group by folder`,
      ),
      beginsIn: db.prepare<object, Row>(
        `select ${COLUMNS} from segments where camera_id = @camera and ${LISTED} and start_at >= @from and start_at < @to`,
      ),
      before: db.prepare<object, Row>(
        `select ${COLUMNS} from segments where camera_id = @camera and ${LISTED} and start_at < @from
         order by start_at desc limit 1`,
      ),
      displace: db.prepare('update segments set displaced_at = @at where id = @id'),
      clip: db.prepare('update segments set end_at = @endAt, end_reason = @endReason where id = @id'),
      place: db.prepare('update segments set displaced_at = null where id = @id'),
      doom: db.prepare('update segments set doomed_at = @now where id = @id and doomed_at is null'),
      doomed: db.prepare<[], Row>(`select ${COLUMNS} from segments where doomed_at is not null order by doomed_at`),
      forget: db.prepare('delete from segments where id = ?'),
      protect: db.prepare('update segments set protected = @protected where id = @id and doomed_at is null'),
      resize: db.prepare('update segments set bytes = @bytes where id = @id'),
      longest: db.prepare<[], { longest: number | null }>('select max(end_at - start_at) as longest from segments'),
      oldest: db.prepare<object, Row>(
        `select ${COLUMNS} from segments where folder = @folder and doomed_at is null and protected = 0
         order by start_at limit @limit`,
      ),
      oldestOfAll: db.prepare<[number], Row>(
        `select ${COLUMNS} from segments indexed by segments_by_age where doomed_at is null and protected = 0
         order by start_at limit ?`,
      ),
      lastEnd: db.prepare<[string], { end_at: number }>(
        `select end_at from segments where camera_id = ? and ${LISTED} order by start_at desc limit 1`,
      ),
      firstStart: db.prepare<[string], { start_at: number }>(
        'select start_at from segments where folder = ? and doomed_at is null order by start_at limit 1',
      ),
      days: db.prepare<object, { day: number; segments: number; bytes: number; recorded_ms: number }>(
        'select day, segments, bytes, recorded_ms from segment_days where folder = @folder and day >= @from and day <= @to order by day',
      ),
      totals: db.prepare<
        [],
        { folder: string; segments: number; bytes: number; oldest_day: number; days: number; recorded_ms: number }
      >(
        `select folder, sum(segments) as segments, sum(bytes) as bytes, min(day) as oldest_day, count(*) as days,
         sum(recorded_ms) as recorded_ms from segment_days group by folder`,
      ),
      order: db.prepare<[string], { action: 'start' | 'stop' }>(
        'select action from recording_orders where camera_id = ?',
      ),
      setOrder: db.prepare(
        'insert into recording_orders (camera_id, action) values (?, ?) on conflict (camera_id) do update set action = excluded.action',
      ),
      clearOrder: db.prepare('delete from recording_orders where camera_id = ?'),
    };
    this.#longestMs = this.#statements.longest.get()?.longest ?? 0;
  }

  /**
   * Adds a closed segment: its file is complete, synced and under its final name. It takes its time on the timeline, see
   * {@link makeRoom}. @returns what it displaced
   */
  add(segment: Segment): Segment[] {
    try {
      return this.#insert(segment);
    } catch (cause) {
      throw this.#owed.keep(segment, cause);
    }
  }

  /** Adds what the database's disk did not take before. @returns what has its row now @throws NvrError while it still does not */
  settle(): Segment[] {
    return this.#owed.settle((segment) => {
      if (!this.byPath(segment.path)) this.#insert(segment);
    });
  }

  #insert(segment: Segment): Segment[] {
    const { displaced: _, hasMotion, protected: kept, ...row } = segment;
    const { camera, startAt, endAt } = segment;
    const displaced = this.transaction(() => {
      const found = camera === null ? [] : this.makeRoom(camera, startAt, endAt);
      this.#statements.add.run({ ...row, hasMotion: Number(hasMotion), protected: Number(kept) });
      return found;
    });
    this.#longestMs = Math.max(this.#longestMs, endAt - startAt);
    return displaced;
  }

  /**
   * Frees a span of a camera's timeline for what was recorded later: the clock was set back, and its time came again. What
   * begins before the span is clipped to its begin, what begins in it is displaced: it stays a row and a file, on no
   * timeline. @returns what was displaced
   */
  makeRoom(camera: string, from: number, to: number): Segment[] {
    const { before, beginsIn, displace, clip, place } = this.#statements;
    const reaches = before.get({ camera, from });
    const clipped = reaches && reaches.end_at > from ? reaches : null;
    const displaced = beginsIn.all({ camera, from, to });
    if (!clipped && displaced.length === 0) return [];
    this.transaction(() => {
      for (const { id } of displaced) displace.run({ id, at: from });
      if (!clipped) return;
      const { id, end_at, end_reason } = clipped;
      const endReason = end_at - from > CLIP_IS_STEP_MS ? 'clockStep' : end_reason;
      // The triggers that keep sums and runs know rows that go and rows that come.
      displace.run({ id, at: from });
      clip.run({ id, endAt: from, endReason });
      place.run({ id });
    });
    return displaced.map(fromRow);
  }

  /** Recordings of a camera that have no place on its timeline, by the time that their clock showed. */
  displaced(camera: string, from: number, to: number, limit: number, after?: SegmentCursor): Segment[] {
    const { startAt = Number.MIN_SAFE_INTEGER, id = '' } = after ?? {};
    return this.#statements.displacedOf.all({ camera, from, to, limit, afterAt: startAt, afterId: id }).map(fromRow);
  }

  /** Sums of what has no place on a timeline, per folder; folders without are left out. */
  displacedTotals(): DisplacedTotals[] {
    return this.#statements.displacedTotals.all();
  }

  /** A listed segment, or `null`. */
  get(id: string): Segment | null {
    const row = this.#statements.get.get(id);
    return row ? fromRow(row) : null;
  }

  /** The row of a file, doomed ones too. */
  byPath(path: string): Segment | null {
    const row = this.#statements.byPath.get(path);
    return row ? fromRow(row) : null;
  }

  /** One page of the segments that overlap a span. */
  find(query: SegmentQuery): Segment[] {
    const ascending = query.order === 'asc';
    const after = query.after ?? { startAt: ascending ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER, id: '' };
    const statement = ascending ? this.#statements.ascending : this.#statements.descending;
    return statement
      .all({ ...this.#span(query), afterAt: after.startAt, afterId: after.id, limit: query.limit })
      .map(fromRow);
  }

  /** All spans that overlap `[from, to)`, by time; from the index alone. */
  spans(camera: string, from: number, to: number): SegmentSpan[] {
    return this.#statements.spans.all(this.#span({ camera, from, to })).map((row) => ({
      startAt: row.start_at,
      endAt: row.end_at,
      endReason: row.end_reason as EndReason,
      hasMotion: row.has_motion === 1,
    }));
  }

  /** All rows in the order of their paths, a page at a time; for comparing with the disk. */
  *rows(pageSize = 1000): Generator<Segment & { readonly doomed: boolean }> {
    for (let after = ''; ; ) {
      const page = this.#statements.paths.all({ after, limit: pageSize });
      for (const row of page) yield { ...fromRow(row), doomed: row.doomed_at !== null };
      const last = page.at(-1);
      if (!last) return;
      after = last.path;
    }
  }

  /** First phase of deletion: the segment is not listed any more. @returns whether it was listed until now */
  doom(id: string, now: number): boolean {
    return this.#statements.doom.run({ id, now }).changes > 0;
  }

  /** Segments whose deletion was begun. */
  doomed(): Segment[] {
    return this.#statements.doomed.all().map(fromRow);
  }

  /** Last phase of deletion: the row goes. It is doomed first if it was not, for the sums and spans that triggers keep. */
  forget(id: string): void {
    this.transaction(() => {
      this.#statements.doom.run({ id, now: 0 });
      this.#statements.forget.run(id);
    });
  }

  /** @returns whether there is such a segment */
  setProtected(id: string, on: boolean): boolean {
    return this.#statements.protect.run({ id, protected: Number(on) }).changes > 0;
  }

  /** Corrects a size that fsck found to be wrong. */
  resize(id: string, bytes: number): void {
    this.#statements.resize.run({ id, bytes });
  }

  /** The oldest segments of a folder that may be deleted. */
  oldest(folder: string, limit: number): Segment[] {
    return this.#statements.oldest.all({ folder, limit }).map(fromRow);
  }

  /** The oldest segments of all folders that may be deleted. */
  oldestOfAll(limit: number): Segment[] {
    return this.#statements.oldestOfAll.all(limit).map(fromRow);
  }

  /** Where the newest segment of a camera ends, or `null`. */
  lastEnd(camera: string): number | null {
    return this.#statements.lastEnd.get(camera)?.end_at ?? null;
  }

  /** When the oldest segment of a folder begins, or `null`. */
  firstStart(folder: string): number | null {
    return this.#statements.firstStart.get(folder)?.start_at ?? null;
  }

  /** Sums per UTC day, days since the epoch, both ends included. */
  days(folder: string, from: number, to: number): FolderDay[] {
    return this.#statements.days
      .all({ folder, from, to })
      .map(({ day, segments, bytes, recorded_ms }) => ({ day, segments, bytes, recordedMs: recorded_ms }));
  }

  /** Sums per folder. */
  totals(): FolderTotals[] {
    return this.#statements.totals.all().map((row) => ({
      folder: row.folder,
      segments: row.segments,
      bytes: row.bytes,
      oldestDay: row.oldest_day,
      days: row.days,
      recordedMs: row.recorded_ms,
    }));
  }

  /** The manual order of a camera; `auto` when there is none. */
  order(camera: string): 'start' | 'stop' | 'auto' {
    return this.#statements.order.get(camera)?.action ?? 'auto';
  }

  setOrder(camera: string, order: 'start' | 'stop' | 'auto'): void {
    if (order === 'auto') this.#statements.clearOrder.run(camera);
    else this.#statements.setOrder.run(camera, order);
  }

  /** Runs several changes as one. */
  transaction<T>(work: () => T): T {
    return this.#db.transaction(work)();
  }

  #span({ camera, from, to }: { camera: string; from: number; to: number }) {
    return { camera, from, to, earliest: from - this.#longestMs };
  }
}
