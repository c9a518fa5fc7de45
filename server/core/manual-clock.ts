// A clock for tests: time moves only when told to, timers fire in order, and pending promises run in between.

import { type Clock, sleepOn, type Timer } from './clock.ts';

type Pending = { readonly dueMs: number; readonly order: number; readonly fn: () => void };

/** A {@link Clock} that stands still until {@link ManualClock.advance}. */
export class ManualClock implements Clock {
  #monoMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #pending = new Set<Pending>();
  readonly #otherWork: (() => Promise<unknown> | null) | null;

  /**
   * @param wallMs the wall time at monotonic zero
   * @param otherWork what promises wait for outside this clock and the event loop's next turns (key derivation in the thread
   *   pool), or `null` when there is nothing: time stands still meanwhile, or else it would run ahead of the machine
   */
  constructor(wallMs = Date.UTC(2026, 0, 1), otherWork: (() => Promise<unknown> | null) | null = null) {
    this.#wallOffsetMs = wallMs;
    this.#otherWork = otherWork;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#monoMs;
  }

  monoMs(): number {
    return this.#monoMs;
  }

  /** How many timers wait: a leak check. */
  get timers(): number {
    return this.#pending.size;
  }

  after(delayMs: number, fn: () => void): Timer {
    const entry: Pending = { dueMs: this.#monoMs + Math.max(0, delayMs), order: this.#order++, fn };
    this.#pending.add(entry);
    return { cancel: () => void this.#pending.delete(entry) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** The wall clock jumps (NTP, the user); the monotonic one does not. */
  stepWall(deltaMs: number): void {
    this.#wallOffsetMs += deltaMs;
  }

  /** Moves time forward, firing due timers in order and letting promises settle after each. */
  async advance(deltaMs: number): Promise<void> {
    const target = this.#monoMs + deltaMs;
    await this.#settle();
    for (;;) {
      const next = this.#earliest(target);
      if (!next) break;
      this.#pending.delete(next);
      this.#monoMs = Math.max(this.#monoMs, next.dueMs);
      next.fn();
      await this.#settle();
    }
    this.#monoMs = target;
  }

  async #settle(): Promise<void> {
    await settle();
    for (let work = this.#otherWork?.(); work; work = this.#otherWork?.()) {
      await work;
      await settle();
    }
  }

  #earliest(untilMs: number): Pending | undefined {
    let best: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.dueMs > untilMs) continue;
      if (!best || entry.dueMs < best.dueMs || (entry.dueMs === best.dueMs && entry.order < best.order)) best = entry;
    }
    return best;
  }
}

/** Lets every promise that can settle now do so (a turn of the event loop, not a delay). */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
