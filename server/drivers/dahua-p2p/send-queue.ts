// The sending half of PTCP, pure: what is in flight, what must be sent again and when (sections 8.5, 8.6, 8.8).

import { ptcpLimits } from './dialect.ts';
import { ackAdvances, MAX_SEGMENT_BODY, seqAdd, seqDelta } from './wire.ts';

type InFlight = {
  readonly seq: number;
  readonly body: Uint8Array;
  sentAtMs: number;
  /** Timestamps with which it left, to know which sending an echo answers. */
  tsval: number;
  transmissions: number;
};

/** A body to put into a segment. */
export type Outgoing = { readonly seq: number; readonly body: Uint8Array; readonly isRetransmission: boolean };

/** A timer may come a rounding error early; without the margin it would be set again and again for nothing. */
export const isDue = (nowMs: number, dueMs: number) => nowMs > dueMs - 0.01;

/** Counts for the status page. */
export type SendCounts = { retransmissions: number; timeouts: number; windowProbes: number };

/** See the head of this file. */
export class SendQueue {
  readonly counts: SendCounts = { retransmissions: 0, timeouts: 0, windowProbes: 0 };
  #una: number;
  #nxt: number;
  #flight: InFlight[] = [];
  #flightBytes = 0;
  #again: InFlight[] = [];
  #peerWindow: number = ptcpLimits.window;
  #windowFloorBytes = 0;
  #isProbing = false;
  #cwnd: number = ptcpLimits.initialWindowSegments;
  #rtoMs: number = ptcpLimits.rtoInitialMs;
  #srttMs: number | null = null;
  #rttvarMs = 0;
  #duplicateAcks = 0;
  /** Until this is acknowledged, one recovery runs. */
  #recoverTo: number | null = null;
  #progressAtMs = 0;
  #probeDueMs = 0;

  constructor(seq: number) {
    this.#una = seq >>> 0;
    this.#nxt = this.#una;
  }

  get sndUna(): number {
    return this.#una;
  }

  get sndNxt(): number {
    return this.#nxt;
  }

  /** Smoothed round trip, or `null` before the first sample. */
  get srttMs(): number | null {
    return this.#srttMs;
  }

  get bytesInFlight(): number {
    return this.#flightBytes;
  }

