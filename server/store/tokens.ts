// The table of API tokens.

import type { Db } from './database.ts';

/** What a token may do at most; the user who made it is the other limit. */
export type TokenScope = 'admin' | 'viewer' | 'stream';

/** One API token, without its secret. */
export type Token = {
  readonly id: string;
  readonly hash: string;
  readonly userId: string;
  readonly name: string;
  readonly scope: TokenScope;
  /** Camera ids; `null` means all. */
  readonly cameras: readonly string[] | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly usedAt: number | null;
};

type TokenRow = {
  id: string;
  hash: string;
  user_id: string;
  name: string;
  scope: TokenScope;
  cameras: string | null;
  created_at: number;
  expires_at: number | null;
  used_at: number | null;
};

const fromRow = (row: TokenRow): Token => ({
  id: row.id,
  hash: row.hash,
  userId: row.user_id,
  name: row.name,
  scope: row.scope,
  cameras: row.cameras === null ? null : (JSON.parse(row.cameras) as string[]),
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  usedAt: row.used_at,
});

/** Rows of `tokens`. A user's rows go with the user. */
export class TokenTable {
  readonly #statements;

  constructor(db: Db) {
    this.#statements = {
      all: db.prepare<[], TokenRow>('select * from tokens order by created_at, id'),
      byHash: db.prepare<[string], TokenRow>('select * from tokens where hash = ?'),
      count: db.prepare<[], { count: number }>('select count(*) as count from tokens'),
      insert: db.prepare(
        `insert into tokens (id, hash, user_id, name, scope, cameras, created_at, expires_at, used_at)
         values (@id, @hash, @userId, @name, @scope, @cameras, @createdAt, @expiresAt, @usedAt)`,
      ),
      touch: db.prepare('update tokens set used_at = ? where id = ?'),
      remove: db.prepare('delete from tokens where id = ?'),
    };
  }

  all(): Token[] {
    return this.#statements.all.all().map(fromRow);
  }

  byHash(hash: string): Token | null {
    const row = this.#statements.byHash.get(hash);
    return row ? fromRow(row) : null;
  }

  count(): number {
    return this.#statements.count.get()?.count ?? 0;
  }

  add(token: Token): void {
    this.#statements.insert.run({ ...token, cameras: token.cameras === null ? null : JSON.stringify(token.cameras) });
  }

  touch(id: string, usedAt: number): void {
    this.#statements.touch.run(usedAt, id);
  }

  /** @returns whether it was there */
  remove(id: string): boolean {
    return this.#statements.remove.run(id).changes > 0;
  }
}
