// How fast the packets of pictures leave. A key picture, or what the ring holds of the past, all at once would fill the
// buffers on the way and be lost there, and what is asked for again would be lost with them.

import type { Clock, Timer } from '../core/clock.ts';
import { BURST_BYTES, MAX_BYTES_PER_MS } from './limits.ts';

const INTERLEAVED_BYTES = 4;

/** The packets of a train (packet-train.ts), without what RTSP puts in front. */
export function* packetsIn(train: Uint8Array): Generator<Uint8Array, undefined> {
  const view = new DataView(train.buffer, train.byteOffset, train.byteLength);
  for (let at = 0; at < train.length; ) {
    const end = at + INTERLEAVED_BYTES + view.getUint16(at + 2);
    yield train.subarray(at + INTERLEAVED_BYTES, end);
    at = end;
  }
}

/** One train at a time. Dispose it: what has not left yet stays. */
export class PacedPackets implements Disposable {
  readonly #clock: Clock;
  readonly #send: (packet: Uint8Array) => void;
  readonly #onFree: () => void;
  #waiting: Generator<Uint8Array, undefined> | null = null;
  #pause: Timer | null = null;
  /** Bytes that have left and are thought to be on their way still, at a moment. */
  #afloat = 0;
  #atMs = Number.NEGATIVE_INFINITY;
  #bytesPerMs = MAX_BYTES_PER_MS;

  /** @param onFree a train that had to wait has left: the next one may come */
  constructor(clock: Clock, send: (packet: Uint8Array) => void, onFree: () => void) {
    this.#clock = clock;
    this.#send = send;
    this.#onFree = onFree;
  }

  /** Whether a train is waiting: no other one may come. */
  get isBusy(): boolean {
    return this.#waiting !== null;
  }

  /** How fast it goes from now on; never faster than {@link MAX_BYTES_PER_MS}. */
  goAt(bytesPerMs: number): void {
    this.#bytesPerMs = Math.min(bytesPerMs, MAX_BYTES_PER_MS);
  }

  /** Sends its packets, at once as far as that is good. */
  push(train: Uint8Array): void {
    this.#waiting = packetsIn(train);
    this.#goOn();
  }

  [Symbol.dispose](): void {
    this.#pause?.cancel();
    this.#waiting = null;
  }

  #goOn(): void {
    while (this.#waiting) {
      const packet = this.#waiting.next().value;
      if (!packet) {
        this.#waiting = null;
        return;
      }
      this.#send(packet);
      const waitMs = this.#waitAfter(packet.length);
      if (waitMs === 0 || !this.#waiting) continue;
      this.#pause = this.#clock.after(waitMs, () => {
        this.#goOn();
        if (!this.#waiting) this.#onFree();
      });
      return;
    }
  }

  #waitAfter(bytes: number): number {
    const nowMs = this.#clock.monoMs();
    this.#afloat = Math.max(0, this.#afloat - (nowMs - this.#atMs) * this.#bytesPerMs) + bytes;
    this.#atMs = nowMs;
    return Math.ceil(Math.max(0, this.#afloat - BURST_BYTES) / this.#bytesPerMs);
  }
}
