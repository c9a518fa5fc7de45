// One client's pictures and sound, from the hubs into packets, at once. What waits, waits in the hub: pictures are taken from
// there as they can leave. A browser shows pictures at the distances of their times, so those of what is in the ring before
// now are a millisecond apart.

import type { FrameHub, HubItem, HubReader } from '../cameras/frame-hub.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { NO_SIGNAL_MS } from '../live/live-camera.ts';
import { PictureTimes } from '../media/picture-times.ts';
import type { CardLease } from '../rtsp-out/card-source.ts';
import type { MediaSource } from '../rtsp-out/media-source.ts';
import type { Outlet } from '../rtsp-out/outlet.ts';
import { G711Cutter } from './g711-cutter.ts';
import {
  KEY_AGAIN_MS,
  MAX_BYTES_PER_MS,
  MAX_KEY_AGAIN_MS,
  MAX_KEY_AGE_MS,
  PAST_BYTES_PER_MS,
  PAST_SPEED,
  REPORT_MS,
} from './limits.ts';
import { PacedPackets, packetsIn } from './paced-packets.ts';

const INTERLEAVED_BYTES = 4;
/** Between two pictures that were there before the client. */
const BURST_STEP_MS = 1;

/** What {@link Sender} works with. */
export type SenderOptions = {
  readonly source: MediaSource;
  readonly video: Outlet;
  readonly audio: Outlet | null;
  readonly clock: Clock;
  readonly cname: string;
  /** A packet of RTP. */
  readonly send: (packet: Uint8Array) => void;
  /** A packet of RTCP. */
  readonly control: (packet: Uint8Array) => void;
  /** The camera sends another codec now, or B-frames. */
  readonly onFormat: () => void;
};

