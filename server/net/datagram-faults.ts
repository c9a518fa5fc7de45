// What a bad network does to datagrams, replayable from a seed. One path is one direction of one flow; the in-memory
// net puts one between each pair of hosts, a simulator one before its real socket.

import type { Clock, Timer } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { Endpoint } from './net.ts';

/** How bad a path is. Probabilities are per datagram, 0 to 1. */
export type Faults = {
  readonly loss: number;
  readonly duplicate: number;
  /** A datagram is held back until 1 to `reorderWindow` later ones have passed it. */
  readonly reorder: number;
  readonly reorderWindow: number;
  /** Each datagram takes `delayMs` plus up to `jitterMs`; jitter alone never reorders. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** A datagram of random bytes is put in front. */
  readonly garbage: number;
  /** One to three bits are flipped. */
  readonly corrupt: number;
};

/** A path that loses nothing and takes no time. */
export const noFaults: Faults = {
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderWindow: 4,
  delayMs: 0,
  jitterMs: 0,
  garbage: 0,
  corrupt: 0,
};

/** A datagram under way. */
export type Datagram = { readonly bytes: Uint8Array; readonly from: Endpoint; readonly to: Endpoint };

/** Options of {@link FaultyPath}. */
export type FaultyPathOptions = {
  readonly faults: Faults;
  readonly random: Random;
  readonly clock: Pick<Clock, 'monoMs' | 'after'>;
  readonly deliver: (datagram: Datagram) => void;
};

/** A datagram held back for reordering is let go after this long, so that the last of a burst is not kept for ever. */
const MAX_HOLD_MS = 50;
const MAX_GARBAGE_BYTES = 1200;
const MAX_FLIPPED_BITS = 3;

type Held = { readonly datagram: Datagram; passes: number; timer: Timer | null };
type Queued = { readonly datagram: Datagram; readonly dueMs: number };

/** Carries datagrams in order, except for what its {@link Faults} say. Without faults it delivers at once. */
export class FaultyPath {
  /** May be changed at any time; holds for the datagrams that follow. */
  faults: Faults;
  readonly #random: Random;
  readonly #clock: Pick<Clock, 'monoMs' | 'after'>;
  readonly #deliver: (datagram: Datagram) => void;
  readonly #held = new Set<Held>();
  #queue: Queued[] = [];
  #timer: Timer | null = null;

  constructor(options: FaultyPathOptions) {
    this.faults = options.faults;
    this.#random = options.random;
    this.#clock = options.clock;
    this.#deliver = options.deliver;
  }

  /** Sends one datagram on its way. The bytes must not change afterwards. */
  push(datagram: Datagram): void {
    const { loss, duplicate, garbage, corrupt } = this.faults;
    if (this.#happens(garbage)) this.#queueUp({ ...datagram, bytes: this.#garbageBytes() });
    if (this.#happens(loss)) return;
    const whole = this.#happens(corrupt) ? { ...datagram, bytes: this.#withFlippedBits(datagram.bytes) } : datagram;
    this.#passOrHold(whole);
    // A copy, because the receiver owns the bytes that it gets.
    if (this.#happens(duplicate)) this.#passOrHold({ ...whole, bytes: whole.bytes.slice() });
  }

  /** Forgets everything under way. */
  clear(): void {
    for (const held of this.#held) held.timer?.cancel();
    this.#held.clear();
    this.#queue = [];
    this.#timer?.cancel();
    this.#timer = null;
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }

  #passOrHold(datagram: Datagram): void {
    const { reorder, reorderWindow } = this.faults;
    if (reorderWindow > 0 && this.#happens(reorder)) {
      const held: Held = { datagram, passes: 1 + Math.floor(this.#random() * reorderWindow), timer: null };
      held.timer = this.#clock.after(MAX_HOLD_MS, () => this.#release(held));
      this.#held.add(held);
      return;
    }
    this.#queueUp(datagram);
    for (const held of [...this.#held]) {
      held.passes -= 1;
      if (held.passes === 0) this.#release(held);
    }
  }

  #release(held: Held): void {
    if (!this.#held.delete(held)) return;
    held.timer?.cancel();
    this.#queueUp(held.datagram);
  }

  #queueUp(datagram: Datagram): void {
    const { delayMs, jitterMs } = this.faults;
    const waitMs = delayMs + (jitterMs > 0 ? this.#random() * jitterMs : 0);
    if (waitMs === 0 && this.#queue.length === 0) {
      this.#deliver(datagram);
      return;
    }
    const previous = this.#queue.at(-1)?.dueMs ?? 0;
    this.#queue.push({ datagram, dueMs: Math.max(previous, this.#clock.monoMs() + waitMs) });
    if (this.#queue.length === 1) this.#arm();
  }

  #arm(): void {
    const first = this.#queue[0];
    this.#timer = first ? this.#clock.after(first.dueMs - this.#clock.monoMs(), () => this.#flush()) : null;
  }

  #flush(): void {
    const nowMs = this.#clock.monoMs();
    let count = this.#queue.findIndex((entry) => entry.dueMs > nowMs);
    if (count < 0) count = this.#queue.length;
    // Taken out first: what a delivery sends in answer belongs to a later flush.
    const due = this.#queue.splice(0, count);
    this.#arm();
    for (const { datagram } of due) this.#deliver(datagram);
  }

  #garbageBytes(): Uint8Array {
    const bytes = new Uint8Array(Math.floor(this.#random() * MAX_GARBAGE_BYTES));
    for (let index = 0; index < bytes.length; index++) bytes[index] = this.#random() * 256;
    return bytes;
  }

  #withFlippedBits(bytes: Uint8Array): Uint8Array {
    const flipped = bytes.slice();
    if (flipped.length === 0) return flipped;
    const count = 1 + Math.floor(this.#random() * MAX_FLIPPED_BITS);
    for (let n = 0; n < count; n++) {
      flipped[Math.floor(this.#random() * flipped.length)]! ^= 1 << Math.floor(this.#random() * 8);
    }
    return flipped;
  }
}
