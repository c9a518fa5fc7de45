// The table of exports.

import type { Db } from './database.ts';

/** Where an export is; a cancelled one has no row. */
export type ExportState = 'queued' | 'running' | 'done' | 'failed';

/** One export. Times are epoch milliseconds. */
export type ExportRow = {
  readonly id: string;
  readonly camera: string;
  /** Name of the camera when it was asked for. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly state: ExportState;
  /** 0 to 1. */
  readonly progress: number;
  /** Size of the file; until it is done, what was estimated. */
  readonly bytes: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly finishedAt: number | null;
};

type Row = {
  id: string;
  camera_id: string;
  name: string;
  from_at: number;
  to_at: number;
  state: string;
  progress: number;
  bytes: number;
  error_code: string | null;
  error: string | null;
  created_by: string;
  created_at: number;
  finished_at: number | null;
};

const fromRow = (row: Row): ExportRow => ({
  ...{ id: row.id, camera: row.camera_id, name: row.name, from: row.from_at, to: row.to_at },
  ...{ state: row.state as ExportState, progress: row.progress, bytes: row.bytes },
  error: row.error_code === null ? null : { code: row.error_code, message: row.error ?? '' },
  ...{ createdBy: row.created_by, createdAt: row.created_at, finishedAt: row.finished_at },
});

/** Rows of `exports`. */
export class ExportTable {
  readonly #statements;

  constructor(db: Db) {
    this.#statements = {
      add: db.prepare(
        `insert into exports (id, camera_id, name, from_at, to_at, state, progress, bytes, created_by, created_at)
         values (@id, @camera, @name, @from, @to, @state, @progress, @bytes, @createdBy, @createdAt)`,
      ),
      get: db.prepare<[string], Row>('select * from exports where id = ?'),
      all: db.prepare<[], Row>('select * from exports order by created_at, id'),
      update: db.prepare(
        `update exports set state = @state, progress = @progress, bytes = @bytes, error_code = @code, error = @message,
         finished_at = @finishedAt where id = @id`,
      ),
      remove: db.prepare('delete from exports where id = ?'),
    };
  }

  add(row: ExportRow): void {
    const { error: _error, finishedAt: _finishedAt, ...values } = row;
    this.#statements.add.run(values);
  }

  get(id: string): ExportRow | null {
    const row = this.#statements.get.get(id);
    return row ? fromRow(row) : null;
  }

  /** Oldest first. */
  all(): ExportRow[] {
    return this.#statements.all.all().map(fromRow);
  }

  /** Changes what may change; an export that is gone stays gone. */
  update(id: string, change: Partial<Pick<ExportRow, 'state' | 'progress' | 'bytes' | 'error' | 'finishedAt'>>): void {
    const row = this.get(id);
    if (!row) return;
    const { state, progress, bytes, error, finishedAt } = { ...row, ...change };
    const { code = null, message = null } = error ?? {};
    this.#statements.update.run({ id, state, progress, bytes, code, message, finishedAt });
  }

  remove(id: string): void {
    this.#statements.remove.run(id);
  }
}