  /** Octets of a new body that may leave now; 0 when it must wait. */
  roomFor(nowMs: number): number {
    const window = Math.max(this.#peerWindow, this.#windowFloorBytes);
    const room = Math.min(window, this.#cwnd * MAX_SEGMENT_BODY) - this.#flightBytes;
    if (room >= MAX_SEGMENT_BODY) return MAX_SEGMENT_BODY;
    // A device that never reopens its window: one segment per RTO asks whether it means it.
    if (window < MAX_SEGMENT_BODY && this.#flight.length === 0 && isDue(nowMs, this.#probeDueMs))
      return MAX_SEGMENT_BODY;
    return 0;
  }

  /** When a probe of a closed window may leave; `null` when the window is open or something is in flight. */
  get probeDueMs(): number | null {
    const window = Math.max(this.#peerWindow, this.#windowFloorBytes);
    return window < MAX_SEGMENT_BODY && this.#flight.length === 0 ? this.#probeDueMs : null;
  }

  /** Takes the body of a new segment. */
  send(body: Uint8Array, nowMs: number, tsval: number): Outgoing {
    if (Math.max(this.#peerWindow, this.#windowFloorBytes) < MAX_SEGMENT_BODY) {
      this.#isProbing = true;
      this.counts.windowProbes++;
      this.#probeDueMs = nowMs + this.#rtoMs;
    }
    const entry: InFlight = { seq: this.#nxt, body, sentAtMs: nowMs, tsval, transmissions: 1 };
    if (this.#flight.length === 0) this.#progressAtMs = nowMs;
    this.#flight.push(entry);
    this.#flightBytes += body.length;
    this.#nxt = seqAdd(this.#nxt, body.length);
    return { seq: entry.seq, body, isRetransmission: false };
  }

  /** Takes the acknowledgement of a segment of the peer. */
  acknowledge(
    segment: { ack: number; window: number; tsecr: number; isPureAck: boolean },
    nowMs: number,
    tsval: number,
  ): void {
    const { ack, window, tsecr, isPureAck } = segment;
    if (ackAdvances(this.#una, this.#nxt, ack)) {
      this.#free(ack, tsecr, nowMs, tsval);
      this.#setWindow(window);
      return;
    }
    if (ack !== this.#una) return;
    const isSame = window === this.#peerWindow;
    this.#setWindow(window);
    if (!isPureAck || this.#flight.length === 0 || !isSame) return;
    this.#duplicateAcks++;
    if (this.#duplicateAcks === ptcpLimits.duplicateAcks && this.#recoverTo === null) {
      this.#recoverTo = this.#nxt;
      this.#cwnd = Math.max(2, this.#cwnd / 2);
      this.#queueFirst();
    }
  }

  #setWindow(window: number): void {
    this.#peerWindow = window;
    if (window >= MAX_SEGMENT_BODY) this.#windowFloorBytes = 0;
  }

  #free(ack: number, tsecr: number, nowMs: number, tsval: number): void {
    this.#una = ack;
    this.#duplicateAcks = 0;
    this.#progressAtMs = nowMs;
    let newest: InFlight | null = null;
    let isEchoed = false;
    while (this.#flight.length > 0) {
      const first = this.#flight[0]!;
      if (seqDelta(seqAdd(first.seq, first.body.length), ack) > 0) break;
      this.#flight.shift();
      this.#flightBytes -= first.body.length;
      newest = first;
      isEchoed ||= tsecr === first.tsval;
      if (this.#recoverTo === null) this.#cwnd = Math.min(ptcpLimits.maxWindowSegments, this.#cwnd + 1);
    }
    // One sample for an acknowledgement. Those that waited behind a hole would tell how long the hole lasted; the echo is of
    // the segment that filled it. Karn: without an echo, only what was sent once.
    if (isEchoed) this.#sample((tsval - tsecr) | 0);
    else if (newest?.transmissions === 1 && this.#recoverTo === null) this.#sample(nowMs - newest.sentAtMs);
    this.#again = this.#again.filter((entry) => seqDelta(entry.seq, ack) >= 0);
    if (this.#isProbing) {
      this.#isProbing = false;
      this.#windowFloorBytes = ptcpLimits.probedWindowSegments * MAX_SEGMENT_BODY;
    }
    if (this.#recoverTo === null) return;
    if (seqDelta(ack, this.#recoverTo) >= 0) this.#recoverTo = null;
    else this.#queueFirst();
  }

  #sample(rttMs: number): void {
    if (rttMs < 0 || rttMs > ptcpLimits.noProgressMs) return;
    if (this.#srttMs === null) {
      this.#srttMs = rttMs;
      this.#rttvarMs = rttMs / 2;
    } else {
      this.#rttvarMs += (Math.abs(rttMs - this.#srttMs) - this.#rttvarMs) / 4;
      this.#srttMs += (rttMs - this.#srttMs) / 8;
    }
    const rtoMs = this.#srttMs + 4 * this.#rttvarMs;
    this.#rtoMs = Math.min(ptcpLimits.rtoMaxMs, Math.max(ptcpLimits.rtoMinMs, rtoMs));
  }

  #queueFirst(): void {
    const first = this.#flight[0];
    if (first && !this.#again.includes(first)) this.#again.push(first);
  }

  /** Looks at the timers. @returns why the session is lost, or `null` */
  tick(nowMs: number): string | null {
    const first = this.#flight[0];
    if (!first) return null;
    if (isDue(nowMs, this.#progressAtMs + ptcpLimits.noProgressMs)) return 'nothing was acknowledged for 30 s';
    if (!isDue(nowMs, first.sentAtMs + this.#rtoMs)) return null;
    if (first.transmissions >= ptcpLimits.maxTransmissions) return 'a segment was sent twelve times in vain';
    this.counts.timeouts++;
    this.#rtoMs = Math.min(ptcpLimits.rtoMaxMs, this.#rtoMs * 2);
    this.#cwnd = Math.max(2, this.#cwnd / 2);
    this.#recoverTo = this.#nxt;
    this.#duplicateAcks = 0;
    this.#queueFirst();
    return null;
  }

  /** What must be sent again now. */
  takeAgain(nowMs: number, tsval: number): Outgoing[] {
    const again = this.#again;
    this.#again = [];
    return again.map((entry) => {
      entry.sentAtMs = nowMs;
      entry.tsval = tsval;
      entry.transmissions++;
      this.counts.retransmissions++;
      return { seq: entry.seq, body: entry.body, isRetransmission: true };
    });
  }

  /** When `tick` has something to do, or `null`. */
  get dueMs(): number | null {
    const first = this.#flight[0];
    if (!first) return null;
    return Math.min(first.sentAtMs + this.#rtoMs, this.#progressAtMs + ptcpLimits.noProgressMs);
  }
}
