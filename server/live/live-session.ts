// One live socket: what the client said, whose turn it is, and when it is over. Knows nothing of HTTP or `ws`.

import type { Timer } from '../core/clock.ts';
import { isNvrError, NvrError } from '../core/nvr-error.ts';
import type { LiveCamera } from './live-camera.ts';
import type { LiveFeeds } from './live-feeds.ts';
import {
  CLOSE,
  type ClientMessage,
  MAX_SUBSCRIPTIONS,
  MAX_UNACKED,
  PROTOCOL_VERSION,
  parseClientMessage,
} from './live-message.ts';
import { LiveSubscription, type Subscription, type SubscriptionHost } from './live-subscription.ts';
import { Mp4Subscription } from './mp4-subscription.ts';

/** A WebSocket as the session uses it. */
export type LiveSocket = {
  /** Bytes that the system has not taken yet. */
  readonly waitingBytes: number;
  sendText(text: string): void;
  /** One binary message of two pieces, sent in this call when the kernel has room. `onSent` is called when it has left. */
  sendPicture(head: Uint8Array, jpeg: Uint8Array, onSent: () => void): void;
  ping(): void;
  close(code: number, reason: string): void;
  /** Without a farewell. */
  terminate(): void;
};

/** Finds a camera, or its smaller source, for a caller. @throws NvrError `not_found` */
export type FindCamera = (ref: string, source: 'main' | 'sub') => LiveCamera;

const AUTH_WITHIN_MS = 5000;
const PING_EVERY_MS = 20_000;
const SILENT_MS = 45_000;
const STUCK_MS = 30_000;
/** A client has this long to answer the close. */
const FAREWELL_MS = 3000;
const FLOOD_WINDOW_MS = 10_000;
/** An acknowledgement per picture: 64 cameras of 30 pictures a second are no flood. */
const FLOOD_MESSAGES = 20_000;
/** Text is small; a client that lets this much wait does not read. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** One client. */
export class LiveSession implements SubscriptionHost {
  readonly #feeds: LiveFeeds;
  readonly #socket: LiveSocket;
  readonly #signIn: (token: string) => FindCamera | null;
  readonly #subscriptions = new Map<number, Subscription>();
  /** Numbering goes on when an id is used again: a late acknowledgement then means nothing. */
  readonly #lastSeq = new Map<number, number>();
  #find: FindCamera | null = null;
  #lastServed = -1;
  #closed = false;
  readonly #openedMs: number;
  #heardMs: number;
  #pingedMs: number;
  #busySinceMs: number | null = null;
  #windowMs: number;
  #messages = 0;
  #farewell: Timer | null = null;
  readonly #onSent = () => this.#drained();

  /** @param signIn turns a first message's token into a view of the cameras, or null */
  constructor(feeds: LiveFeeds, socket: LiveSocket, signIn: (token: string) => FindCamera | null) {
    this.#feeds = feeds;
    this.#socket = socket;
    this.#signIn = signIn;
    const nowMs = feeds.clock.monoMs();
    this.#openedMs = nowMs;
    this.#heardMs = nowMs;
    this.#pingedMs = nowMs;
    this.#windowMs = nowMs;
  }

  /** The caller is known (from the request, or from its first message). */
  admit(find: FindCamera): void {
    this.#find = find;
    this.sendText({
      type: 'hello',
      version: PROTOCOL_VERSION,
      maxSubscriptions: MAX_SUBSCRIPTIONS,
      maxUnacked: MAX_UNACKED,
    });
  }

