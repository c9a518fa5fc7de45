// What leaves for one client: a queue of fragments sent in bursts, as the vendor's sender does.

import type { Clock, Timer } from '../../core/clock.ts';
import { mediaKind } from '../../drivers/iwfcam/wire.ts';
import type { Pace } from './options.ts';
import type { VendorWindow } from './vendor-window.ts';

/** Options of {@link ClientStream}. */
export type ClientStreamOptions = {
  readonly clock: Clock;
  readonly pace: Pace;
  /** Puts one datagram on the wire. */
  readonly transmit: (datagram: Uint8Array) => void;
  /** Present when the device keeps account of acknowledgements. */
  readonly window: VendorWindow | null;
};

/** The vendor's sender holds this many fragments; what does not fit is a frame less (section 11). */
export const MAX_QUEUED_FRAGMENTS = 128;
/** A frame may be this much early: timers are not exact. */
const RATE_SLACK_MS = 5;

/** The sender of one slot. */
export class ClientStream {
  readonly window: VendorWindow | null;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #transmit: (datagram: Uint8Array) => void;
  #queue: Uint8Array[] = [];
  #timer: Timer | null = null;
  #lastVideoMs = Number.NEGATIVE_INFINITY;

  constructor(options: ClientStreamOptions) {
    this.#clock = options.clock;
    this.#pace = options.pace;
    this.#transmit = options.transmit;
    this.window = options.window;
  }

  /** Whether a frame of that kind and size is taken now, or is one that the device fails to queue. */
  admits(kind: number, fragments: number): boolean {
    if (this.#queue.length + fragments > MAX_QUEUED_FRAGMENTS) return false;
    if (!this.window) return true;
    if (!this.window.admits(kind)) return false;
    if (kind !== mediaKind.video) return true;
    return this.#clock.monoMs() - this.#lastVideoMs >= 1000 / this.window.fpsCap - RATE_SLACK_MS;
  }

  /**
   * Queues a frame that {@link admits} took. The datagrams must not change any more.
   * @param queued what really goes out, when that is more than the frame
   */
  sendFrame(kind: number, frameIndex: number, datagrams: readonly Uint8Array[], queued = datagrams): void {
    if (kind === mediaKind.video) this.#lastVideoMs = this.#clock.monoMs();
    this.window?.sent(frameIndex, kind, datagrams);
    this.queue(queued);
  }

  /** Queues datagrams behind what is there. */
  queue(datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams) this.#queue.push(datagram);
    if (!this.#timer) this.#burst();
  }

  /** Media stops at once: what is queued is forgotten. */
  clear(): void {
    this.#queue = [];
    this.#timer?.cancel();
    this.#timer = null;
    this.window?.stop();
  }

  #burst(): void {
    this.#timer = null;
    const { fragments, everyMs } = this.#pace;
    const burst = this.#queue.length <= fragments ? this.#queue : this.#queue.slice(0, fragments);
    this.#queue = burst === this.#queue ? [] : this.#queue.slice(fragments);
    for (const datagram of burst) this.#transmit(datagram);
    // The pause holds also when nothing is left: the next frame may come before its end.
    if (burst.length > 0 && everyMs > 0) this.#timer = this.#clock.after(everyMs, () => this.#burst());
  }
}
