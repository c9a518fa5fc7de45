// One picture per request, from memory. A caller that polls is held for a moment until there is a newer picture, so
// that a loop of requests runs at the camera's rate and not at the processor's.

import type { Clock } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import type { CardCache } from './card-cache.ts';
import type { JpegViews } from './jpeg-view.ts';
import type { LiveCamera } from './live-camera.ts';
import { plainCard } from './plain-card.ts';
import { shrink } from './resize.ts';
import { stillFrame, stillOf } from './still.ts';

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
  readonly #views: JpegViews;
  /** Number of the newest picture given to each caller, by camera. */
  readonly #given = new Map<string, number>();

  constructor(clock: Clock, cards: CardCache, views: JpegViews) {
    this.#clock = clock;
    this.#views = views;
    this.#cards = cards;
  }

  /** Answers one request; waits up to {@link NEWER_WAIT_MS} for a newer picture when the caller has the newest. */
  async answer(camera: LiveCamera, request: SnapshotRequest, signal: AbortSignal): Promise<SnapshotAnswer> {
    const key = `${camera.id} ${request.width ?? ''} ${request.caller}`;
    const had = this.#given.get(key);
    const newest = this.#current(camera, request.maxAgeMs);
    if (!newest) return this.#stale(camera, request);
    const has = had === numberOf(newest) || etagMatches(request.ifNoneMatch, etagOf(camera, newest, request.width));
    if (has && request.wait) await this.#newer(camera, newest, signal);
    const source = this.#current(camera, request.maxAgeMs);
    if (!source) return this.#stale(camera, request);
    const etag = etagOf(camera, source, request.width);
    const lastModified = new Date(source.at).toUTCString();
    const unchanged =
      request.ifNoneMatch === undefined
        ? had === numberOf(source) && notNewer(source.at, request.ifModifiedSince)
        : etagMatches(request.ifNoneMatch, etag);
    if (unchanged || !request.wait)
      return { kind: unchanged ? 'unchanged' : 'picture', frame: source, etag, lastModified };
    let frame: VideoFrame;
    try {
      frame = await stillOf(camera.hub, source);
    } catch {
      return this.#stale(camera, request);
    }
    this.#remember(key, numberOf(source));
    if (request.width !== null) frame = await shrink(frame, request.width);
    return { kind: 'picture', frame, etag, lastModified };
  }

  /** What the picture is made of, when it is fresh enough: a JPEG, or a coded picture that is decoded when asked for. */
  #current(camera: LiveCamera, maxAgeMs: number | null): VideoFrame | null {
    const nowMs = this.#clock.monoMs();
    const viewed = this.#views.running(camera)?.hub.newestVideo?.frame;
    const frame = stillFrame(camera.hub, nowMs, maxAgeMs);
    // While somebody looks there are pictures already, and newer ones than the key picture.
    return viewed && frame && viewed.monoMs >= frame.monoMs ? viewed : frame;
  }

  /** Seconds after which asking again makes sense. */
  retryAfterSeconds(camera: LiveCamera): number {
    const { nextAttemptAt } = camera.status();
    if (nextAttemptAt === null) return DEFAULT_RETRY_SECONDS;
    const seconds = Math.ceil((nextAttemptAt - this.#clock.wallMs()) / SECOND_MS);
    return Math.max(DEFAULT_RETRY_SECONDS, Math.min(MAX_RETRY_SECONDS, seconds));
  }

  async #newer(camera: LiveCamera, than: VideoFrame, signal: AbortSignal): Promise<void> {
    const hub = this.#views.running(camera)?.hub ?? camera.hub;
    using reader = hub.open({ kinds: 'video', policy: 'every', start: 'live' });
    const limit = new AbortController();
    const timer = this.#clock.after(NEWER_WAIT_MS, () => limit.abort());
    const until = AbortSignal.any([signal, limit.signal]);
    while (!until.aborted && this.#current(camera, null) === than) {
      while (reader.poll()) {}
      await reader.wait(until);
    }
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

  #remember(key: string, number: number): void {
    this.#given.delete(key);
    this.#given.set(key, number);
    if (this.#given.size <= MAX_CALLERS) return;
    const oldest = this.#given.keys().next().value;
    if (oldest !== undefined) this.#given.delete(oldest);
  }
}

const numbers = new WeakMap<VideoFrame, number>();
let lastNumber = 0;

/** Tells pictures apart, whatever their times. */
function numberOf(frame: VideoFrame): number {
  const number = numbers.get(frame) ?? ++lastNumber;
  numbers.set(frame, number);
  return number;
}

/** Unique over restarts: the time is part of it. */
function etagOf(camera: LiveCamera, frame: VideoFrame, width: number | null): string {
  const at = Math.floor(frame.at).toString(36);
  return `"${camera.id}-${at}-${numberOf(frame).toString(36)}${width === null ? '' : `-${width}`}"`;
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
