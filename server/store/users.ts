// The table of people.

import { NvrError } from '../core/nvr-error.ts';
import type { Db } from './database.ts';

/** What a person may do. */
export type Role = 'admin' | 'viewer';

/** One person. */
export type User = {
  readonly id: string;
  readonly username: string;
  readonly passwordHash: string;
  readonly role: Role;
  /** Camera ids; `null` means all. */
  readonly cameras: readonly string[] | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly changedAt: number;
};

type UserRow = {
  id: string;
  username: string;
  password_hash: string;
  role: Role;
  cameras: string | null;
  created_at: number;
  changed_at: number;
};

const fromRow = (row: UserRow): User => ({
  id: row.id,
  username: row.username,
  passwordHash: row.password_hash,
  role: row.role,
  cameras: row.cameras === null ? null : (JSON.parse(row.cameras) as string[]),
  createdAt: row.created_at,
  changedAt: row.changed_at,
});

const toRow = (user: User): UserRow => ({
  id: user.id,
  username: user.username,
  password_hash: user.passwordHash,
  role: user.role,
  cameras: user.cameras === null ? null : JSON.stringify(user.cameras),
  created_at: user.createdAt,
  changed_at: user.changedAt,
});

const columns = '@id, @username, @password_hash, @role, @cameras, @created_at, @changed_at';

/** Rows of `users`. There is always an administrator once there was one: the table itself sees to it. */
export class UserTable {
  readonly #db: Db;
  readonly #statements;

  constructor(db: Db) {
    this.#db = db;
    this.#statements = {
      all: db.prepare<[], UserRow>('select * from users order by username'),
      get: db.prepare<[string], UserRow>('select * from users where id = ?'),
      byName: db.prepare<[string], UserRow>('select * from users where username = ?'),
      any: db.prepare<[], { found: number }>('select exists (select 1 from users) as found'),
      insert: db.prepare<[UserRow]>(`insert into users values (${columns})`),
      insertFirst: db.prepare<[UserRow]>(`insert into users select ${columns} where not exists (select 1 from users)`),
      update: db.prepare<[UserRow]>(
        `update users set username = @username, password_hash = @password_hash, role = @role, cameras = @cameras,
         changed_at = @changed_at, created_at = @created_at where id = @id`,
      ),
      remove: db.prepare<[string]>('delete from users where id = ?'),
      admins: db.prepare<[], { count: number }>(`select count(*) as count from users where role = 'admin'`),
    };
  }

  all(): User[] {
    return this.#statements.all.all().map(fromRow);
  }

  get(id: string): User | null {
    const row = this.#statements.get.get(id);
    return row ? fromRow(row) : null;
  }

  /** By name, without regard to ASCII case. */
  byName(username: string): User | null {
    const row = this.#statements.byName.get(username);
    return row ? fromRow(row) : null;
  }

  /** Whether anybody can sign in yet. */
  any(): boolean {
    return this.#statements.any.get()?.found === 1;
  }

  /** @throws NvrError `conflict` when the name is taken */
  add(user: User): void {
    this.#guard(() => this.#statements.insert.run(toRow(user)));
  }

  /** Adds the first user of all. @returns false when there already is one: exactly one caller ever gets true */
  addFirst(user: User): boolean {
    return this.#guard(() => this.#statements.insertFirst.run(toRow(user)).changes === 1);
  }

  /** @throws NvrError `conflict` when the name is taken or no administrator would be left, `not_found` */
  change(user: User): void {
    this.#guard(() =>
      this.#db.transaction(() => {
        if (this.#statements.update.run(toRow(user)).changes === 0)
          throw new NvrError('not_found', 'There is no such user');
        this.#keepAdmin();
      })(),
    );
  }

  /** Removes a user with all sessions and tokens. @throws NvrError `conflict` for the last administrator, `not_found` */
  remove(id: string): void {
    this.#db.transaction(() => {
      if (this.#statements.remove.run(id).changes === 0) throw new NvrError('not_found', 'There is no such user');
      this.#keepAdmin();
    })();
  }

  #keepAdmin(): void {
    if (this.#statements.admins.get()?.count === 0) {
      throw new NvrError('conflict', 'This is the last administrator; make another one first');
    }
  }

  #guard<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if ((error as { code?: unknown }).code === 'SQLITE_CONSTRAINT_UNIQUE') {
        throw new NvrError('conflict', 'username is taken', { cause: error });
      }
      throw error;
    }
  }
}
