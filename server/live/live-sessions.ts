// All live sockets: a bound on their number, and the one timer that pings them.

import type { Timer } from '../core/clock.ts';
import type { LiveFeeds } from './live-feeds.ts';
import { CLOSE } from './live-message.ts';
import type { LiveSession } from './live-session.ts';

/** Open live sockets. */
export const MAX_SESSIONS = 500;
const CHECK_EVERY_MS = 2000;

/** Keeps the sessions of one process. */
export class LiveSessions {
  readonly #feeds: LiveFeeds;
  readonly #sessions = new Set<LiveSession>();
  #timer: Timer | null = null;
  #closed = false;

  constructor(feeds: LiveFeeds) {
    this.#feeds = feeds;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Takes a new session in, or ends it when there are too many. */
  add(session: LiveSession): void {
    if (this.#closed) session.end(CLOSE.stopping, 'Perch is stopping');
    else if (this.#sessions.size >= MAX_SESSIONS) session.end(CLOSE.flood, 'Too many live sockets');
    else {
      this.#sessions.add(session);
      this.#timer ??= this.#feeds.clock.after(CHECK_EVERY_MS, () => this.#check());
    }
  }

  /** The session's socket has closed. */
  remove(session: LiveSession): void {
    session.gone();
    if (!this.#sessions.delete(session) || this.#sessions.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Perch stops. */
  close(): void {
    this.#closed = true;
    for (const session of [...this.#sessions]) session.end(CLOSE.stopping, 'Perch is stopping');
  }

  #check(): void {
    const nowMs = this.#feeds.clock.monoMs();
    for (const session of [...this.#sessions]) session.check(nowMs);
    this.#timer = this.#sessions.size > 0 ? this.#feeds.clock.after(CHECK_EVERY_MS, () => this.#check()) : null;
  }
}
