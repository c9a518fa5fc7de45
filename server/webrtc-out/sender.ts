// One client's pictures and sound, from the hubs into packets, at once. UDP takes what it is given: nothing is queued here.
// A browser shows pictures at the distances of their times, so what is in the ring before now goes out a millisecond apart.

import type { FrameHub, HubItem, HubReader } from '../cameras/frame-hub.ts';
import type { Clock } from '../core/clock.ts';
import type { Frame } from '../core/frame.ts';
import { NO_SIGNAL_MS } from '../live/live-camera.ts';
import type { CardLease } from '../rtsp-out/card-source.ts';
import type { MediaSource } from '../rtsp-out/media-source.ts';
import type { Outlet } from '../rtsp-out/outlet.ts';
import { KEY_AGAIN_MS, MAX_KEY_AGE_MS, REPORT_MS } from './limits.ts';

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
  /** The camera sends another codec now. */
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
  #seekedMs = Number.NEGATIVE_INFINITY;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #disposed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#lastMs = options.clock.monoMs();
  }

  /** Sends the newest key picture, what follows it, and goes on. */
  start(): void {
    const { source, video, audio, clock } = this.#options;
    const nowMs = clock.monoMs();
    // The pictures of the ring end about now, whatever their number.
    this.#lastMs = nowMs - pending(source.pictures) * BURST_STEP_MS;
    video.startAt(this.#lastMs);
    audio?.startAt(this.#lastMs);
    this.#report(nowMs);
    if (audio) {
      const onFrame = () => this.#pumpSound();
      this.#sounds = source.sounds.open({ kinds: 'audio', policy: 'every', start: 'live', onFrame });
    }
    this.#seek(nowMs);
  }

  /** The client lost its picture: begins again at the newest key picture. */
  wantKey(): void {
    const nowMs = this.#options.clock.monoMs();
    if (this.#disposed || this.#cards || nowMs - this.#seekedMs < KEY_AGAIN_MS) return;
    this.#seek(nowMs);
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
    this.#pictures?.[Symbol.dispose]();
    this.#sounds?.[Symbol.dispose]();
    this.#leaveCards();
    this.#pictures = this.#sounds = null;
  }

  #seek(nowMs: number): void {
    this.#seekedMs = nowMs;
    this.#needsKey = true;
    this.#pictures?.[Symbol.dispose]();
    const { pictures } = this.#options.source;
    const common = { kinds: 'video', policy: 'every', onFrame: () => this.#pumpPictures() } as const;
    this.#pictures = pictures.open({ ...common, start: isFresh(pictures, nowMs) ? 'newestKey' : 'live' });
    this.#pumpPictures();
  }

  #pumpPictures(): void {
    for (let item = this.#nextPicture(); item; item = this.#nextPicture()) this.#sendPicture(item);
  }

  #nextPicture(): HubItem | null {
    return this.#disposed ? null : ((this.#cards?.reader ?? this.#pictures)?.poll() ?? null);
  }

  #sendPicture({ frame, missed }: HubItem): void {
    if (frame.kind !== 'video') return;
    if (frame.codec !== 'h264') {
      this.#options.onFormat();
      return;
    }
    if (missed > 0 && !frame.key) this.#needsKey = true;
    if (this.#needsKey && !frame.key) return;
    this.#needsKey = false;
    const { video } = this.#options;
    this.#lastMs = Math.max(this.#lastMs + BURST_STEP_MS, video.timeOf(frame));
    this.#send(video, frame, this.#lastMs);
  }

  #pumpSound(): void {
    const { audio } = this.#options;
    if (!audio || this.#disposed) return;
    for (let item = this.#sounds?.poll(); item; item = this.#sounds?.poll()) {
      if (audio.plan.fits(item.frame)) this.#send(audio, item.frame, audio.timeOf(item.frame));
    }
  }

  #send(outlet: Outlet, frame: Frame, monoMs: number): void {
    const train = outlet.encode(frame, monoMs);
    if (!train) return;
    const view = new DataView(train.buffer, train.byteOffset, train.byteLength);
    for (let at = 0; at < train.length; ) {
      const end = at + INTERLEAVED_BYTES + view.getUint16(at + 2);
      this.#options.send(train.subarray(at + INTERLEAVED_BYTES, end));
      at = end;
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

/** Pictures from the newest key picture on. */
function pending(hub: FrameHub): number {
  using reader = hub.open({ kinds: 'video', policy: 'every', start: 'newestKey' });
  let count = 0;
  while (reader.poll()) count++;
  return count;
}
