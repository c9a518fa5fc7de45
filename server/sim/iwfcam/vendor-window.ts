// Acknowledgements as the vendor's own device code keeps them (sections 12 and 17, row 18): it stops after a few frames
// that nobody acknowledged, sends those again every 4 s, and answers a NAK with the fragment. The rtthread cameras seen so
// far do none of this, which is why it is a switch.

import type { Clock, Timer } from '../../core/clock.ts';
import { type AckBlock, mediaKind, WHOLE_FRAME } from '../../drivers/iwfcam/wire.ts';

/** Options of {@link VendorWindow}. */
export type VendorWindowOptions = {
  readonly clock: Clock;
  /** Frames of one kind that may be unacknowledged. */
  readonly limit: number;
  readonly resendMs: number;
  /** Puts datagrams in the queue once more. */
  readonly resend: (datagrams: readonly Uint8Array[]) => void;
};

type Unacknowledged = { readonly kind: number; readonly datagrams: readonly Uint8Array[]; sentMs: number };

/** Wide pictures take so many packets that the vendor keeps fewer of them. */
export const windowFrames = (width: number) => (width > 640 ? 3 : 8);

/** What a device allows before any report. */
export const INITIAL_FPS_CAP = 35;

/** Frames on the way to one client. */
export class VendorWindow {
  /** The rate that the client's reports allow. */
  fpsCap = INITIAL_FPS_CAP;
  #lastFps = 0;
  readonly #options: VendorWindowOptions;
  readonly #frames = new Map<number, Unacknowledged>();
  #timer: Timer | null = null;

  constructor(options: VendorWindowOptions) {
    this.#options = options;
  }

  /** Whether another frame of that kind may leave. */
  admits(kind: number): boolean {
    let count = 0;
    for (const frame of this.#frames.values()) if (frame.kind === kind) count += 1;
    return count < this.#options.limit;
  }

  /** A frame was queued. */
  sent(frameIndex: number, kind: number, datagrams: readonly Uint8Array[]): void {
    this.#frames.set(frameIndex, { kind, datagrams, sentMs: this.#options.clock.monoMs() });
    this.#timer ??= this.#options.clock.after(this.#options.resendMs, () => this.#resendOld());
  }

  /** What the client reports: whole frames got through, single fragments did not. */
  acknowledge(block: AckBlock): void {
    for (const item of block.items) {
      if (item.ack) {
        if (item.packet === WHOLE_FRAME) this.#frames.delete(item.frame);
        continue;
      }
      const frame = item.mediaKind === mediaKind.video ? this.#frames.get(item.frame) : undefined;
      const datagram = frame?.datagrams[item.packet];
      if (datagram) this.#options.resend([datagram]);
    }
    if (block.fps !== 0 && block.fps !== this.#lastFps) {
      this.#lastFps = block.fps;
      this.fpsCap = Math.trunc((this.fpsCap + block.fps) / 2) + 5;
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#frames.clear();
  }

  #resendOld(): void {
    const { clock, resendMs, resend } = this.#options;
    const nowMs = clock.monoMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const frame of this.#frames.values()) {
      if (nowMs - frame.sentMs >= resendMs) {
        frame.sentMs = nowMs;
        resend(frame.datagrams);
      }
      nextMs = Math.min(nextMs, frame.sentMs + resendMs - nowMs);
    }
    this.#timer = Number.isFinite(nextMs) ? clock.after(nextMs, () => this.#resendOld()) : null;
  }
}
