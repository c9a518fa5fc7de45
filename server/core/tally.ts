// Counts what would otherwise be a log line per packet, and reports it at most once a second.

/** Named counters that only grow. Plain numbers: the metrics route reads them. */
export class Tally<Name extends string> {
  readonly #counts = new Map<Name, number>();
  #reported = new Map<Name, number>();

  add(name: Name, amount = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + amount);
  }

  get(name: Name): number {
    return this.#counts.get(name) ?? 0;
  }

  /** All counters so far. */
  toJSON(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** What grew since the last call, or `null` when nothing did; the caller logs it at its own pace. */
  takeChanges(): Record<string, number> | null {
    const changes: Record<string, number> = {};
    for (const [name, count] of this.#counts) {
      const delta = count - (this.#reported.get(name) ?? 0);
      if (delta > 0) changes[name] = delta;
    }
    this.#reported = new Map(this.#counts);
    return Object.keys(changes).length > 0 ? changes : null;
  }
}
