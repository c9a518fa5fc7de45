// One reader of `/live.mp4`: endless fragmented MP4, from the newest key picture on. A file has one format, so the answer
// ends when the camera changes its size, codec or sound; an outage only pauses it.

import type { CameraFeed, FeedMember } from './camera-feed.ts';
import { FragmentCursor } from './fragment-cursor.ts';
import type { FragmentLease } from './fragmenters.ts';
import { joinSink } from './sink-member.ts';
import type { StreamSink } from './stream-sink.ts';

/** Headers of the answer. */
export const MP4_HEADERS = {
  'Content-Type': 'video/mp4',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
} as const;

const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Streams one camera into one sink.
 * @param lease the stream disposes it
 */
export function streamMp4(feed: CameraFeed, sink: StreamSink, lease: FragmentLease): FeedMember {
  const owned = new DisposableStack();
  const { fragmenter } = owned.use(lease);
  const cursor = new FragmentCursor(fragmenter);
  let isBegun = false;
  const pump = () => {
    while (sink.idle && !sink.closed) {
      const batch = cursor.take(MAX_BATCH_BYTES);
      if (!batch) return;
      if (batch.init && isBegun) {
        sink.end();
        return;
      }
      const pieces = batch.fragments.map(({ data }) => data);
      sink.write(batch.init ? [batch.init.data, ...pieces] : pieces);
      isBegun = true;
    }
  };
  owned.defer(fragmenter.onFragment(pump));
  return joinSink(feed, sink, { headers: MP4_HEADERS, pump, first: pump, owned });
}
