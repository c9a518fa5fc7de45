// One reader of `/frames`: the camera's JPEGs one after another, true frames only, untouched when the camera sends JPEG. Every frame in order; a
// reader that falls behind the ring skips, and is counted.

import type { HubReader } from '../cameras/frame-hub.ts';
import type { CameraFeed, FeedMember } from './camera-feed.ts';
import type { JpegLease } from './jpeg-view.ts';
import type { StreamSink } from './stream-sink.ts';

/** Headers of the answer. */
export const FRAMES_HEADERS = {
  'Content-Type': 'video/x-motion-jpeg',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
} as const;

const STUCK_CHECK_MS = 5000;

/** Streams one camera's frames into one sink. */
export class FramesStream implements FeedMember {
  readonly #feed: CameraFeed;
  readonly #sink: StreamSink;
  readonly #lease: JpegLease;
  readonly #reader: HubReader;
  readonly #onSkipped: (frames: number) => void;

  /** @param onSkipped told how many frames a slow reader did not get */
  constructor(feed: CameraFeed, sink: StreamSink, onSkipped: (frames: number) => void) {
    this.#feed = feed;
    this.#sink = sink;
    this.#onSkipped = onSkipped;
    this.#lease = feed.pictures(null);
    this.#reader = this.#lease.hub.open({
      kinds: 'video',
      policy: 'every',
      start: feed.isLost(feed.nowMs()) ? 'live' : 'newest',
      onFrame: () => this.#pump(),
    });
    feed.join(this);
    sink.open(FRAMES_HEADERS, { onReady: () => this.#pump(), onClose: () => this.#onClosed() }, () => this.#pump());
    feed.wantTick(feed.nowMs() + STUCK_CHECK_MS);
  }

  tick(nowMs: number): number {
    this.#sink.endIfStuck(nowMs);
    return this.#sink.closed ? Number.POSITIVE_INFINITY : nowMs + STUCK_CHECK_MS;
  }

  close(): void {
    this.#sink.end();
  }

  #pump(): void {
    while (this.#sink.idle && !this.#sink.closed) {
      const item = this.#reader.poll();
      if (item?.frame.kind !== 'video') return;
      if (item.missed > 0) this.#onSkipped(item.missed);
      this.#sink.writeOne(item.frame.data);
    }
  }

  #onClosed(): void {
    this.#reader[Symbol.dispose]();
    this.#lease[Symbol.dispose]();
    this.#feed.leave(this);
  }
}
