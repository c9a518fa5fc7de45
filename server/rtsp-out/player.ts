// One reader that plays: frames from its own cursors into its connection, as fast as the connection takes them. Holds
// nothing: a reader that is behind goes on at the newest key picture.

import type { HubItem, HubReader } from '../cameras/frame-hub.ts';
import type { Clock } from '../core/clock.ts';
import type { Frame } from '../core/frame.ts';
import { NO_SIGNAL_MS } from '../live/live-camera.ts';
import type { ByteStream } from '../net/stream.ts';
import type { CardLease } from './card-source.ts';
import { CARD_AFTER_MS, MAX_LAG_MS, MAX_QUEUED_BYTES, REPORT_MS, STUCK_MS } from './limits.ts';
import type { MediaSource } from './media-source.ts';
import type { Outlet } from './outlet.ts';

/** Why a player ends by itself. `format`: the camera's codec or its parameters changed. `stuck`: the reader takes nothing. */
export type PlayerEnd = 'format' | 'stuck';

/** What {@link Player} works with. */
export type PlayerOptions = {
  readonly stream: ByteStream;
  readonly source: MediaSource;
  /** Those that were set up. */
  readonly outlets: readonly Outlet[];
  readonly clock: Clock;
  readonly cname: string;
  readonly onEnd: (end: PlayerEnd) => void;
  /** Told of pictures that a slow reader did not get. */
  readonly onSkipped: (frames: number) => void;
};

/** See the head of this file. Dispose it. */
export class Player implements Disposable {
  readonly #options: PlayerOptions;
  readonly #video: Outlet | undefined;
  readonly #audio: Outlet | undefined;
  #pictures: HubReader | null = null;
  #sounds: HubReader | null = null;
  #cards: { readonly lease: CardLease; readonly reader: HubReader } | null = null;
  #picture: HubItem | null = null;
  #sound: HubItem | null = null;
  #needsKey = true;
  #pumping = false;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #takenMs: number;
  #beginsMs = 0;
  /** When the camera's newest picture came, and how long after the one before. */
  #seen = { monoMs: Number.NaN, gapMs: Number.NaN };

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.#video = options.outlets.find(({ plan }) => plan.kind === 'video');
    this.#audio = options.outlets.find(({ plan }) => plan.kind === 'audio');
    this.#takenMs = options.clock.monoMs();
    options.stream.onDrain(() => this.#pump());
  }

  get isPlaying(): boolean {
    return this.#pictures !== null;
  }

