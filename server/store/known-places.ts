// The table of addresses and devices from which people signed in.

import type { Db } from './database.ts';

/** An address, or a browser by the hash of its device cookie. */
export type Place = { readonly kind: 'address' | 'device'; readonly place: string };

/** Places kept for each user and kind; the ones used longest ago go first. */
const MAX_PLACES = 50;

/** Rows of `known_places`. A user's rows go with the user. */
export class KnownPlaceTable {
  readonly #db: Db;
  readonly #statements;

  constructor(db: Db) {
    this.#db = db;
    this.#statements = {
      usedAt: db
        .prepare<[string, string, string], number>(
          'select used_at from known_places where user_id = ? and kind = ? and place = ?',
        )
        .pluck(),
      anybody: db
        .prepare<[string, string, number], number>(
          'select 1 from known_places where kind = ? and place = ? and used_at >= ? limit 1',
        )
        .pluck(),
      put: db.prepare(
        `insert into known_places (user_id, kind, place, used_at) values (@userId, @kind, @place, @usedAt)
         on conflict (user_id, kind, place) do update set used_at = excluded.used_at`,
      ),
      trim: db.prepare(
        `delete from known_places where user_id = @userId and kind = @kind and place not in
         (select place from known_places where user_id = @userId and kind = @kind order by used_at desc limit ${MAX_PLACES})`,
      ),
      removeOld: db.prepare('delete from known_places where used_at < ?'),
    };
  }

  /** When the user last signed in there (epoch milliseconds), or `null`. */
  usedAt(userId: string, { kind, place }: Place): number | null {
    return this.#statements.usedAt.get(userId, kind, place) ?? null;
  }

  /** Whether anybody signed in there since then. */
  isKnown({ kind, place }: Place, since: number): boolean {
    return this.#statements.anybody.get(kind, place, since) !== undefined;
  }

  /** Notes a sign-in and forgets what is older than `oldest`. */
  put(userId: string, { kind, place }: Place, usedAt: number, oldest: number): void {
    this.#db.transaction(() => {
      this.#statements.put.run({ userId, kind, place, usedAt });
      this.#statements.trim.run({ userId, kind });
      this.#statements.removeOld.run(oldest);
    })();
  }
}
