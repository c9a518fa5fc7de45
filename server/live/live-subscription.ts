// One camera on one live socket: its newest picture whenever the client has acknowledged and the socket is drained.

import type { HubReader } from '../cameras/frame-hub.ts';
import type { CameraFeed, FeedMember } from './camera-feed.ts';
import { NO_SIGNAL_MS } from './live-camera.ts';
import { encodePictureHead, FLAG, MAX_UNACKED } from './live-message.ts';

/** One camera on one socket, in any form. Dispose it when the client has enough. */
export type Subscription = Disposable & {
  readonly id: number;
  /** Number of the last message sent. */
  readonly seq: number;
  /** Ended by itself; the client was told. */
  readonly over: boolean;
  /** The client has shown (or dropped) all up to there. */
  ack(seq: number): void;
  /** Sends what there is, if there is something new, the client has room and the rate allows. @returns whether it did */
  trySend(): boolean;
};

/** What a subscription asks of its session. */
export type SubscriptionHost = {
  sendText(message: object): void;
  sendPicture(head: Uint8Array, jpeg: Uint8Array): void;
  /** There may be a picture to send: the session calls `trySend` when the socket is drained and it is this one's turn. */
  offer(subscription: Subscription): void;
  /** The camera is gone. */
  ended(subscription: Subscription, code: string, message: string): void;
};

/** What the client asked for. */
export type SubscriptionOptions = {
  readonly id: number;
  readonly width: number | null;
  readonly fps: number | null;
  /** Where the numbering of this `id` stands. */
  readonly seq: number;
};

/** Frames jitter; one this much early is in time. */
const RATE_SLACK_MS = 2;

/** Dispose it when the client has enough. */
export class LiveSubscription implements FeedMember, Subscription {
  readonly id: number;
  readonly #feed: CameraFeed;
  readonly #host: SubscriptionHost;
  readonly #options: SubscriptionOptions;
  readonly #intervalMs: number;
  readonly #reader: HubReader;
  readonly #owned: Disposable[];
  #seq: number;
  #acked: number;
  #skipped = 0;
  #nextFrameMs = Number.NEGATIVE_INFINITY;
  #held = false;
  readonly #teller: StateTeller;
  #over = false;

  /** @throws NvrError `unavailable` when too many widths of this camera are in use */
  constructor(feed: CameraFeed, host: SubscriptionHost, options: SubscriptionOptions) {
    this.id = options.id;
    this.#feed = feed;
    this.#host = host;
    this.#options = options;
    this.#intervalMs = options.fps === null ? 0 : 1000 / options.fps;
    this.#seq = options.seq;
    this.#acked = options.seq;
    const reading = { kinds: 'video', policy: 'newest', start: 'newest' } as const;
    const onFrame = () => this.#onFrame();
    const lease = feed.pictures(options.width);
    this.#reader = lease.hub.open({ ...reading, onFrame });
    this.#owned = [this.#reader, lease];
    feed.join(this);
    this.#teller = new StateTeller(feed, host, this.id);
    this.#teller.begin();
    feed.wantTick(this.tick(feed.nowMs()));
    host.offer(this);
  }

  /** Number of the last picture sent. */
  get seq(): number {
    return this.#seq;
  }

  /** The client has shown (or dropped) all up to there. */
  ack(seq: number): void {
    if (seq <= this.#acked || seq > this.#seq) return;
    this.#acked = seq;
    this.#host.offer(this);
  }

  /** Sends the newest picture if there is a new one, the client has room and the rate allows. */
  trySend(): boolean {
    if (this.#seq - this.#acked >= MAX_UNACKED || this.#reader.closed) return false;
    const nowMs = this.#feed.nowMs();
    this.#held = nowMs + RATE_SLACK_MS < this.#nextFrameMs;
    if (this.#held) {
      this.#feed.wantTick(this.#nextFrameMs);
      return false;
    }
    const item = this.#reader.poll();
    if (item?.frame.kind !== 'video') return false;
    const { frame, missed } = item;
    this.#skipped += missed;
    this.#nextFrameMs = nowMs + this.#intervalMs;
    const old = nowMs - frame.monoMs >= NO_SIGNAL_MS ? FLAG.old : 0;
    const shrunk = this.#options.width === null ? 0 : FLAG.shrunk;
    const { width, height, at } = frame;
    const head = {
      flags: FLAG.key | old | shrunk,
      id: this.id,
      seq: ++this.#seq,
      at,
      skipped: this.#skipped,
      width,
      height,
    };
    this.#skipped = 0;
    this.#host.sendPicture(encodePictureHead(head), frame.data);
    return true;
  }

  tick(nowMs: number): number {
    this.onStatus();
    if (this.#held && nowMs >= this.#nextFrameMs) this.#host.offer(this);
    let nextMs = this.#feed.isLost(nowMs) ? Number.POSITIVE_INFINITY : this.#feed.liveUntilMs;
    if (this.#held) nextMs = Math.min(nextMs, this.#nextFrameMs);
    return nextMs;
  }

  onStatus(): void {
    this.#teller.tell(this.#feed.isLost(this.#feed.nowMs()), this.#feed.lastPicture?.at);
  }

  close(): void {
    this.#end('not_found', 'The camera was removed');
  }

  /** Ended by itself; the client was told. */
  get over(): boolean {
    return this.#over;
  }

  [Symbol.dispose](): void {
    for (const owned of this.#owned) owned[Symbol.dispose]();
    this.#feed.leave(this);
  }

  #end(code: string, message: string): void {
    this.#over = true;
    this[Symbol.dispose]();
    this.#host.ended(this, code, message);
  }

  #onFrame(): void {
    // The first picture after an outage: the page may undim at once. Its tick is set anew.
    if (this.#teller.toldLoss) this.onStatus();
    this.#feed.wantTick(this.#feed.liveUntilMs);
    this.#host.offer(this);
  }
}

/** Tells a client the state of one camera, when it has changed. */
export class StateTeller {
  readonly #feed: CameraFeed;
  readonly #host: SubscriptionHost;
  readonly #id: number;
  #told = '';
  #toldLoss = false;

  constructor(feed: CameraFeed, host: SubscriptionHost, id: number) {
    this.#feed = feed;
    this.#host = host;
    this.#id = id;
  }

  /** What was told last is that there is no signal. */
  get toldLoss(): boolean {
    return this.#toldLoss;
  }

  /** The first message of a subscription. */
  begin(): void {
    const { id, slug, name } = this.#feed.camera.config;
    this.#host.sendText({ type: 'subscribed', id: this.#id, camera: { id, slug, name } });
  }

  tell(noSignal: boolean, lastFrameAt: number | undefined): void {
    const { state, error } = this.#feed.camera.status();
    const told = `${state} ${noSignal} ${error?.code} ${error?.message}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#toldLoss = noSignal;
    this.#host.sendText({
      type: 'state',
      id: this.#id,
      state,
      noSignal,
      lastFrameAt: lastFrameAt === undefined ? null : new Date(lastFrameAt).toISOString(),
      error: error && { code: error.code, message: error.message },
    });
  }
}
