// Which packets of one source have been there before (RFC 3711 section 3.3.2): a copy of an old one proves nothing. werift
// does not look. Pure.

/** What comes later than so many others is taken for a copy. */
const WINDOW = 64;

/** See the head of this file. */
export class ReplayWindow {
  #newest = -1;
  readonly #seen = new Set<number>();

  /** Whether this number comes for the first time; from now on it has been there. */
  take(index: number): boolean {
    if (index <= this.#newest - WINDOW || this.#seen.has(index)) return false;
    this.#seen.add(index);
    this.#newest = Math.max(this.#newest, index);
    if (this.#seen.size > 2 * WINDOW) {
      for (const old of this.#seen) if (old <= this.#newest - WINDOW) this.#seen.delete(old);
    }
    return true;
  }
}
