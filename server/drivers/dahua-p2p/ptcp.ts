// One PTCP session of the client, pure: datagrams, bodies and time in; datagrams, stream pieces and the end out. The stream
// is exact or the session ends (section 8).

import { ptcpLimits } from './dialect.ts';
import { ReceiveStore } from './receive-store.ts';
import { isDue, SendQueue } from './send-queue.ts';
import {
  encodeSegment,
  PTCP_CTL,
  PTCP_RST,
  parseSegment,
  type Segment,
  SYN_BODY,
  SYN_FLAGS,
  seqAdd,
  seqDelta,
} from './wire.ts';

/** What to carry out after an input. */
export type PtcpOutput = {
  /** To the peer, in this order. */
  readonly datagrams: readonly Uint8Array[];
  /** The next octets of the stream, cut where segments began; views of the datagram. */
  readonly pieces: readonly Uint8Array[];
};

/** Counts for the status page. */
export type PtcpCounts = { badSegments: number; strayControls: number; futureAcks: number; gapNotices: number };

/** `source`: gives the next body to send (at most MAX_SEGMENT_BODY octets), or `null`. */
export type BodySource = () => Uint8Array | null;

type State = 'idle' | 'connecting' | 'established' | 'lost';

const NONE: PtcpOutput = { datagrams: [], pieces: [] };
const EMPTY = new Uint8Array();

/** See the head of this file. Times are monotonic milliseconds. */
export class Ptcp {
  readonly counts: PtcpCounts = { badSegments: 0, strayControls: 0, futureAcks: 0, gapNotices: 0 };
  state: State = 'idle';
  /** Why it is lost, once it is. */
  lostBecause: string | null = null;
  readonly #source: BodySource;
  readonly #iss: number;
  #send: SendQueue;
  #receive: ReceiveStore | null = null;
  #startedMs = 0;
  #synSentMs = 0;
  #synWaitMs: number = ptcpLimits.synInitialMs;
  #holeSinceMs: number | null = null;
  /** Segments that are not acknowledged yet. */
  #owed = 0;

  /** @param initialSeq where our counter begins: 0 on the wire, others in tests of the wrap */
  constructor(source: BodySource, initialSeq = 0) {
    this.#source = source;
    this.#iss = initialSeq >>> 0;
    this.#send = new SendQueue(seqAdd(this.#iss, SYN_BODY.length));
  }

  get sendQueue(): SendQueue {
    return this.#send;
  }

  /** `null` before the peer's SYN. */
  get receiveStore(): ReceiveStore | null {
    return this.#receive;
  }

  /** Everything sent is acknowledged. */
  get isIdle(): boolean {
    return this.#send.bytesInFlight === 0;
  }

