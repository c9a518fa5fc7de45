// The receiving half of PTCP, pure: segments in any order to one exact stream (section 8.7, R4 to R7). Nothing is ever
// skipped; a hole that nobody fills is the owner's reason to end the session.

import { ptcpLimits } from './dialect.ts';
import { type Segment, seqAdd, seqDelta } from './wire.ts';

type Stored = { readonly seq: number; readonly body: Uint8Array };

/** What a segment brought. */
export type Received = {
  /** The next octets of the stream, cut where segments began. */
  readonly pieces: readonly Uint8Array[];
  /** Whether it must be acknowledged: every segment with a body must. */
  readonly mustAck: boolean;
};

/** Counts for the status page. */
export type ReceiveCounts = { duplicates: number; outOfOrder: number; outside: number; dropped: number };

/** See the head of this file. */
export class ReceiveStore {
  readonly counts: ReceiveCounts = { duplicates: 0, outOfOrder: 0, outside: 0, dropped: 0 };
  /** The timestamp that our segments echo (R7). */
  tsRecent = 0;
  #rcvNxt: number;
  #lastAckSent: number;
  /** In order of `seq`, behind a hole. */
  #stored: Stored[] = [];
  #storedBytes = 0;

  constructor(rcvNxt: number) {
    this.#rcvNxt = rcvNxt >>> 0;
    this.#lastAckSent = this.#rcvNxt;
  }

  /** The next octet that is expected: the end of what came without a hole. */
  get rcvNxt(): number {
    return this.#rcvNxt;
  }

  /** Whether something waits behind a hole. */
  get hasHole(): boolean {
    return this.#stored.length > 0;
  }

  get storedBytes(): number {
    return this.#storedBytes;
  }

  /** A segment with this acknowledgement left. */
  noteAckSent(): void {
    this.#lastAckSent = this.#rcvNxt;
  }

  /** Takes a segment; pieces are views of its bytes. */
  receive({ seq, body, tsval }: Pick<Segment, 'seq' | 'body' | 'tsval'>): Received {
    if (body.length === 0) return { pieces: [], mustAck: false };
    const end = seqAdd(seq, body.length);
    if (seqDelta(seq, this.#lastAckSent) <= 0 && seqDelta(this.#lastAckSent, end) < 0) this.tsRecent = tsval;
    if (seqDelta(end, this.#rcvNxt) <= 0) {
      this.counts.duplicates++;
      return { pieces: [], mustAck: true };
    }
    const ahead = seqDelta(seq, this.#rcvNxt);
    if (ahead > ptcpLimits.window) {
      this.counts.outside++;
      return { pieces: [], mustAck: true };
    }
    if (ahead > 0) {
      this.#store({ seq, body });
      return { pieces: [], mustAck: true };
    }
    const pieces = [body.subarray(-ahead)];
    this.#rcvNxt = end;
    this.#takeStored(pieces);
    return { pieces, mustAck: true };
  }

  #store(segment: Stored): void {
    this.counts.outOfOrder++;
    let at = this.#stored.length;
    while (at > 0 && seqDelta(this.#stored[at - 1]!.seq, segment.seq) > 0) at--;
    const before = this.#stored[at - 1];
    const isKnown =
      before !== undefined &&
      seqDelta(seqAdd(before.seq, before.body.length), seqAdd(segment.seq, segment.body.length)) >= 0;
    if (isKnown) {
      this.counts.duplicates++;
      return;
    }
    const isFull =
      this.#stored.length >= ptcpLimits.maxStoredSegments ||
      this.#storedBytes + segment.body.length > ptcpLimits.maxStoredBytes;
    if (isFull) {
      this.counts.dropped++;
      return;
    }
    this.#stored.splice(at, 0, segment);
    this.#storedBytes += segment.body.length;
  }

  #takeStored(pieces: Uint8Array[]): void {
    let taken = 0;
    for (const { seq, body } of this.#stored) {
      const ahead = seqDelta(seq, this.#rcvNxt);
      if (ahead > 0) break;
      taken++;
      this.#storedBytes -= body.length;
      if (body.length + ahead <= 0) continue;
      pieces.push(body.subarray(-ahead));
      this.#rcvNxt = seqAdd(seq, body.length);
    }
    if (taken > 0) this.#stored.splice(0, taken);
  }
}
