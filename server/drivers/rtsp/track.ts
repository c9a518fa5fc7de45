// One track while it plays: packets to frames with both clocks, and its counts.

import type { Frame, Instant } from '../../core/frame.ts';
import type { Tally } from '../../core/tally.ts';
import { encodeReceiverReport, parseRtcp, parseRtp, RtpClock, type RtpPacket } from '../../media/rtp.ts';
import type { Depacketizer, RtpDrop, RtpFrame } from '../../media/rtp-depacketizer.ts';
import { REORDER_PACKETS, RtpOrder } from '../../media/rtp-order.ts';
import type { SdpMedia } from '../../media/sdp.ts';
import { limits } from './limits.ts';
import type { MediaZeroPolicy } from './policies.ts';
import { createDepacketizer } from './tracks.ts';

/** What sessions count. */
export type RtspCount =
  | RtpDrop
  | 'packets'
  | 'lost'
  | 'late'
  | 'unreadable'
  | 'strangePayload'
  | 'unassigned'
  | 'goodbyes';

/** What a track works with. */
export type TrackOptions = {
  readonly media: SdpMedia;
  readonly tally: Tally<RtspCount>;
  readonly time: () => Instant;
  readonly mediaZero: MediaZeroPolicy;
  /** Whether packets may come out of order. */
  readonly isDatagram: boolean;
  readonly onFrame: (frame: Frame) => void;
};

const U32 = 2 ** 32;

/** See the head of this file. */
export class Track {
  readonly media: SdpMedia;
  readonly #options: TrackOptions;
  readonly #depacketizer: Depacketizer;
  readonly #order: RtpOrder;
  #clock: RtpClock | null = null;
  #lastReport = 0;
  /** `rtptime` of the reply to PLAY. */
  rtpTime: number | null = null;
  /** Pictures that came damaged. */
  damaged = 0;

  constructor(options: TrackOptions) {
    this.#options = options;
    this.media = options.media;
    const { tally } = options;
    this.#depacketizer = createDepacketizer(options.media, {
      frame: (frame) => this.#onFrame(frame),
      drop: (reason) => {
        if (reason !== 'beforeKey') this.damaged++;
        tally.add(reason);
      },
    })!;
    this.#order = new RtpOrder(options.isDatagram ? REORDER_PACKETS : 0, (packet, lost) => {
      if (lost > 0) tally.add('lost', lost);
      this.#depacketizer.push(packet, lost);
    });
  }

  /** Bytes of unfinished frames. */
  get heldBytes(): number {
    return this.#depacketizer.heldBytes;
  }

  /** Takes what came on the RTP channel or port. */
  onRtp(bytes: Uint8Array): void {
    const { tally, media } = this.#options;
    const packet = parseRtp(bytes);
    if (!packet) {
      tally.add('unreadable');
      return;
    }
    if (packet.payloadType !== media.payloadType) {
      tally.add('strangePayload');
      return;
    }
    tally.add('packets');
    this.#clock ??= this.#startClock(packet);
    this.#order.push(packet, this.#options.time().monoMs);
  }

  /** Takes what came on the RTCP channel or port. */
  onRtcp(bytes: Uint8Array): void {
    const facts = parseRtcp(bytes);
    if (!facts) return;
    if (facts.lastReport !== null) this.#lastReport = facts.lastReport;
    // Not believed: some firmware says goodbye and goes on. A stream that really ends falls silent.
    if (facts.bye) this.#options.tally.add('goodbyes');
  }

  /** A receiver report, or `null` before the first packet. */
  report(ssrc: number): Uint8Array | null {
    if (this.#order.ssrc < 0) return null;
    const { lost, highest } = this.#order;
    return encodeReceiverReport({
      ssrc,
      source: this.#order.ssrc,
      lost,
      highestSequence: highest,
      lastReport: this.#lastReport,
    });
  }

  #startClock({ timestamp }: RtpPacket): RtpClock {
    const { clockRate } = this.media;
    const zero = this.#options.mediaZero === 'rtpInfo' ? this.rtpTime : null;
    const distance = zero === null ? 0 : (timestamp - zero + U32) % U32;
    const isNear = Math.min(distance, U32 - distance) <= limits.mediaZeroSeconds * clockRate;
    return new RtpClock(clockRate, isNear && zero !== null ? zero : timestamp);
  }

  #onFrame({ timestamp, ...frame }: RtpFrame): void {
    const { at, monoMs } = this.#options.time();
    const mediaMs = this.#clock?.toMs(timestamp) ?? null;
    this.#options.onFrame({ ...frame, mediaMs, at, monoMs });
  }
}
