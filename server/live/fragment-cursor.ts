// One viewer's place in a camera's fragments: begins at the newest key picture, and goes on there when it is far behind.

import type { Fragment, Fragmenter, InitSegment } from './fragmenter.ts';

/** A viewer that is further behind goes on at the newest key picture. */
const MAX_LAG_MS = 4000;

/** What goes to the viewer next. */
export type FragmentBatch = {
  /** To be sent before: the first one, and whenever the format has changed. */
  readonly init: InitSegment | null;
  readonly fragments: readonly Fragment[];
  /** Fragments that were skipped before these. */
  readonly missed: number;
};

/** See the head of this file. */
export class FragmentCursor {
  readonly #fragmenter: Fragmenter;
  #next: number | null = null;
  #init: InitSegment | null = null;

  constructor(fragmenter: Fragmenter) {
    this.#fragmenter = fragmenter;
  }

  /** All that there is up to `maxBytes` (at least one fragment), of one format; `null` when there is nothing new. */
  take(maxBytes: number): FragmentBatch | null {
    const { lastSeq, newestKey } = this.#fragmenter;
    if (!newestKey || (this.#next !== null && this.#next > lastSeq)) return null;
    let missed = 0;
    const at = this.#next === null ? null : this.#fragmenter.at(this.#next);
    const newest = this.#fragmenter.at(lastSeq);
    const isLate = at !== null && newest !== null && newest.at - at.at > MAX_LAG_MS && newestKey.seq > at.seq;
    if (!at || isLate) {
      missed = this.#next === null ? 0 : Math.max(0, newestKey.seq - this.#next);
      this.#next = newestKey.seq;
    }
    const fragments: Fragment[] = [];
    let bytes = 0;
    for (let seq = this.#next!; seq <= lastSeq; seq++) {
      const fragment = this.#fragmenter.at(seq);
      if (!fragment || (fragments.length > 0 && fragment.init !== fragments[0]!.init)) break;
      if (fragments.length > 0 && bytes + fragment.data.length > maxBytes) break;
      fragments.push(fragment);
      bytes += fragment.data.length;
    }
    const [first] = fragments;
    if (!first) return null;
    this.#next = fragments.at(-1)!.seq + 1;
    const init = first.init === this.#init ? null : first.init;
    this.#init = first.init;
    return { init, fragments, missed };
  }
}

/** The fragments as one piece; a single one is not copied. */
export function joinFragments(fragments: readonly Fragment[]): Buffer {
  return fragments.length === 1 ? fragments[0]!.data : Buffer.concat(fragments.map(({ data }) => data));
}
