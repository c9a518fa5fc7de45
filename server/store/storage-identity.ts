// Which storage the recordings belong to: an id that is also in a file on that storage. A mount that is missing is then
// not mistaken for an empty one.

import type { Db } from './database.ts';

/** What the database knows of its storage. `separate`: it was another file system than the database's. */
export type StorageIdentity = { readonly id: string; readonly separate: boolean };

const NAME = 'storageIdentity';

/** One row of `settings`. */
export class StorageIdentityTable {
  readonly #read;
  readonly #write;

  constructor(db: Db) {
    this.#read = db.prepare<[string], { value: string }>('select value from settings where name = ?');
    this.#write = db.prepare(
      'insert into settings (name, value) values (?, ?) on conflict (name) do update set value = excluded.value',
    );
  }

  /** `null` on a new installation. */
  load(): StorageIdentity | null {
    const row = this.#read.get(NAME);
    return row ? (JSON.parse(row.value) as StorageIdentity) : null;
  }

  save(identity: StorageIdentity): void {
    this.#write.run(NAME, JSON.stringify(identity));
  }
}