/** See the head of this file. Dispose it. */
export class Sender implements Disposable {
  readonly #options: SenderOptions;
  #pictures: HubReader | null = null;
  #sounds: HubReader | null = null;
  #cards: { readonly lease: CardLease; readonly reader: HubReader } | null = null;
  #needsKey = true;
  #lastMs: number;
  /** When and for how long no key picture is sent again. */
  #seekedMs = Number.NEGATIVE_INFINITY;
  #againMs = KEY_AGAIN_MS;
  #wish: Timer | null = null;
  /** Whether it has not come to now yet; pictures of the past still to be sent. */
  #isBehind = false;
  #behind = 0;
  readonly #paced: PacedPackets;
  readonly #cutter = new G711Cutter();
  readonly #order = new PictureTimes();
  #heardMs = Number.NEGATIVE_INFINITY;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #disposed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    const { clock, send } = options;
    this.#lastMs = clock.monoMs();
    this.#paced = new PacedPackets(clock, send, () => this.#pumpPictures());
  }

  /** Sends the newest key picture, what follows it, and goes on. */
  start(): void {
    const { source, video, audio, clock } = this.#options;
    const nowMs = clock.monoMs();
    // The pictures of the ring end about now, whatever their number.
    this.#lastMs = nowMs - past(source.pictures).count * BURST_STEP_MS;
    video.startAt(this.#lastMs);
    audio?.startAt(this.#lastMs);
    this.#report(nowMs);
    if (audio) {
      const onFrame = () => this.#pumpSound();
      this.#sounds = source.sounds.open({ kinds: 'audio', policy: 'every', start: 'live', onFrame });
    }
    this.#seek(nowMs);
  }

  /**
   * The client lost its picture: begins again at the newest key picture, now or as soon as it may. The pictures in between
   * go on; the camera's own next key picture does as well.
   */
  wantKey(): void {
    const { clock } = this.#options;
    if (this.#disposed || this.#cards || this.#wish) return;
    const nowMs = clock.monoMs();
    const waitMs = this.#seekedMs + this.#againMs - nowMs;
    if (waitMs <= 0) this.#seek(nowMs);
    else this.#wish = clock.after(waitMs, () => this.#seek(clock.monoMs()));
  }

  /** Does what is due; called about once a second. */
  tick(nowMs: number): void {
    if (this.#disposed || !this.#pictures) return;
    if (nowMs - this.#reportedMs >= REPORT_MS) this.#report(nowMs);
    this.#lookForSignal(nowMs);
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#wish?.cancel();
    this.#paced[Symbol.dispose]();
    this.#pictures?.[Symbol.dispose]();
    this.#sounds?.[Symbol.dispose]();
    this.#leaveCards();
    this.#pictures = this.#sounds = null;
  }

  #seek(nowMs: number): void {
    const { pictures } = this.#options.source;
    const isPast = isFresh(pictures, nowMs);
    const { count, spanMs, bytes } = isPast ? past(pictures) : NO_PAST;
    this.#paced.goAt(Math.max(PAST_BYTES_PER_MS, (PAST_SPEED * bytes) / Math.max(1, spanMs)));
    this.#forgetWish();
    this.#seekedMs = nowMs;
    this.#againMs = Math.min(Math.max(spanMs, KEY_AGAIN_MS), MAX_KEY_AGAIN_MS);
    this.#isBehind = isPast;
    this.#behind = count;
    this.#needsKey = true;
    this.#pictures?.[Symbol.dispose]();
    const common = { kinds: 'video', policy: 'every', onFrame: () => this.#pumpPictures() } as const;
    this.#pictures = pictures.open({ ...common, start: isPast ? 'newestKey' : 'live' });
    this.#pumpPictures();
  }

  #forgetWish(): void {
    this.#wish?.cancel();
    this.#wish = null;
  }

  #pumpPictures(): void {
    while (!this.#paced.isBusy) {
      const item = this.#nextPicture();
      if (!item) {
        this.#isBehind = false;
        this.#paced.goAt(MAX_BYTES_PER_MS);
        return;
      }
      this.#sendPicture(item);
      this.#behind = Math.max(0, this.#behind - 1);
    }
  }

  #nextPicture(): HubItem | null {
    return this.#disposed ? null : ((this.#cards?.reader ?? this.#pictures)?.poll() ?? null);
  }

  #sendPicture({ frame, missed }: HubItem): void {
    if (frame.kind !== 'video') return;
    // Those that are sent again are no news.
    if (frame.monoMs > this.#heardMs) this.#order.hear(frame);
    this.#heardMs = Math.max(this.#heardMs, frame.monoMs);
    if (frame.codec !== 'h264' || this.#order.isReordered) {
      this.#options.onFormat();
      return;
    }
    if (missed > 0 && !frame.key) this.#needsKey = true;
    if (this.#needsKey && !frame.key) return;
    this.#needsKey = false;
    const { video, clock } = this.#options;
    if (frame.key && !this.#isBehind) {
      // The camera's own: a wish from before is fulfilled, and to send this one again costs little.
      this.#forgetWish();
      this.#againMs = KEY_AGAIN_MS;
    }
    // The past ends about now, however long it takes.
    const pastMs = this.#isBehind ? clock.monoMs() - this.#behind * BURST_STEP_MS : Number.NEGATIVE_INFINITY;
    this.#lastMs = Math.max(this.#lastMs + BURST_STEP_MS, video.timeOf(frame), pastMs);
    const train = video.encode(frame, this.#lastMs);
    if (train) this.#paced.push(train);
  }

  #pumpSound(): void {
    const { audio } = this.#options;
    if (!audio || this.#disposed) return;
    for (let item = this.#sounds?.poll(); item; item = this.#sounds?.poll()) {
      const { frame } = item;
      if (frame.kind !== 'audio' || !audio.plan.fits(frame)) continue;
      for (const block of this.#cutter.push(frame, audio.timeOf(frame))) {
        const train = audio.encode(block.frame, block.monoMs);
        for (const packet of train ? packetsIn(train) : []) this.#options.send(packet);
      }
    }
  }

  #report(nowMs: number): void {
    const { video, audio, clock, cname, control } = this.#options;
    this.#reportedMs = nowMs;
    for (const outlet of audio ? [video, audio] : [video]) {
      control(outlet.report(nowMs, clock.wallMs(), cname).subarray(INTERLEAVED_BYTES));
    }
  }

  /** Encoded cameras go on with the card while there is no signal. */
  #lookForSignal(nowMs: number): void {
    const { source } = this.#options;
    const newest = source.pictures.newestVideo?.frame;
    const isLost = !newest || nowMs - newest.monoMs >= NO_SIGNAL_MS;
    if (!isLost && this.#cards) {
      this.#leaveCards();
      this.#seek(nowMs);
    }
    if (!isLost || this.#cards) return;
    const lease = source.card();
    if (!lease) return;
    this.#needsKey = true;
    const onFrame = () => this.#pumpPictures();
    const reader = lease.hub.open({ kinds: 'video', policy: 'every', start: 'newestKey', onFrame });
    this.#cards = { lease, reader };
    this.#pumpPictures();
  }

  #leaveCards(): void {
    this.#cards?.reader[Symbol.dispose]();
    this.#cards?.lease[Symbol.dispose]();
    this.#cards = null;
    this.#needsKey = true;
  }
}

/** Whether its newest picture may be begun with: what an encoder made an hour ago is still in its ring. */
function isFresh(hub: FrameHub, nowMs: number): boolean {
  const newest = hub.newestVideo?.frame;
  return newest !== undefined && nowMs - newest.monoMs < MAX_KEY_AGE_MS;
}

const NO_PAST = { count: 0, spanMs: 0, bytes: 0 };

/** Pictures from the newest key picture on, how long they last, and how large they are. */
function past(hub: FrameHub): typeof NO_PAST {
  using reader = hub.open({ kinds: 'video', policy: 'every', start: 'newestKey' });
  let count = 0;
  let bytes = 0;
  let firstMs = 0;
  let lastMs = 0;
  for (let item = reader.poll(); item; item = reader.poll()) {
    lastMs = item.frame.monoMs;
    if (count === 0) firstMs = lastMs;
    bytes += item.frame.data.byteLength;
    count++;
  }
  return { count, spanMs: lastMs - firstMs, bytes };
}
