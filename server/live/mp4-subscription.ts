// One camera on one live socket as MP4: the format and all since the newest key picture at once, then each frame as it
// comes. What waits while the client is slow goes as one message; who is far behind goes on at the newest key picture.

import type { CameraFeed, FeedMember } from './camera-feed.ts';
import { FragmentCursor, joinFragments } from './fragment-cursor.ts';
import type { FragmentLease } from './fragmenters.ts';
import { NO_SIGNAL_MS } from './live-camera.ts';
import { BINARY_KIND, encodePictureHead, FLAG, MAX_UNACKED_MP4 } from './live-message.ts';
import { StateTeller, type Subscription, type SubscriptionHost } from './live-subscription.ts';

const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Dispose it when the client has enough. */
export class Mp4Subscription implements FeedMember, Subscription {
  readonly id: number;
  readonly #feed: CameraFeed;
  readonly #host: SubscriptionHost;
  readonly #lease: FragmentLease;
  readonly #cursor: FragmentCursor;
  readonly #stopListening: () => void;
  readonly #teller: StateTeller;
  #seq: number;
  #acked: number;
  #over = false;

  /** @param lease the subscription disposes it */
  constructor(feed: CameraFeed, host: SubscriptionHost, options: { id: number; seq: number }, lease: FragmentLease) {
    this.id = options.id;
    this.#feed = feed;
    this.#host = host;
    this.#seq = options.seq;
    this.#acked = options.seq;
    this.#lease = lease;
    this.#cursor = new FragmentCursor(lease.fragmenter);
    this.#teller = new StateTeller(feed, host, options.id);
    this.#stopListening = lease.fragmenter.onFragment(() => this.#onFragment());
    feed.join(this);
    this.#teller.begin();
    feed.wantTick(this.tick(feed.nowMs()));
    host.offer(this);
  }

  get seq(): number {
    return this.#seq;
  }

  get over(): boolean {
    return this.#over;
  }

  ack(seq: number): void {
    if (seq <= this.#acked || seq > this.#seq) return;
    this.#acked = seq;
    this.#host.offer(this);
  }

  trySend(): boolean {
    if (this.#seq - this.#acked >= MAX_UNACKED_MP4) return false;
    const batch = this.#cursor.take(MAX_BATCH_BYTES);
    if (!batch) return false;
    const { init, fragments, missed } = batch;
    const first = fragments[0]!;
    const { at } = fragments.at(-1)!;
    const { width, height } = first.init;
    const common = { id: this.id, at, width, height };
    if (init) {
      const { mime, sound } = init;
      this.#host.sendText({ type: 'format', id: this.id, mime, width, height, sound });
      const head = { ...common, flags: FLAG.key, seq: ++this.#seq, skipped: 0 };
      this.#host.sendPicture(encodePictureHead(head, BINARY_KIND.mp4Init), init.data);
    }
    const flags = first.key ? FLAG.key : 0;
    const head = { ...common, flags, seq: ++this.#seq, skipped: missed };
    this.#host.sendPicture(encodePictureHead(head, BINARY_KIND.mp4Fragments), joinFragments(fragments));
    return true;
  }

  tick(nowMs: number): number {
    this.onStatus();
    const untilMs = this.#liveUntilMs;
    return nowMs >= untilMs ? Number.POSITIVE_INFINITY : untilMs;
  }

  onStatus(): void {
    this.#teller.tell(this.#feed.nowMs() >= this.#liveUntilMs, this.#newest?.at);
  }

  close(): void {
    this.#over = true;
    this[Symbol.dispose]();
    this.#host.ended(this, 'not_found', 'The camera was removed');
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    this.#lease[Symbol.dispose]();
    this.#feed.leave(this);
  }

  get #newest() {
    return this.#feed.camera.hub.newestVideo?.frame;
  }

  get #liveUntilMs(): number {
    return (this.#newest?.monoMs ?? Number.NEGATIVE_INFINITY) + NO_SIGNAL_MS;
  }

  #onFragment(): void {
    if (this.#teller.toldLoss) this.onStatus();
    this.#feed.wantTick(this.#liveUntilMs);
    this.#host.offer(this);
  }
}