  /**
   * Takes its place at the newest key picture; nothing is sent yet.
   * @returns the moment on the monotonic clock with which it begins
   */
  prepare(): number {
    this.pause();
    const beginsMs = this.#seek();
    for (const outlet of this.#options.outlets) outlet.startAt(beginsMs);
    return beginsMs;
  }

  /** Sends from there on. */
  play(): void {
    this.#takenMs = this.#options.clock.monoMs();
    this.#report(this.#takenMs);
    this.#pump();
  }

  pause(): void {
    this.#pictures?.[Symbol.dispose]();
    this.#sounds?.[Symbol.dispose]();
    this.#pictures = this.#sounds = this.#picture = this.#sound = null;
    this.#leaveCards();
  }

  /** Says goodbye for each track. */
  sayGoodbye(): void {
    for (const outlet of this.#options.outlets) this.#options.stream.write(outlet.bye());
  }

  /** Does what is due; called about once a second. */
  tick(nowMs: number): void {
    if (!this.isPlaying) return;
    const { stream, onEnd } = this.#options;
    if (stream.queuedBytes < MAX_QUEUED_BYTES) this.#takenMs = nowMs;
    if (nowMs - this.#takenMs > STUCK_MS) {
      onEnd('stuck');
      return;
    }
    if (nowMs - this.#reportedMs >= REPORT_MS) this.#report(nowMs);
    this.#lookForSignal(nowMs);
    this.#pump();
  }

  [Symbol.dispose](): void {
    this.pause();
  }

  /** Opens the cursors at the newest key picture. */
  #seek(): number {
    const { source, clock } = this.#options;
    this.#pictures?.[Symbol.dispose]();
    this.#sounds?.[Symbol.dispose]();
    this.#sound = null;
    this.#needsKey = true;
    const common = { policy: 'every', onFrame: () => this.#pump() } as const;
    this.#pictures = source.pictures.open({ ...common, kinds: 'video', start: 'newestKey' });
    this.#picture = this.#pictures.poll();
    const nowMs = clock.monoMs();
    // What an encoder made an hour ago is still in its ring.
    if (this.#picture && nowMs - this.#picture.frame.monoMs >= NO_SIGNAL_MS) {
      this.#pictures[Symbol.dispose]();
      this.#pictures = source.pictures.open({ ...common, kinds: 'video', start: 'live' });
      this.#picture = null;
    }
    const beginsMs = this.#picture?.frame.monoMs ?? nowMs;
    this.#beginsMs = beginsMs;
    this.#sounds = this.#audio
      ? source.sounds.open({ ...common, kinds: 'audio', start: { sinceMonoMs: beginsMs } })
      : null;
    if (!this.#video) this.#picture = null;
    return beginsMs;
  }

  #pump(): void {
    if (this.#pumping || !this.isPlaying) return;
    this.#pumping = true;
    try {
      while (this.isPlaying && this.#options.stream.queuedBytes < MAX_QUEUED_BYTES) if (!this.#sendNext()) break;
    } finally {
      this.#pumping = false;
    }
  }

  /** Sends the earlier of the next picture and the next sound. @returns whether there was one */
  #sendNext(): boolean {
    if (!this.#video)
      while (this.#pictures?.poll()); // nobody wants them
    else this.#picture ??= this.#cards?.reader.poll() ?? this.#pictures?.poll() ?? null;
    this.#catchUp();
    this.#sound ??= this.#sounds?.poll() ?? null;
    const [picture, sound] = [this.#picture, this.#sound];
    if (!picture && !sound) return false;
    if (sound && (!picture || sound.frame.monoMs < picture.frame.monoMs)) {
      this.#sound = null;
      this.#send(this.#audio, sound.frame);
    } else if (picture) {
      this.#picture = null;
      this.#sendPicture(picture);
    }
    return true;
  }

  /** A reader that is far behind goes on at the newest key picture, when that is newer than where it is. */
  #catchUp(): void {
    const { source, onSkipped } = this.#options;
    const [next, newest] = [this.#picture, source.pictures.newestVideo];
    if (!next || !newest || this.#cards || newest.frame.monoMs - next.frame.monoMs < MAX_LAG_MS) return;
    using probe = source.pictures.open({ kinds: 'video', policy: 'every', start: 'newestKey' });
    const key = probe.poll();
    if (!key || key.seq <= next.seq) return;
    this.#seek();
    onSkipped(key.seq - next.seq);
  }

  #sendPicture({ frame, missed }: HubItem): void {
    if (frame.kind !== 'video') return;
    if (!this.#cards) this.#seen = { monoMs: frame.monoMs, gapMs: frame.monoMs - this.#seen.monoMs };
    if (missed > 0) {
      this.#options.onSkipped(missed);
      if (!frame.key) this.#needsKey = true;
    }
    if (this.#needsKey && !frame.key) return;
    this.#needsKey = false;
    this.#send(this.#video, frame);
  }

  #send(outlet: Outlet | undefined, frame: Frame): void {
    if (!outlet) return;
    // The card has the same size; its parameter sets are in front of its key pictures, should they differ.
    if (!outlet.plan.fits(frame) && !this.#cards) {
      this.#options.onEnd('format');
      return;
    }
    const monoMs = outlet.timeOf(frame);
    if (frame.kind === 'audio' && monoMs < this.#beginsMs) return;
    const bytes = outlet.encode(frame, monoMs);
    if (bytes) this.#options.stream.write(bytes);
  }

  /** Encoded cameras go on with the card while there is no signal; it ends with their next picture. */
  #lookForSignal(nowMs: number): void {
    const { source } = this.#options;
    const newest = source.pictures.newestVideo?.frame;
    // Some cameras have a picture every eight seconds: those are not lost in between.
    const afterMs = this.#seen.gapMs < CARD_AFTER_MS / 2 ? CARD_AFTER_MS : NO_SIGNAL_MS;
    const isLost = !newest || nowMs - newest.monoMs >= afterMs;
    if (!isLost) this.#leaveCards();
    if (!isLost || this.#cards || !this.#video) return;
    const lease = source.card();
    if (!lease) return;
    this.#needsKey = true;
    const reader = lease.hub.open({
      ...{ kinds: 'video', policy: 'every', start: 'newestKey' },
      onFrame: () => this.#pump(),
    });
    this.#cards = { lease, reader };
  }

  #leaveCards(): void {
    if (!this.#cards) return;
    this.#cards.reader[Symbol.dispose]();
    this.#cards.lease[Symbol.dispose]();
    this.#cards = null;
    this.#needsKey = true;
  }

  #report(nowMs: number): void {
    const { stream, outlets, clock, cname } = this.#options;
    this.#reportedMs = nowMs;
    for (const outlet of outlets) stream.write(outlet.report(nowMs, clock.wallMs(), cname));
  }
}
