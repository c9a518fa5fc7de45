// Acknowledgements waiting to be sent: which frames are over. Pure; the session decides when to flush.
// Source: protocols/iwfcam.md section 12.

import { dialect, timing } from './dialect.ts';
import { encodeAcknowledge, MAX_ACK_ITEMS, WHOLE_FRAME } from './wire.ts';

/** Collects frames and makes one packet of them. */
export class AckQueue {
  readonly #frames: number[] = [];
  #packetsSinceFlush = 0;

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** One more media packet came; true when enough came since the last flush to send at once. */
  countPacket(): boolean {
    return ++this.#packetsSinceFlush >= timing.acknowledgePackets && this.#frames.length > 0;
  }

  /** A frame is over. Frames beyond what one packet holds are forgotten: the device asks again with a duplicate. */
  add(frameIndex: number): void {
    if (this.#frames.length < MAX_ACK_ITEMS && !this.#frames.includes(frameIndex)) this.#frames.push(frameIndex);
  }

  /** The packet to send now, or `null` when nothing waits. */
  take(session: number): Uint8Array | null {
    this.#packetsSinceFlush = 0;
    if (this.#frames.length === 0) return null;
    const items = this.#frames.map((frame) => ({ ack: true, frame, packet: WHOLE_FRAME }) as const);
    this.#frames.length = 0;
    return encodeAcknowledge({ session, fps: dialect.acknowledgedFps, items });
  }
}
