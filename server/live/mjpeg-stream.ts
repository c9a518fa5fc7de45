// One viewer of `multipart/x-mixed-replace`. A picture is written from the hub's own call, in the same turn as the
// camera's last packet; the newest wins, and only a drained socket gets one.

import type { HubReader } from '../cameras/frame-hub.ts';
import type { CameraFeed, FeedMember } from './camera-feed.ts';
import { NO_SIGNAL_MS } from './live-camera.ts';
import { MULTIPART_OPENING, MULTIPART_TYPE, makePart, PART_END, type Part } from './mjpeg-part.ts';
import { plainCard } from './plain-card.ts';
import type { StreamSink } from './stream-sink.ts';

/** Chromium shows a picture only when the next part begins: without a successor for this long it is sent again. */
export const REPEAT_AFTER_MS = 250;
/** A card, or the last picture with `plain`, is repeated this often; readers are promised 5 s. */
export const LOST_REPEAT_MS = 4000;
/** The first part must be out within 1 s; when nothing better is ready by now, the ready-made card goes. */
const FIRST_PART_MS = 800;
/** How often a client that does not read is looked at. */
const STUCK_CHECK_MS = 5000;
/** Frames of a camera jitter; a frame this much early still counts as in time for `fps`. */
const RATE_SLACK_MS = 2;

const plainPart = makePart(plainCard);

/** What the client asked for. */
export type MjpegOptions = {
  /** At most so many pictures a second; `null` for all. */
  readonly fps: number | null;
  /** Shrunk to that width; `null` for untouched. */
  readonly width: number | null;
  /** In an outage the last picture is repeated instead of a card. */
  readonly plain: boolean;
};

/** Headers of the answer. `Connection: close` comes from the sink. */
export const MJPEG_HEADERS = {
  'Content-Type': MULTIPART_TYPE,
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
} as const;

/** Streams one camera into one sink until the client leaves, the camera is removed or `close` is called. */
export class MjpegStream implements FeedMember {
  readonly #feed: CameraFeed;
  readonly #sink: StreamSink;
  readonly #options: MjpegOptions;
  readonly #intervalMs: number;
  readonly #reader: HubReader;
  readonly #owned: Disposable[];
  readonly #startedMs: number;
  /** The picture on the client's screen. */
  #last: Part | null = null;
  /** When it was sent first, and when anything was sent last. */
  #sentMs = Number.NEGATIVE_INFINITY;
  #wroteMs = Number.NEGATIVE_INFINITY;
  #repeated = true;
  /** A camera's picture is on the screen, not a card. */
  #showsFrame = false;
  /** A frame waits in the hub for the rate limit. */
  #held = false;
  #nextFrameMs = Number.NEGATIVE_INFINITY;

  /**
   * Sends the headers and the first part that there is.
   * @throws NvrError `unavailable` when too many widths are in use
   */
  constructor(feed: CameraFeed, sink: StreamSink, options: MjpegOptions) {
    this.#feed = feed;
    this.#sink = sink;
    this.#options = options;
    this.#intervalMs = options.fps === null ? 0 : 1000 / options.fps;
    this.#startedMs = feed.nowMs();
    const reading = { kinds: 'video', policy: 'newest', start: 'newest' } as const;
    const onFrame = () => this.#pump(this.#feed.nowMs());
    const lease = feed.pictures(options.width);
    this.#reader = lease.hub.open({ ...reading, onFrame });
    this.#owned = [this.#reader, lease];
    feed.join(this);
    sink.open(MJPEG_HEADERS, { onReady: () => this.#onReady(), onClose: () => this.#onClosed() }, () => {
      const nowMs = feed.nowMs();
      feed.wantTick(this.tick(nowMs));
    });
  }

  close(): void {
    this.#sink.end();
  }

