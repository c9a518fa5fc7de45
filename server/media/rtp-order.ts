// Puts one track's packets in order and says how many are missing. UDP reorders and repeats; TCP does not, but cameras skip
// numbers there too when their own buffers overflow.

import { type RtpPacket, sequenceDistance } from './rtp.ts';

/** Packets kept while an earlier one is awaited. */
export const REORDER_PACKETS = 32;
/** Longest wait for an earlier packet: a network that reorders does so within milliseconds. */
export const REORDER_MS = 100;
/** A jump beyond this is a new beginning, not a loss. */
const MAX_JUMP = 3000;

/** Told of each packet in order; `lost` packets are missing before it. */
export type OrderedHandler = (packet: RtpPacket, lost: number) => void;

/** One track's order. With `window` 0 nothing is held: for streams that keep order themselves. */
export class RtpOrder {
  readonly #window: number;
  readonly #handler: OrderedHandler;
  readonly #held = new Map<number, RtpPacket>();
  #next = -1;
  #heldSinceMs = 0;
  #ssrc = -1;
  /** Packets that never came. */
  lost = 0;
  /** Packets that came twice or too late. */
  late = 0;
  /** The highest number handed out, extended by its wraps, for receiver reports. */
  highest = 0;

  constructor(window: number, handler: OrderedHandler) {
    this.#window = window;
    this.#handler = handler;
  }

  /** The sender's number; -1 before the first packet. */
  get ssrc(): number {
    return this.#ssrc;
  }

  /** Takes a packet; the bytes of a packet that is held are copied. `nowMs` is monotonic. */
  push(packet: RtpPacket, nowMs = 0): void {
    if (this.#held.size > 0 && nowMs - this.#heldSinceMs >= REORDER_MS) this.#giveUp(nowMs);
    if (packet.ssrc !== this.#ssrc) this.#restart(packet);
    const distance = sequenceDistance(this.#next, packet.sequence);
    if (distance === 0) {
      this.#give(packet, 0);
      this.#drain(nowMs);
    } else if (Math.abs(distance) > MAX_JUMP) {
      this.#restart(packet);
      this.#give(packet, 1);
    } else if (distance < 0 || this.#held.has(packet.sequence)) {
      this.late++;
    } else if (this.#window === 0) {
      this.#give(packet, distance);
    } else {
      if (this.#held.size === 0) this.#heldSinceMs = nowMs;
      this.#held.set(packet.sequence, { ...packet, payload: packet.payload.slice() });
      if (this.#held.size > this.#window || distance > this.#window) this.#giveUp(nowMs);
    }
  }

  #restart({ ssrc, sequence }: RtpPacket): void {
    this.#held.clear();
    this.#ssrc = ssrc;
    this.#next = sequence;
  }

  /** Stops waiting for the oldest hole. */
  #giveUp(nowMs: number): void {
    let first: RtpPacket | null = null;
    let nearest = Number.POSITIVE_INFINITY;
    for (const packet of this.#held.values()) {
      const distance = sequenceDistance(this.#next, packet.sequence);
      if (distance < nearest) {
        nearest = distance;
        first = packet;
      }
    }
    if (!first) return;
    this.#held.delete(first.sequence);
    this.#give(first, nearest);
    this.#drain(nowMs);
  }

  /** Gives what follows without a hole; what is still held waits for another hole, from now on. */
  #drain(nowMs: number): void {
    this.#heldSinceMs = nowMs;
    for (let packet = this.#held.get(this.#next); packet; packet = this.#held.get(this.#next)) {
      this.#held.delete(packet.sequence);
      this.#give(packet, 0);
    }
  }

  #give(packet: RtpPacket, lost: number): void {
    this.lost += lost;
    this.#next = (packet.sequence + 1) & 0xffff;
    const wraps = packet.sequence < (this.highest & 0xffff) - 0x8000 ? 0x10000 : 0;
    this.highest = ((this.highest & 0xffff0000) >>> 0) + wraps + packet.sequence;
    this.#handler(packet, lost);
  }
}
