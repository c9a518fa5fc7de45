// One reader of `/live.mp4`: endless fragmented MP4, from the newest key picture on. A file has one format, so the answer
// ends when the camera changes its size, codec or sound; an outage only pauses it.

import type { CameraFeed, FeedMember } from './camera-feed.ts';
import { FragmentCursor } from './fragment-cursor.ts';
import type { FragmentLease } from './fragmenters.ts';
import type { StreamSink } from './stream-sink.ts';

/** Headers of the answer. */
export const MP4_HEADERS = {
  'Content-Type': 'video/mp4',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
} as const;

const STUCK_CHECK_MS = 5000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Streams one camera into one sink. */
export class Mp4Stream implements FeedMember {
  readonly #feed: CameraFeed;
  readonly #sink: StreamSink;
  readonly #lease: FragmentLease;
  readonly #cursor: FragmentCursor;
  readonly #stopListening: () => void;
  #begun = false;

  /** @param lease the stream disposes it */
  constructor(feed: CameraFeed, sink: StreamSink, lease: FragmentLease) {
    this.#feed = feed;
    this.#sink = sink;
    this.#lease = lease;
    this.#cursor = new FragmentCursor(lease.fragmenter);
    this.#stopListening = lease.fragmenter.onFragment(() => this.#pump());
    feed.join(this);
    sink.open(MP4_HEADERS, { onReady: () => this.#pump(), onClose: () => this.#onClosed() }, () => this.#pump());
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
      const batch = this.#cursor.take(MAX_BATCH_BYTES);
      if (!batch) return;
      if (batch.init && this.#begun) {
        this.#sink.end();
        return;
      }
      const pieces = batch.fragments.map(({ data }) => data);
      this.#sink.write(batch.init ? [batch.init.data, ...pieces] : pieces);
      this.#begun = true;
    }
  }

  #onClosed(): void {
    this.#stopListening();
    this.#lease[Symbol.dispose]();
    this.#feed.leave(this);
  }
}
