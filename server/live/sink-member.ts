// A viewer of an endless answer that is written to whenever there is something and its client can take it: joins the feed,
// opens the answer, notices a client that does not read, and lets go of everything when it has left.

import type { CameraFeed, FeedMember } from './camera-feed.ts';
import type { StreamSink } from './stream-sink.ts';

const STUCK_CHECK_MS = 5000;

/** What {@link joinSink} needs. */
export type SinkMemberOptions = {
  readonly headers: Readonly<Record<string, string>>;
  /** Writes what there is, as far as the client can take it; called when it can take more. */
  readonly pump: () => void;
  /** Writes the first bytes, which leave together with the headers. */
  readonly first: () => void;
  /** Disposed when the client has left. */
  readonly owned: Disposable;
};

/** See the head of this file. */
export function joinSink(feed: CameraFeed, sink: StreamSink, options: SinkMemberOptions): FeedMember {
  const { headers, pump, first, owned } = options;
  const member: FeedMember = {
    tick(nowMs) {
      sink.endIfStuck(nowMs);
      return sink.closed ? Number.POSITIVE_INFINITY : nowMs + STUCK_CHECK_MS;
    },
    close: () => sink.end(),
  };
  const onClose = () => {
    owned[Symbol.dispose]();
    feed.leave(member);
  };
  feed.join(member);
  sink.open(headers, { onReady: pump, onClose }, first);
  feed.wantTick(feed.nowMs() + STUCK_CHECK_MS);
  return member;
}
