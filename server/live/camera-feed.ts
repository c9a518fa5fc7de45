// What all viewers of one camera share: the question whether its picture is live, the card, the shrunk pictures, and
// the one timer. Made for the first viewer, gone after the last.

import type { FrameHub } from '../cameras/frame-hub.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CardCache, CardEntry } from './card-cache.ts';
import type { JpegLease, JpegView, JpegViews } from './jpeg-view.ts';
import { type LiveCamera, NO_SIGNAL_MS } from './live-camera.ts';
import { type Part, PartMemo } from './mjpeg-part.ts';
import { ResizedHub } from './resize.ts';

/** Different widths of one camera at once; each costs a decode per picture. */
const MAX_WIDTHS = 8;
/** Whatever the viewers say, ticks are not closer than this: a wrong answer must not become a busy loop. */
const MIN_TICK_MS = 5;
/** Timers of Node may fire this much early. */
const TIMER_SLACK_MS = 1;

/** One viewer (of any kind), as its feed knows it. */
export interface FeedMember {
  /** Does what is due. @returns the next moment on the monotonic clock when something is due, or infinity */
  tick(nowMs: number): number;
  /** The camera's state may have changed. */
  onStatus?(): void;
  /** The camera is gone or Perch stops: ends the viewer. */
  close(): void;
}

/** One camera's viewers. */
export class CameraFeed implements Disposable {
  readonly camera: LiveCamera;
  readonly #clock: Clock;
  readonly #members = new Set<FeedMember>();
  readonly #parts = new PartMemo(MAX_WIDTHS + 1);
  readonly #onEmpty: () => void;
  readonly #resized = new Map<number, { readonly resized: ResizedHub; users: number }>();
  readonly #cards: CardCache;
  readonly #views: JpegViews;
  readonly #awaited = new WeakSet<CardEntry>();
  readonly #hold: Disposable | null;
  #timer: Timer | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;

  /** @param onEmpty called when the last viewer has left */
  constructor(camera: LiveCamera, clock: Clock, cards: CardCache, views: JpegViews, onEmpty: () => void) {
    this.camera = camera;
    this.#clock = clock;
    this.#cards = cards;
    this.#views = views;
    this.#onEmpty = onEmpty;
    this.#hold = camera.hold?.() ?? null;
  }

  /** The monotonic clock that frames carry too. */
  nowMs(): number {
    return this.#clock.monoMs();
  }

  get members(): number {
    return this.#members.size;
  }

  /** The newest picture as viewers get it, however old; `null` before the first. */
  get lastPicture(): VideoFrame | null {
    const frame = this.camera.hub.newestVideo?.frame ?? null;
    if (frame === null || frame.codec === 'mjpeg') return frame;
    return this.#view ? (this.#view.hub.newestVideo?.frame ?? null) : frame;
  }

  /** When the picture stops being live; minus infinity without a picture. */
  get liveUntilMs(): number {
    const frame = this.lastPicture;
    if (frame) return frame.monoMs + NO_SIGNAL_MS;
    const source = this.camera.hub.newestVideo?.frame;
    if (!source || !this.#view) return Number.NEGATIVE_INFINITY;
    return Math.min(source.monoMs + NO_SIGNAL_MS, this.#view.graceUntilMs);
  }

  /** No picture that may be shown as live. */
  isLost(nowMs: number): boolean {
    return nowMs >= this.liveUntilMs;
  }

  join(member: FeedMember): void {
    this.#members.add(member);
  }

  leave(member: FeedMember): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#onEmpty();
  }

  /** The camera's state may have changed: tells the viewers. */
  onStatus(): void {
    for (const member of [...this.#members]) member.onStatus?.();
  }

  /** Ends all viewers. */
  close(): void {
    for (const member of [...this.#members]) member.close();
  }

  /** Nobody watches any more: lets the source go. Idempotent. */
  [Symbol.dispose](): void {
    this.#hold?.[Symbol.dispose]();
  }

  /** A viewer wants a tick not later than that. One timer serves all: it is only moved to an earlier time. */
  wantTick(atMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.after(Math.max(0, atMs - this.nowMs()), () => this.#tick());
  }

  /**
   * The camera as JPEGs, whatever it sends: as they are (`width` null), or at most so wide. The lease counts as a viewer
   * of the camera. Dispose it.
   * @throws NvrError `unavailable` when too many different widths are asked for
   */
  pictures(width: number | null): JpegLease {
    using stack = new DisposableStack();
    const view = stack.use(this.#views.of(this.camera).acquire());
    const { hub } = width === null ? view : stack.use(this.#resizedHub(width, view.hub));
    // A seat in the camera's own hub: this is where viewers are counted. It is never woken by pictures.
    stack.use(this.camera.hub.open({ kinds: 'audio', policy: 'newest', start: 'live', viewer: true }));
    const held = stack.move();
    return { hub, [Symbol.dispose]: () => held.dispose() };
  }

  get #view(): JpegView | null {
    return this.#views.running(this.camera);
  }

  /**
   * Pictures at most `width` wide, as a hub; shared by all viewers of that width. Dispose the lease.
   * @throws NvrError `unavailable` when too many different widths are asked for
   */
  #resizedHub(width: number, source: FrameHub): Disposable & { readonly hub: FrameHub } {
    let entry = this.#resized.get(width);
    if (!entry) {
      if (this.#resized.size >= MAX_WIDTHS) {
        throw new NvrError('unavailable', `At most ${MAX_WIDTHS} different widths of a camera can be watched at once`);
      }
      entry = { resized: new ResizedHub(source, width), users: 0 };
      this.#resized.set(width, entry);
    }
    const held = entry;
    held.users++;
    let released = false;
    return {
      hub: held.resized.hub,
      [Symbol.dispose]: () => {
        if (released) return;
        released = true;
        if (--held.users > 0) return;
        held.resized[Symbol.dispose]();
        this.#resized.delete(width);
      },
    };
  }

  /** The multipart part of a picture of this camera, shared by its viewers. */
  partOf(jpeg: Uint8Array): Part {
    return this.#parts.partOf(jpeg);
  }

  /**
   * The card as it should look now, or `null` while it is being painted (all viewers get a tick when it is done). The
   * same object as long as it says the same.
   */
  card(width: number | null): Part | null {
    const entry = this.#cards.get(this.camera, width);
    if (!entry.part && !this.#awaited.has(entry)) {
      this.#awaited.add(entry);
      void entry.painting.then(() => this.#members.size > 0 && this.wantTick(this.nowMs()));
    }
    return entry.part;
  }

  #tick(): void {
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.nowMs() + TIMER_SLACK_MS;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const member of [...this.#members]) {
      if (this.#members.has(member)) nextMs = Math.min(nextMs, member.tick(nowMs));
    }
    if (this.#members.size > 0 && nextMs < Number.POSITIVE_INFINITY)
      this.wantTick(Math.max(nextMs, nowMs + MIN_TICK_MS));
  }
}
