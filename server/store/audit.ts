// Who did what, when and from where. Names of things only, never values or secrets.

import type { Clock } from '../core/clock.ts';
import type { Db } from './database.ts';

/** One thing that was done, or a sign-in that failed. */
export type AuditEntry = {
  readonly id: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly username: string;
  readonly via: 'session' | 'password' | 'token' | 'none';
  readonly address: string;
  /** `session.created`, `camera.changed`... */
  readonly action: string;
  readonly target: string | null;
  readonly detail: string | null;
};

/** Rows kept; the oldest go first. */
const MAX_ROWS = 50_000;
/** Pruning is done once in so many writes. */
const PRUNE_EVERY = 500;
const MAX_TEXT = 200;

/** Rows of `audit`. Bounded by number. */
export class AuditLog {
  readonly #clock: Clock;
  readonly #statements;
  readonly #maxRows: number;
  #writes = 0;

  constructor(db: Db, clock: Clock, maxRows = MAX_ROWS) {
    this.#maxRows = maxRows;
    this.#clock = clock;
    this.#statements = {
      insert: db.prepare(
        `insert into audit (at, username, via, address, action, target, detail)
         values (@at, @username, @via, @address, @action, @target, @detail)`,
      ),
      list: db.prepare<[number, number], AuditEntry>('select * from audit where id < ? order by id desc limit ?'),
      prune: db.prepare('delete from audit where id <= (select max(id) from audit) - ?'),
    };
  }

  /** Writes one entry; long texts are cut. */
  add(entry: Omit<AuditEntry, 'id' | 'at'>): void {
    const cut = (text: string) => text.slice(0, MAX_TEXT);
    this.#statements.insert.run({
      at: Math.round(this.#clock.wallMs()),
      username: cut(entry.username),
      via: entry.via,
      address: cut(entry.address),
      action: entry.action,
      target: entry.target === null ? null : cut(entry.target),
      detail: entry.detail === null ? null : cut(entry.detail),
    });
    if (++this.#writes % PRUNE_EVERY === 0) this.#statements.prune.run(this.#maxRows);
  }

  /** Newest first, those before `beforeId` only. */
  list(limit: number, beforeId = Number.MAX_SAFE_INTEGER): AuditEntry[] {
    return this.#statements.list.all(beforeId, limit);
  }
}
