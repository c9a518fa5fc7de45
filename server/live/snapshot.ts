// One picture per request, from memory. A caller that polls is held for a moment until there is a newer picture, so
// that a loop of requests runs at the camera's rate and not at the processor's.

import type { Clock } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import type { CardCache } from './card-cache.ts';
import type { LiveCamera } from './live-camera.ts';
import { plainCard } from './plain-card.ts';
import { shrink } from './resize.ts';

/** How long a caller that has the newest picture waits for a newer one. */
export const NEWER_WAIT_MS = 1000;
/** Callers remembered; the oldest are forgotten first. */
const MAX_CALLERS = 2000;
/** A card must not keep the caller waiting. */
const CARD_WAIT_MS = 600;
const DEFAULT_RETRY_SECONDS = 2;
const MAX_RETRY_SECONDS = 30;
const SECOND_MS = 1000;

/** What a request says. */
export type SnapshotRequest = {
  /** Who asks, for the wait; the same text for the same caller. */
  readonly caller: string;
  readonly width: number | null;
  /** Oldest picture that will do; `null` for any. */
  readonly maxAgeMs: number | null;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
  /** HEAD asks for the headers at once: nothing is awaited, painted, shrunk or remembered. */
  readonly wait: boolean;
};

/** What it gets. `stale` carries a card, never an old picture. */
export type SnapshotAnswer =
  | {
      readonly kind: 'picture' | 'unchanged';
      readonly frame: VideoFrame;
      readonly etag: string;
      readonly lastModified: string;
    }
  | { readonly kind: 'stale'; readonly card: Uint8Array; readonly retryAfterSeconds: number };

/** Serves snapshots of all cameras. */
export class Snapshots {
  readonly #clock: Clock;
  readonly #cards: CardCache;
  /** Newest sequence number given to each caller, by camera. */
  readonly #given = new Map<string, number>();

  constructor(clock: Clock, cards: CardCache) {
    this.#clock = clock;
    this.#cards = cards;
  }

  /** Answers one request; waits up to {@link NEWER_WAIT_MS} for a newer picture when the caller has the newest. */
  async answer(camera: LiveCamera, request: SnapshotRequest, signal: AbortSignal): Promise<SnapshotAnswer> {
    const key = `${camera.id} ${request.width ?? ''} ${request.caller}`;
    if (!this.current(camera, request.maxAgeMs)) return this.#stale(camera, request);
    const had = this.#given.get(key);
    const newest = camera.hub.newestVideo;
    const has = had === newest?.seq || etagMatches(request.ifNoneMatch, etagOf(camera, newest!, request.width));
    if (has && request.wait) await this.#newer(camera, signal);
    const entry = this.current(camera, request.maxAgeMs);
    if (!entry) return this.#stale(camera, request);
    const etag = etagOf(camera, entry, request.width);
    const lastModified = new Date(entry.frame.at).toUTCString();
    const unchanged =
      request.ifNoneMatch === undefined
        ? had === entry.seq && notNewer(entry.frame.at, request.ifModifiedSince)
        : etagMatches(request.ifNoneMatch, etag);
    if (request.wait) this.#remember(key, entry.seq);
    if (unchanged) return { kind: 'unchanged', frame: entry.frame, etag, lastModified };
    const frame = request.width === null || !request.wait ? entry.frame : await shrink(entry.frame, request.width);
    return { kind: 'picture', frame, etag, lastModified };
  }

  /** The newest picture when it is fresh enough, with its place in the hub. */
  current(camera: LiveCamera, maxAgeMs: number | null): { readonly frame: VideoFrame; readonly seq: number } | null {
    const newest = camera.hub.newestVideo;
    if (newest?.frame.codec !== 'mjpeg') return null;
    const ageMs = this.#clock.monoMs() - newest.frame.monoMs;
    return maxAgeMs === null || ageMs <= maxAgeMs ? newest : null;
  }

  /** Seconds after which asking again makes sense. */
  retryAfterSeconds(camera: LiveCamera): number {
    const { nextAttemptAt } = camera.status();
    if (nextAttemptAt === null) return DEFAULT_RETRY_SECONDS;
    const seconds = Math.ceil((nextAttemptAt - this.#clock.wallMs()) / SECOND_MS);
    return Math.max(DEFAULT_RETRY_SECONDS, Math.min(MAX_RETRY_SECONDS, seconds));
  }

  async #newer(camera: LiveCamera, signal: AbortSignal): Promise<void> {
    using reader = camera.hub.open({ kinds: 'video', policy: 'newest', start: 'live' });
    const limit = new AbortController();
    const timer = this.#clock.after(NEWER_WAIT_MS, () => limit.abort());
    await reader.wait(AbortSignal.any([signal, limit.signal]));
    timer.cancel();
  }

  async #stale(camera: LiveCamera, { width, wait }: SnapshotRequest): Promise<SnapshotAnswer> {
    if (!wait) return { kind: 'stale', card: plainCard, retryAfterSeconds: this.retryAfterSeconds(camera) };
    const card = this.#cards.get(camera, width).painting.then((part) => part.data);
    const limit = new AbortController();
    const late = this.#clock.sleep(CARD_WAIT_MS, limit.signal).then(
      () => plainCard,
      () => plainCard,
    );
    const painted = await Promise.race([card, late]);
    limit.abort();
    return { kind: 'stale', card: painted, retryAfterSeconds: this.retryAfterSeconds(camera) };
  }

  #remember(key: string, seq: number): void {
    this.#given.delete(key);
    this.#given.set(key, seq);
    if (this.#given.size <= MAX_CALLERS) return;
    const oldest = this.#given.keys().next().value;
    if (oldest !== undefined) this.#given.delete(oldest);
  }
}

/** Unique over restarts: the time is part of it. */
function etagOf(camera: LiveCamera, { frame, seq }: { frame: VideoFrame; seq: number }, width: number | null): string {
  return `"${camera.id}-${Math.floor(frame.at).toString(36)}-${seq.toString(36)}${width === null ? '' : `-${width}`}"`;
}

function etagMatches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}

/** HTTP dates have whole seconds: this alone cannot tell two pictures of one second apart. */
function notNewer(atMs: number, ifModifiedSince: string | undefined): boolean {
  if (ifModifiedSince === undefined) return false;
  const since = Date.parse(ifModifiedSince);
  return Number.isFinite(since) && Math.floor(atMs / SECOND_MS) * SECOND_MS <= since;
}
