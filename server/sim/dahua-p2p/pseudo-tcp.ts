// The device's end of PTCP, written from the behavior of libjingle's PseudoTCP and apart from the driver's: it shares only
// the codec with it. It ignores acknowledgements of octets that it never sent, as the real one does, so a client that adds
// up lengths instead of following the stream gets stuck here too.

import type { Clock, Timer } from '../../core/clock.ts';
import { encodeSegment, parseSegment, type Segment } from '../../drivers/dahua-p2p/wire.ts';
import type { WindowMode } from './options.ts';

const BUFFER = 0xffff;
const MSS = 1292;
const CONTROL_FLAG = 2;
const CONNECT = Uint8Array.of(0, 3, 1, 0);
const RTO_FIRST_MS = 400;
const RTO_MIN_MS = 250;
const RTO_MAX_MS = 3000;
const MAX_TRIES = 15;
const TIMESTAMP_GRAIN_MS = 10;

/** Options of {@link PseudoTcp}. */
export type PseudoTcpOptions = {
  readonly clock: Clock;
  readonly send: (datagram: Uint8Array) => void;
  /** The next octets of the stream. */
  readonly onOctets: (octets: Uint8Array) => void;
  readonly onDead: () => void;
  readonly window: WindowMode;
  readonly packing: 'aligned' | 'packed';
  readonly maxFlightBytes: number;
  readonly initialSeq: number;
  readonly timestampMs: number;
};

type Unacked = { seq: number; body: Uint8Array; flags: number; tries: number; sentMs: number };

const after = (a: number, b: number) => ((a - b) | 0) > 0;
const plus = (a: number, n: number) => (a + n) >>> 0;

/** See the head of this file. */
export class PseudoTcp {
  retransmissions = 0;
  futureAcks = 0;
  duplicates = 0;
  readonly #options: PseudoTcpOptions;
  #isOpen = false;
  #isDead = false;
  #sendNext: number;
  #sendUna: number;
  #unacked: Unacked[] = [];
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #peerWindow = BUFFER;
  #receiveNext = 0;
  #received = 0;
  #reopenedAt = 0;
  #early = new Map<number, Uint8Array>();
  #tsRecent = 0;
  #lastAck = 0;
  #sameAcks = 0;
  #recovery: number | null = null;
  #rtoMs = RTO_FIRST_MS;
  #srttMs = 0;
  #timer: Timer | null = null;

  constructor(options: PseudoTcpOptions) {
    this.#options = options;
    this.#sendNext = options.initialSeq >>> 0;
    this.#sendUna = this.#sendNext;
  }

  /** Octets that are not acknowledged yet, sent or not. */
  get backlogBytes(): number {
    return this.#queuedBytes + ((this.#sendNext - this.#sendUna) >>> 0);
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#isDead;
  }

