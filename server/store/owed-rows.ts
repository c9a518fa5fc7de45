// Rows of recordings that are on disk while the database's own disk takes nothing: kept in memory and tried again.

import type { NvrError } from '../core/nvr-error.ts';
import { databaseError, isDiskTrouble } from './database-error.ts';
import type { Segment } from './segment-index.ts';

/** See the head of this file. What is lost with the process, the next start finds on the disk. */
export class OwedRows {
  readonly #rows = new Map<string, Segment>();

  /** Keeps a row that could not be added, when it may be added later. @returns the error to throw */
  keep(segment: Segment, cause: unknown): NvrError {
    const error = databaseError(cause);
    if (isDiskTrouble(error)) this.#rows.set(segment.path, segment);
    return error;
  }

  /**
   * Tries them again. @returns what has its row now
   * @throws NvrError `exhausted`, `unavailable` while the disk takes nothing; the rest stays owed
   */
  settle(insert: (segment: Segment) => void): Segment[] {
    const settled: Segment[] = [];
    for (const [path, segment] of this.#rows) {
      try {
        insert(segment);
        settled.push(segment);
      } catch (cause) {
        const error = databaseError(cause);
        if (isDiskTrouble(error)) throw error;
        // What the database will not have at any time: the next start looks at the file itself.
      }
      this.#rows.delete(path);
    }
    return settled;
  }
}