  start(nowMs: number): PtcpOutput {
    this.state = 'connecting';
    this.#startedMs = nowMs;
    this.#synSentMs = nowMs;
    return { datagrams: [this.#syn()], pieces: [] };
  }

  /** A datagram from the peer. Never throws. */
  receive(bytes: Uint8Array, nowMs: number): PtcpOutput {
    if (this.state === 'idle' || this.state === 'lost') return NONE;
    let segment: Segment;
    try {
      segment = parseSegment(bytes);
    } catch {
      this.counts.badSegments++;
      return NONE;
    }
    if (this.#receive === null) return this.#receiveSyn(segment, nowMs);
    if (segment.flags & PTCP_RST) {
      const isNear = Math.abs(seqDelta(segment.seq, this.#receive.rcvNxt)) <= ptcpLimits.window;
      if (isNear) this.#lose('the device reset the session');
      return NONE;
    }
    if (segment.flags & PTCP_CTL) {
      // The device did not see our answer to its SYN.
      const isRepeated = seqDelta(seqAdd(segment.seq, segment.body.length), this.#receive.rcvNxt) <= 0;
      if (!isRepeated) this.counts.strayControls++;
      return isRepeated ? { datagrams: [this.#build(this.#send.sndNxt, EMPTY, nowMs)], pieces: [] } : NONE;
    }
    return this.#receiveData(segment, this.#receive, nowMs);
  }

  /** Whether `acknowledge` must be called before the event loop waits again. */
  get owesAck(): boolean {
    return this.#owed > 0;
  }

  /** Pays what is owed, if nothing else did meanwhile. */
  acknowledge(nowMs: number): PtcpOutput {
    if (this.state !== 'established' || this.#owed === 0) return NONE;
    return { datagrams: [this.#build(this.#send.sndNxt, EMPTY, nowMs)], pieces: [] };
  }

  /** There may be bodies to send. */
  pump(nowMs: number): PtcpOutput {
    if (this.state !== 'established') return NONE;
    return { datagrams: this.#fill(nowMs), pieces: [] };
  }

  /** Time passed. */
  tick(nowMs: number): PtcpOutput {
    if (this.state === 'connecting') return this.#tickSyn(nowMs);
    if (this.state !== 'established') return NONE;
    const lost = this.#send.tick(nowMs);
    if (lost !== null) return this.#lose(lost);
    if (this.#holeSinceMs !== null && isDue(nowMs, this.#holeSinceMs + ptcpLimits.holeMs)) {
      return this.#lose('a piece of the stream was missing for 15 s');
    }
    return { datagrams: this.#fill(nowMs), pieces: [] };
  }

  /** When `tick` has something to do, or `null`. `hasMore`: bodies wait for room. */
  dueMs(hasMore: boolean): number | null {
    if (this.state === 'connecting') return this.#synSentMs + this.#synWaitMs;
    if (this.state !== 'established') return null;
    const due = [this.#send.dueMs, hasMore ? this.#send.probeDueMs : null];
    if (this.#holeSinceMs !== null) due.push(this.#holeSinceMs + ptcpLimits.holeMs);
    const known = due.filter((each) => each !== null);
    return known.length > 0 ? Math.min(...known) : null;
  }

  #receiveSyn(segment: Segment, nowMs: number): PtcpOutput {
    const isSyn =
      (segment.flags & PTCP_CTL) !== 0 && segment.ack === seqAdd(this.#iss, SYN_BODY.length) && segment.body.length > 0;
    // An acknowledgement alone: their SYN was lost and comes again.
    if (!isSyn) return NONE;
    this.#receive = new ReceiveStore(seqAdd(segment.seq, segment.body.length));
    this.#receive.tsRecent = segment.tsval;
    this.#send.acknowledge({ ...segment, isPureAck: false }, nowMs, this.#tsval(nowMs));
    this.state = 'established';
    const first = this.#fill(nowMs);
    return { datagrams: first.length > 0 ? first : [this.#build(this.#send.sndNxt, EMPTY, nowMs)], pieces: [] };
  }

  #receiveData(segment: Segment, store: ReceiveStore, nowMs: number): PtcpOutput {
    if (segment.control !== 0) this.counts.gapNotices++;
    if (seqDelta(segment.ack, this.#send.sndNxt) > 0) this.counts.futureAcks++;
    else this.#send.acknowledge({ ...segment, isPureAck: segment.body.length === 0 }, nowMs, this.#tsval(nowMs));
    const { pieces, mustAck } = store.receive(segment);
    this.#holeSinceMs = store.hasHole ? (pieces.length > 0 ? nowMs : (this.#holeSinceMs ?? nowMs)) : null;
    const datagrams = this.#fill(nowMs);
    if (mustAck && datagrams.length === 0) {
      this.#owed++;
      const mayWait = pieces.length > 0 && !store.hasHole && this.#owed < ptcpLimits.segmentsPerAck;
      if (!mayWait) datagrams.push(this.#build(this.#send.sndNxt, EMPTY, nowMs));
    }
    return { datagrams, pieces };
  }

  #fill(nowMs: number): Uint8Array[] {
    const tsval = this.#tsval(nowMs);
    const datagrams = this.#send.takeAgain(nowMs, tsval).map(({ seq, body }) => this.#build(seq, body, nowMs));
    while (this.#send.roomFor(nowMs) > 0) {
      const body = this.#source();
      if (!body) break;
      const { seq } = this.#send.send(body, nowMs, tsval);
      datagrams.push(this.#build(seq, body, nowMs));
    }
    return datagrams;
  }

  #tickSyn(nowMs: number): PtcpOutput {
    if (isDue(nowMs, this.#startedMs + ptcpLimits.synTotalMs)) return this.#lose('the device did not answer the SYN');
    if (!isDue(nowMs, this.#synSentMs + this.#synWaitMs)) return NONE;
    this.#synSentMs = nowMs;
    this.#synWaitMs = Math.min(ptcpLimits.synMaxMs, this.#synWaitMs * 2);
    return { datagrams: [this.#syn()], pieces: [] };
  }

  #lose(reason: string): PtcpOutput {
    this.state = 'lost';
    this.lostBecause = reason;
    return NONE;
  }

  #tsval(nowMs: number): number {
    return Math.round(nowMs - this.#startedMs) >>> 0;
  }

  #syn(): Uint8Array {
    const zero = { ack: 0, control: 0, tsval: 0, tsecr: 0 };
    return encodeSegment({ seq: this.#iss, ...zero, flags: SYN_FLAGS, window: ptcpLimits.window, body: SYN_BODY });
  }

  #build(seq: number, body: Uint8Array, nowMs: number): Uint8Array {
    const store = this.#receive!;
    store.noteAckSent();
    this.#owed = 0;
    return encodeSegment({
      ...{ seq, body, control: 0, flags: 0, window: ptcpLimits.window },
      ack: store.rcvNxt,
      tsval: this.#tsval(nowMs),
      tsecr: store.tsRecent,
    });
  }
}
