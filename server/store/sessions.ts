// The table of signed-in browsers.

import type { Db } from './database.ts';

/** One signed-in browser. `id` is the hash of its cookie. */
export type Session = {
  readonly id: string;
  readonly userId: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly usedAt: number;
  readonly address: string;
};

type SessionRow = { id: string; user_id: string; created_at: number; used_at: number; address: string };

/** Rows of `sessions`. A user's rows go with the user. */
export class SessionTable {
  readonly #db: Db;
  readonly #statements;

  constructor(db: Db) {
    this.#db = db;
    this.#statements = {
      get: db.prepare<[string], SessionRow>('select * from sessions where id = ?'),
      insert: db.prepare('insert into sessions (id, user_id, created_at, used_at, address) values (?, ?, ?, ?, ?)'),
      touch: db.prepare('update sessions set used_at = ? where id = ?'),
      remove: db.prepare('delete from sessions where id = ?'),
      removeOf: db.prepare('delete from sessions where user_id = ?'),
      removeOld: db.prepare('delete from sessions where created_at < ? or used_at < ?'),
      trim: db.prepare<[{ userId: string; keep: number }], { id: string }>(
        `delete from sessions where user_id = @userId and id not in
         (select id from sessions where user_id = @userId order by used_at desc, created_at desc, rowid desc limit @keep)
         returning id`,
      ),
    };
  }

  get(id: string): Session | null {
    const row = this.#statements.get.get(id);
    if (!row) return null;
    return { id: row.id, userId: row.user_id, createdAt: row.created_at, usedAt: row.used_at, address: row.address };
  }

  /** Adds a session and drops the user's least recently used ones beyond `keep`. @returns the ids that were dropped */
  add(session: Session, keep: number): string[] {
    return this.#db.transaction(() => {
      this.#statements.insert.run(session.id, session.userId, session.createdAt, session.usedAt, session.address);
      return this.#statements.trim.all({ userId: session.userId, keep }).map((row) => row.id);
    })();
  }

  touch(id: string, usedAt: number): void {
    this.#statements.touch.run(usedAt, id);
  }

  /** @returns whether it was there */
  remove(id: string): boolean {
    return this.#statements.remove.run(id).changes > 0;
  }

  removeOf(userId: string): void {
    this.#statements.removeOf.run(userId);
  }

  /** Forgets sessions made or last used before these times. */
  removeOld(createdBefore: number, usedBefore: number): number {
    return this.#statements.removeOld.run(createdBefore, usedBefore).changes;
  }
}
