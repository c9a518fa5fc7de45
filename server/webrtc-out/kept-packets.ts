// The packets of one source that were sent last, sealed: what a client lost is sent again as it was. Bounded in number and in
// how often a client may ask.

import { MAX_KEPT_PACKETS, MAX_RESENT_PER_SECOND } from './limits.ts';

/** See the head of this file. */
export class KeptPackets {
  readonly #packets = new Map<number, Uint8Array>();
  #resent = 0;
  #secondEndMs = 0;

  keep(sequence: number, packet: Uint8Array): void {
    // Numbers come round after 65536 packets: the old one of this number is long gone.
    this.#packets.set(sequence, packet);
    if (this.#packets.size <= MAX_KEPT_PACKETS) return;
    const oldest = this.#packets.keys().next().value;
    if (oldest !== undefined) this.#packets.delete(oldest);
  }

  /** The packet, if it is kept and the client has not asked too often. */
  again(sequence: number, nowMs: number): Uint8Array | null {
    if (nowMs >= this.#secondEndMs) {
      this.#secondEndMs = nowMs + 1000;
      this.#resent = 0;
    }
    const packet = this.#packets.get(sequence);
    if (!packet || this.#resent >= MAX_RESENT_PER_SECOND) return null;
    this.#resent++;
    return packet;
  }
}
