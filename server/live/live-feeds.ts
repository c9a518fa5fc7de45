// All that is being watched: one feed per watched camera, a bound on the number of viewers, and the end of all of them.

import { subIdOf } from '../cameras/sub-stream.ts';
import type { Bus } from '../core/bus.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError } from '../core/nvr-error.ts';
import { Tally } from '../core/tally.ts';
import { CameraFeed, type FeedMember } from './camera-feed.ts';
import { CardCache } from './card-cache.ts';
import { Fragmenters } from './fragmenters.ts';
import { JpegViews } from './jpeg-view.ts';
import type { LiveCamera } from './live-camera.ts';
import { SoundViews } from './sound-view.ts';

/** Open viewers of all kinds in this process; each holds a socket. */
export const MAX_VIEWERS = 2000;

/** What the feeds stand on. */
export type LiveFeedsOptions = { readonly clock: Clock; readonly bus: Bus; readonly log: Logger };

/** The feeds of all cameras that somebody watches. */
export class LiveFeeds {
  readonly clock: Clock;
  readonly bus: Bus;
  readonly log: Logger;
  readonly cards: CardCache;
  /** Cameras as JPEGs. */
  readonly views: JpegViews;
  /** Sound of cameras in the forms that viewers want. */
  readonly sounds: SoundViews;
  /** Cameras as MP4. */
  readonly fragmenters: Fragmenters;
  /** What slow readers did not get. */
  readonly tally = new Tally<'framesSkipped' | 'soundSkipped'>();
  readonly #feeds = new Map<string, CameraFeed>();
  readonly #closers: (() => void)[] = [];
  readonly #stopListening: readonly (() => void)[];
  #closed = false;

  constructor({ clock, bus, log }: LiveFeedsOptions) {
    this.clock = clock;
    this.bus = bus;
    this.log = log;
    this.cards = new CardCache(clock);
    this.views = new JpegViews(clock, log);
    this.sounds = new SoundViews(clock, log);
    this.fragmenters = new Fragmenters(clock, this.sounds);
    this.#stopListening = [
      bus.on('camera.removed', ({ camera }) => {
        for (const id of [camera, subIdOf(camera)]) {
          this.#feeds.get(id)?.close();
          this.views.end(id);
          this.fragmenters.end(id);
          this.sounds.end(id);
        }
      }),
      bus.on('camera.status', ({ camera }) => {
        this.#feeds.get(camera)?.onStatus();
        this.#feeds.get(subIdOf(camera))?.onStatus();
      }),
    ];
  }

  /** Viewers of all cameras. */
  get viewers(): number {
    let sum = 0;
    for (const feed of this.#feeds.values()) sum += feed.members;
    return sum;
  }

  /** Watched cameras: a leak check. */
  get cameras(): number {
    return this.#feeds.size;
  }

  /**
   * Adds a viewer to a camera's feed.
   * @param join makes the viewer, which joins the feed; when it throws, nothing is left behind
   * @throws NvrError `unavailable` when there are too many viewers or Perch is stopping, and what `join` throws
   */
  watch<T extends FeedMember>(camera: LiveCamera, join: (feed: CameraFeed) => T): T {
    if (this.#closed) throw new NvrError('unavailable', 'Perch is stopping');
    if (this.viewers >= MAX_VIEWERS) throw new NvrError('unavailable', 'Too many open streams');
    const feed = this.#feedOf(camera);
    try {
      return join(feed);
    } finally {
      if (feed.members === 0) this.#forget(feed);
    }
  }

  /** Calls `fn` when all is about to end, before the viewers are. */
  onClose(fn: () => void): void {
    this.#closers.push(fn);
  }

  /** Ends every viewer; new ones are refused. */
  close(): void {
    this.#closed = true;
    for (const closer of this.#closers) closer();
    for (const stop of this.#stopListening) stop();
    for (const feed of [...this.#feeds.values()]) feed.close();
    this.views.end();
    this.fragmenters.end();
    this.sounds.end();
  }

  #feedOf(camera: LiveCamera): CameraFeed {
    const known = this.#feeds.get(camera.id);
    // A camera whose driver was changed is a new object behind the same id.
    if (known?.camera === camera) return known;
    const feed = new CameraFeed(camera, this.clock, this.cards, this.views, () => this.#forget(feed));
    this.#feeds.set(camera.id, feed);
    return feed;
  }

  #forget(feed: CameraFeed): void {
    feed[Symbol.dispose]();
    if (this.#feeds.get(feed.camera.id) === feed) this.#feeds.delete(feed.camera.id);
  }
}