  /** One message; stays in its own segment unless packing is on and there is a backlog. */
  write(message: Uint8Array): void {
    if (this.#isDead) return;
    this.#queue.push(message);
    this.#queuedBytes += message.length;
    this.#flush();
  }

  close(): void {
    this.#isDead = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#queue = [];
    this.#unacked = [];
  }

  /** A datagram of the peer. @throws NvrError when it is no segment */
  receive(datagram: Uint8Array): void {
    if (this.#isDead) return;
    const segment = parseSegment(datagram);
    if (segment.flags & CONTROL_FLAG) {
      this.#receiveConnect(segment);
      return;
    }
    if (!this.#isOpen) return;
    this.#takeAck(segment);
    if (segment.body.length > 0) this.#takeBody(segment);
    this.#flush();
  }

  #receiveConnect(segment: Segment): void {
    if (this.#isOpen) {
      this.#acknowledge();
      return;
    }
    this.#isOpen = true;
    this.#receiveNext = plus(segment.seq, segment.body.length);
    this.#lastAck = this.#receiveNext;
    this.#tsRecent = segment.tsval;
    this.#transmit(this.#append(CONNECT, CONTROL_FLAG));
  }

  #takeAck({ ack, window, tsecr, body }: Segment): void {
    if (after(ack, this.#sendNext)) {
      this.futureAcks++;
      return;
    }
    const oldWindow = this.#peerWindow;
    this.#peerWindow = window;
    if (!after(ack, this.#sendUna)) {
      const isSame = ack === this.#sendUna && body.length === 0 && this.#unacked.length > 0 && window === oldWindow;
      if (isSame && ++this.#sameAcks === 3 && this.#recovery === null) {
        this.#recovery = this.#sendNext;
        this.#retransmitFirst();
      }
      return;
    }
    this.#sendUna = ack;
    this.#sameAcks = 0;
    if (tsecr !== 0) this.#measure((this.#timestamp() - tsecr) | 0);
    while (this.#unacked[0] && !after(plus(this.#unacked[0].seq, this.#unacked[0].body.length), ack))
      this.#unacked.shift();
    if (this.#recovery !== null) {
      if (after(this.#recovery, ack)) this.#retransmitFirst();
      else this.#recovery = null;
    }
    this.#arm();
  }

  #takeBody({ seq, body, tsval }: Segment): void {
    const end = plus(seq, body.length);
    if (!after(seq, this.#lastAck) && after(end, this.#lastAck)) this.#tsRecent = tsval;
    if (!after(end, this.#receiveNext)) this.duplicates++;
    else if (after(seq, this.#receiveNext)) {
      if (this.#early.size < 256) this.#early.set(seq, body);
    } else {
      this.#deliver(body.subarray((this.#receiveNext - seq) | 0));
      for (let found = this.#takeEarly(); found; found = this.#takeEarly()) this.#deliver(found);
    }
    this.#acknowledge();
  }

  #takeEarly(): Uint8Array | null {
    for (const [seq, body] of this.#early) {
      const skip = (this.#receiveNext - seq) | 0;
      if (skip < 0) continue;
      this.#early.delete(seq);
      if (skip < body.length) return body.subarray(skip);
    }
    return null;
  }

  #deliver(octets: Uint8Array): void {
    this.#receiveNext = plus(this.#receiveNext, octets.length);
    this.#received += octets.length;
    this.#options.onOctets(octets);
  }

  #window(): number {
    const { window } = this.#options;
    if (window === 'constant') return BUFFER;
    if (window === 'reopenHalf' && this.#received - this.#reopenedAt > BUFFER / 2) this.#reopenedAt = this.#received;
    return Math.max(0, BUFFER - (this.#received - this.#reopenedAt));
  }

  #flush(): void {
    if (!this.#isOpen || this.#isDead) return;
    const limit = Math.min(this.#peerWindow, this.#options.maxFlightBytes);
    while (this.#queue.length > 0) {
      const inFlight = (this.#sendNext - this.#sendUna) >>> 0;
      const body = this.#nextBody(inFlight > 0);
      if (inFlight > 0 && inFlight + body.length > limit) {
        this.#queue.unshift(body);
        this.#queuedBytes += body.length;
        break;
      }
      this.#transmit(this.#append(body, 0));
    }
  }

  #nextBody(hasBacklog: boolean): Uint8Array {
    let body = this.#queue.shift()!;
    if (this.#options.packing === 'packed' && hasBacklog) {
      while (body.length < MSS && this.#queue.length > 0) {
        const next = this.#queue.shift()!;
        const piece = next.subarray(0, MSS - body.length);
        body = Buffer.concat([body, piece]);
        if (piece.length < next.length) this.#queue.unshift(next.subarray(piece.length));
      }
    }
    this.#queuedBytes -= body.length;
    return body;
  }

  #append(body: Uint8Array, flags: number): Unacked {
    const entry: Unacked = { seq: this.#sendNext, body, flags, tries: 0, sentMs: 0 };
    this.#sendNext = plus(this.#sendNext, body.length);
    this.#unacked.push(entry);
    return entry;
  }

  #transmit(entry: Unacked): void {
    entry.tries++;
    entry.sentMs = this.#options.clock.monoMs();
    this.#build(entry.seq, entry.body, entry.flags);
    this.#arm();
  }

  #retransmitFirst(): void {
    const first = this.#unacked[0];
    if (!first || this.#isDead) return;
    if (first.tries >= MAX_TRIES) {
      this.close();
      this.#options.onDead();
      return;
    }
    this.retransmissions++;
    this.#transmit(first);
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const first = this.#unacked[0];
    if (!first || this.#isDead) return;
    const { clock } = this.#options;
    this.#timer = clock.after(first.sentMs + this.#rtoMs - clock.monoMs(), () => {
      this.#timer = null;
      this.#rtoMs = Math.min(RTO_MAX_MS, this.#rtoMs * 2);
      this.#recovery = this.#sendNext;
      this.#sameAcks = 0;
      this.#retransmitFirst();
    });
  }

  #measure(rttMs: number): void {
    if (rttMs < 0 || rttMs > 60_000) return;
    this.#srttMs = this.#srttMs === 0 ? rttMs : (7 * this.#srttMs + rttMs) / 8;
    this.#rtoMs = Math.min(RTO_MAX_MS, Math.max(RTO_MIN_MS, 2 * this.#srttMs));
  }

  #acknowledge(): void {
    this.#build(this.#sendNext, new Uint8Array(), 0);
  }

  #build(seq: number, body: Uint8Array, flags: number): void {
    this.#lastAck = this.#receiveNext;
    const isConnect = (flags & CONTROL_FLAG) !== 0;
    this.#options.send(
      encodeSegment({
        ...{ seq, flags, body, control: 0, ack: this.#receiveNext, window: this.#window(), tsval: this.#timestamp() },
        tsecr: isConnect ? 0 : this.#tsRecent,
      }),
    );
  }

  #timestamp(): number {
    const { clock, timestampMs } = this.#options;
    return (Math.floor((timestampMs + clock.monoMs()) / TIMESTAMP_GRAIN_MS) * TIMESTAMP_GRAIN_MS) >>> 0;
  }
}