  tick(nowMs: number): number {
    // While pictures flow this is all that happens, for every viewer, four times a second.
    const repeatMs = this.#sentMs + REPEAT_AFTER_MS;
    if (nowMs < repeatMs && !this.#repeated && !this.#held && this.#sink.idle) return repeatMs;
    if (this.#sink.closed || this.#sink.endIfStuck(nowMs)) return Number.POSITIVE_INFINITY;
    if (!this.#sink.idle) return nowMs + STUCK_CHECK_MS;
    this.#pump(nowMs);
    const lost = this.#feed.isLost(nowMs);
    if (lost) this.#showLoss(nowMs);
    if (!this.#last && nowMs - this.#startedMs >= FIRST_PART_MS) this.#send(plainPart, nowMs);
    if (this.#last && !this.#repeated && nowMs - this.#sentMs >= REPEAT_AFTER_MS) this.#repeat(nowMs);
    return this.#nextTickMs(lost);
  }

  #nextTickMs(lost: boolean): number {
    let nextMs = lost ? Number.POSITIVE_INFINITY : this.#feed.liveUntilMs;
    if (!this.#last) nextMs = Math.min(nextMs, this.#startedMs + FIRST_PART_MS);
    else if (lost)
      nextMs =
        this.#showsFrame && !this.#options.plain
          ? this.#feed.liveUntilMs + FIRST_PART_MS
          : this.#wroteMs + LOST_REPEAT_MS;
    if (!this.#repeated) nextMs = Math.min(nextMs, this.#sentMs + REPEAT_AFTER_MS);
    if (this.#held) nextMs = Math.min(nextMs, this.#nextFrameMs);
    if (!this.#sink.idle) nextMs = Math.min(nextMs, this.#feed.nowMs() + STUCK_CHECK_MS);
    return nextMs;
  }

  /** Sends the newest frame if there is one that the client has not seen, it is time, and the client can take it. */
  #pump(nowMs: number): void {
    if (!this.#sink.idle) return;
    if (nowMs + RATE_SLACK_MS < this.#nextFrameMs) {
      this.#held = true;
      this.#feed.wantTick(this.#nextFrameMs);
      return;
    }
    this.#held = false;
    const frame = this.#reader.poll()?.frame;
    if (frame?.kind !== 'video') return;
    if (nowMs - frame.monoMs >= NO_SIGNAL_MS && !this.#options.plain) return;
    this.#nextFrameMs = nowMs + this.#intervalMs;
    this.#send(this.#feed.partOf(frame.data), nowMs, true);
  }

  /** The card, or with `plain` the last picture again. Without a card yet an old picture is not repeated: it would look live. */
  #showLoss(nowMs: number): void {
    const { plain, width } = this.#options;
    const keepsPicture = plain && this.#feed.lastPicture !== null;
    const card = keepsPicture ? this.#last : this.#feed.card(width);
    if (card && card !== this.#last) this.#send(card, nowMs);
    else if (!card && this.#showsFrame && nowMs - this.#feed.liveUntilMs >= FIRST_PART_MS) this.#send(plainPart, nowMs);
    else if (this.#last && (keepsPicture || !this.#showsFrame) && nowMs - this.#wroteMs >= LOST_REPEAT_MS)
      this.#repeat(nowMs);
  }

  #send(part: Part, nowMs: number, isFrame = false): void {
    const first = this.#last === null;
    this.#showsFrame = isFrame;
    this.#last = part;
    this.#sentMs = nowMs;
    this.#wroteMs = nowMs;
    this.#repeated = first;
    const { whole, data, repeatHead } = part;
    if (first) this.#sink.write([MULTIPART_OPENING, whole, repeatHead, data, PART_END]);
    else this.#sink.writeOne(whole);
    this.#feed.wantTick(nowMs + REPEAT_AFTER_MS);
  }

  #repeat(nowMs: number): void {
    const { repeatHead, data } = this.#last!;
    this.#repeated = true;
    this.#wroteMs = nowMs;
    this.#sink.write([repeatHead, data, PART_END]);
  }

  #onReady(): void {
    this.#pump(this.#feed.nowMs());
    this.#feed.wantTick(this.#sentMs + REPEAT_AFTER_MS); // what was due while the client was slow
  }

  #onClosed(): void {
    for (const owned of this.#owned) owned[Symbol.dispose]();
    this.#feed.leave(this);
  }
}
