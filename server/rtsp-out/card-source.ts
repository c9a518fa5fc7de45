// The card as a stream: what readers of encoded pictures get while the camera is away. One for each camera, form and size,
// while somebody needs it.

import { Encoder } from '../cameras/encoder.ts';
import { FrameHub } from '../cameras/frame-hub.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { cardPicture } from '../live/card-picture.ts';
import type { LiveCamera } from '../live/live-camera.ts';
import type { LiveFeeds } from '../live/live-feeds.ts';

/** Pixels. */
export type Size = { readonly width: number; readonly height: number };
/** `h264`: as the camera's encoder makes it. */
export type CardForm = 'h264' | 'jpeg';
/** A share in a card's stream. Dispose it. */
export type CardLease = Disposable & { readonly hub: FrameHub };

/**
 * VLC shows a picture when three or four more have come (its decoder's threads), and drops it when that took longer than its
 * cache of a second: with fewer cards it goes on showing the last live picture (seen in 3.0.24 with two a second).
 */
export const PERIOD_MS = 150;
const SAME_PICTURE_MS = 5000;

/** One running stream of cards. */
class CardStream {
  users = 0;
  readonly #jpegs = new FrameHub();
  readonly #encoder: Encoder | null;
  readonly #paint: () => Promise<Uint8Array>;
  readonly #clock: Clock;
  readonly #size: Size;
  #picture: Uint8Array | null = null;
  #paintedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(camera: LiveCamera, form: CardForm, size: Size, feeds: LiveFeeds, log: Logger) {
    this.#clock = feeds.clock;
    this.#size = size;
    this.#paint = () => cardPicture(feeds.cards, camera, size);
    const { encoder, segmentSeconds } = camera.config.recording;
    this.#encoder =
      form === 'jpeg'
        ? null
        : new Encoder({ source: this.#jpegs, settings: encoder, segmentSeconds, clock: feeds.clock, log });
    this.#encoder?.start();
    void this.#next();
  }

  get hub(): FrameHub {
    return this.#encoder?.hub ?? this.#jpegs;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#encoder?.stop();
  }

  async #next(): Promise<void> {
    const nowMs = this.#clock.monoMs();
    if (nowMs - this.#paintedMs >= SAME_PICTURE_MS) {
      this.#paintedMs = nowMs;
      this.#picture = await this.#paint().catch(() => this.#picture);
    }
    if (this.#stopped) return;
    if (this.#picture) {
      const time = { at: this.#clock.wallMs(), monoMs: this.#clock.monoMs(), mediaMs: null };
      this.#jpegs.publish({ kind: 'video', codec: 'mjpeg', key: true, data: this.#picture, ...this.#size, ...time });
    }
    this.#timer = this.#clock.after(PERIOD_MS, () => void this.#next());
  }
}

/** All running streams of cards. */
export class CardSources {
  readonly #feeds: LiveFeeds;
  readonly #log: Logger;
  readonly #streams = new Map<string, CardStream>();
  #stopping: Promise<void> = Promise.resolve();

  constructor(feeds: LiveFeeds, log: Logger) {
    this.#feeds = feeds;
    this.#log = log;
  }

  /** Streams that run: a leak check. */
  get size(): number {
    return this.#streams.size;
  }

  acquire(camera: LiveCamera, form: CardForm, { width, height }: Size): CardLease {
    const key = `${camera.id} ${form} ${width} ${height}`;
    const log = this.#log.child({ camera: camera.slug, part: 'card' });
    const stream = this.#streams.get(key) ?? new CardStream(camera, form, { width, height }, this.#feeds, log);
    this.#streams.set(key, stream);
    stream.users++;
    let held = true;
    return {
      hub: stream.hub,
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (--stream.users > 0) return;
        this.#streams.delete(key);
        this.#stopping = Promise.all([this.#stopping, stream.stop()]).then(() => {});
      },
    };
  }

  /** Resolves when those that nobody needs are gone. */
  settled(): Promise<void> {
    return this.#stopping;
  }
}
