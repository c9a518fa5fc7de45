// One track of one reader: frames to stamped packets, with its own numbers, and its reports.

import { randomInt } from 'node:crypto';
import type { Frame } from '../core/frame.ts';
import { HOLE_MS, MediaTime, soundStartMs } from '../media/media-time.ts';
import { encodeBye, encodeSenderReport } from '../media/rtcp-sender.ts';
import type { TrackPlan } from './track-plan.ts';

const SEQUENCES = 0x10000;
const U32 = 2 ** 32;
const DOLLAR = 0x24;

/** The interleaved channels of a track. */
export type Channels = readonly [rtp: number, rtcp: number];

/** See the head of this file. */
export class Outlet {
  readonly plan: TrackPlan;
  readonly channels: Channels;
  readonly ssrc = randomInt(1, U32);
  readonly #time = new MediaTime();
  readonly #counted = new MediaTime({ maxLateMs: HOLE_MS });
  readonly #base = randomInt(U32);
  #sequence = randomInt(SEQUENCES);
  #zeroMs = 0;
  #samples = 0;
  #packets = 0;
  #bytes = 0;

  constructor(plan: TrackPlan, channels: Channels) {
    this.plan = plan;
    this.channels = channels;
  }

  /** Number of the next packet. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The RTP time of a moment on the monotonic clock. */
  timestampOf(monoMs: number): number {
    return (this.#base + Math.round(((monoMs - this.#zeroMs) * this.plan.clockRate) / 1000)) >>> 0;
  }

  /** All times are counted from there: the same moment for all tracks of a reader. */
  startAt(monoMs: number): void {
    if (this.#packets === 0) this.#zeroMs = monoMs;
  }

  /** When the frame belongs on the monotonic clock: the beginning, for sound. */
  timeOf(frame: Frame): number {
    if (frame.kind === 'video') return this.#time.toMono(frame.mediaMs, frame.monoMs);
    const startMs = soundStartMs(frame);
    if (frame.mediaMs !== null) return this.#time.toMono(frame.mediaMs, startMs);
    // Blocks without a time of their own are counted: they follow one another without a seam.
    const countedMs = (this.#samples * 1000) / frame.sampleRate;
    this.#samples += frame.samples;
    return this.#counted.toMono(countedMs, startMs);
  }

  /** The frame's packets, ready for the connection; `null` when it cannot be sent. */
  encode(frame: Frame, monoMs: number): Uint8Array | null {
    const train = this.plan.packets(frame);
    if (!train) return null;
    const bytes = train.stamped({
      ...{ channel: this.channels[0], payloadType: this.plan.payloadType, ssrc: this.ssrc },
      ...{ sequence: this.#sequence, timestamp: this.timestampOf(monoMs) },
    });
    this.#sequence = (this.#sequence + train.count) % SEQUENCES;
    this.#packets += train.count;
    this.#bytes += train.payloadBytes;
    return bytes;
  }

  /** Which RTP time is now, as a packet for the connection. */
  report(nowMonoMs: number, nowWallMs: number, cname: string): Uint8Array {
    const { ssrc } = this;
    const counts = { packets: this.#packets, bytes: this.#bytes };
    const timestamp = this.timestampOf(nowMonoMs);
    return this.#control(encodeSenderReport({ ssrc, wallMs: nowWallMs, timestamp, ...counts, cname }));
  }

  bye(): Uint8Array {
    return this.#control(encodeBye(this.ssrc));
  }

  #control(packet: Uint8Array): Uint8Array {
    const bytes = Buffer.alloc(4 + packet.length);
    bytes[0] = DOLLAR;
    bytes[1] = this.channels[1];
    bytes.writeUInt16BE(packet.length, 2);
    bytes.set(packet, 4);
    return bytes;
  }
}
