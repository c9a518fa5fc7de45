// One reader of `/frames`: the camera's JPEGs one after another, true frames only, untouched when the camera sends JPEG. Every frame in order; a
// reader that falls behind the ring skips, and is counted.

import type { CameraFeed, FeedMember } from './camera-feed.ts';
import { joinSink } from './sink-member.ts';
import type { StreamSink } from './stream-sink.ts';

/** Headers of the answer. */
export const FRAMES_HEADERS = {
  'Content-Type': 'video/x-motion-jpeg',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
} as const;

/**
 * Streams one camera's frames into one sink.
 * @param onSkipped told how many frames a slow reader did not get
 */
export function streamFrames(feed: CameraFeed, sink: StreamSink, onSkipped: (frames: number) => void): FeedMember {
  const owned = new DisposableStack();
  const { hub } = owned.use(feed.pictures(null));
  const start = feed.isLost(feed.nowMs()) ? 'live' : 'newest';
  const reader = owned.use(hub.open({ kinds: 'video', policy: 'every', start, onFrame: () => pump() }));
  const pump = () => {
    while (sink.idle && !sink.closed) {
      const item = reader.poll();
      if (item?.frame.kind !== 'video') return;
      if (item.missed > 0) onSkipped(item.missed);
      sink.writeOne(item.frame.data);
    }
  };
  return joinSink(feed, sink, { headers: FRAMES_HEADERS, pump, first: pump, owned });
}