  /** The client sent a text message, or something else (`null`). Never throws. */
  receive(text: string | null): void {
    if (this.#closed) return;
    this.heard();
    if (this.#isFlood()) {
      this.end(CLOSE.flood, 'Too many messages');
      return;
    }
    try {
      if (text === null) throw new NvrError('bad_input', 'Expected text messages only');
      this.#handle(parseClientMessage(text));
    } catch (error) {
      const known = isNvrError(error);
      if (!known) this.#feeds.log.error({ err: error }, 'Live message failed');
      const code = known && error.code === 'unauthenticated' ? CLOSE.unauthenticated : CLOSE.badMessage;
      const message = known ? error.message : 'Something went wrong inside Perch';
      this.sendText({ type: 'error', code: known ? error.code : 'internal', message });
      this.end(code, message);
    }
  }

  /** The client gave a sign of life. */
  heard(): void {
    this.#heardMs = this.#feeds.clock.monoMs();
  }

  /** Called every other second: pings, and ends a socket that is silent, stuck or still unknown. */
  check(nowMs: number): void {
    if (this.#closed) return;
    if (this.#socket.waitingBytes === 0) this.#busySinceMs = null;
    else this.#busySinceMs ??= nowMs;
    const stuck = this.#busySinceMs !== null && nowMs - this.#busySinceMs >= STUCK_MS;
    if (stuck || nowMs - this.#heardMs >= SILENT_MS) this.#drop();
    else if (!this.#find && nowMs - this.#openedMs >= AUTH_WITHIN_MS) this.end(CLOSE.unauthenticated, 'Sign in first');
    else if (nowMs - this.#pingedMs >= PING_EVERY_MS) {
      this.#pingedMs = nowMs;
      this.#socket.ping();
    }
  }

  /** Says why and closes. */
  end(code: number, reason: string): void {
    if (this.#closed) return;
    this.dispose();
    this.#socket.close(code, reason);
    this.#farewell = this.#feeds.clock.after(FAREWELL_MS, () => this.#socket.terminate());
  }

  /** The socket is gone: frees everything. Idempotent. */
  gone(): void {
    this.dispose();
    this.#farewell?.cancel();
  }

  /** Ends all subscriptions and hears nothing more. Idempotent. */
  dispose(): void {
    this.#closed = true;
    for (const subscription of this.#subscriptions.values()) subscription[Symbol.dispose]();
    this.#subscriptions.clear();
  }

  sendText(message: object): void {
    if (this.#closed) return;
    if (this.#socket.waitingBytes > MAX_WAITING_BYTES) this.#drop();
    else this.#socket.sendText(JSON.stringify(message));
  }

  sendPicture(head: Uint8Array, data: Uint8Array): void {
    this.#socket.sendPicture(head, data, this.#onSent);
    this.#busySinceMs = null;
  }

  offer(subscription: Subscription): void {
    if (this.#closed || this.#socket.waitingBytes > 0) return;
    if (subscription.trySend()) this.#lastServed = subscription.id;
  }

  ended(subscription: Subscription, code: string, message: string): void {
    this.#forget(subscription.id);
    this.sendText({ type: 'ended', id: subscription.id, code, message });
  }

  #handle(message: ClientMessage): void {
    if (message.type === 'auth') {
      if (this.#find) throw new NvrError('bad_input', 'Already signed in');
      const find = this.#signIn(message.token);
      if (!find) throw new NvrError('unauthenticated', 'This token is not good');
      this.admit(find);
      return;
    }
    if (!this.#find) throw new NvrError('unauthenticated', 'Sign in first');
    if (message.type === 'subscribe') this.#subscribe(this.#find, message);
    else if (message.type === 'unsubscribe') this.#forget(message.id);
    else this.#subscriptions.get(message.id)?.ack(message.seq);
  }

  #subscribe(
    find: FindCamera,
    { id, camera: ref, source, kind, width, fps, sound }: ClientMessage & { type: 'subscribe' },
  ): void {
    this.#forget(id);
    try {
      if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
        throw new NvrError('exhausted', `At most ${MAX_SUBSCRIPTIONS} subscriptions on one socket`);
      }
      const options = { id, width, fps, seq: this.#lastSeq.get(id) ?? 0 };
      const camera = find(ref, source);
      const subscription = this.#feeds.watch<LiveSubscription | Mp4Subscription>(camera, (feed) =>
        kind === 'jpeg'
          ? new LiveSubscription(feed, this, options)
          : new Mp4Subscription(feed, this, options, this.#feeds.fragmenters.acquire(camera, sound)),
      );
      if (this.#closed) subscription[Symbol.dispose]();
      else if (!subscription.over) this.#subscriptions.set(id, subscription);
    } catch (error) {
      if (!isNvrError(error)) throw error;
      this.sendText({ type: 'ended', id, code: error.code, message: error.message });
    }
  }

  #forget(id: number): void {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return;
    this.#subscriptions.delete(id);
    if (subscription.seq > 0) this.#lastSeq.set(id, subscription.seq);
    subscription[Symbol.dispose]();
  }

  /** The socket has room: the subscriptions get their turn, beginning behind the one served last. */
  #drained(): void {
    if (this.#closed || this.#socket.waitingBytes > 0) return;
    this.#busySinceMs = null;
    const all = [...this.#subscriptions.values()];
    const start = all.findIndex(({ id }) => id === this.#lastServed) + 1;
    for (let i = 0; i < all.length && this.#socket.waitingBytes === 0 && !this.#closed; i++) {
      const subscription = all[(start + i) % all.length]!;
      if (subscription.trySend()) this.#lastServed = subscription.id;
    }
  }

  #isFlood(): boolean {
    if (this.#heardMs - this.#windowMs >= FLOOD_WINDOW_MS) {
      this.#windowMs = this.#heardMs;
      this.#messages = 0;
    }
    return ++this.#messages > FLOOD_MESSAGES;
  }

  #drop(): void {
    this.dispose();
    this.#socket.terminate();
  }
}
