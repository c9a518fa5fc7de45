// The realms of one PTCP session, pure: local connections to messages and back (sections 9.3, 11.2, 11.3). Control messages
// first, then the realms in turn, so that no realm holds up another.

import { choices, DEVICE_LOOPBACK, tunnelLimits } from './dialect.ts';
import { encodeMessage, MAX_DATA_BYTES, type Message } from './wire.ts';

/** What the owner of a realm hears. */
export type RealmHandlers = {
  /** The device connected. */
  readonly onOpen: () => void;
  /** Octets in order; a view of a datagram. */
  readonly onData: (octets: Uint8Array) => void;
  /** The end, once: the device closed or refused it, it did not answer, or bytes may be missing. Not after `close`. */
  readonly onEnd: (reason: 'closed' | 'refused' | 'silent' | 'damaged') => void;
  /** So much left that more may be written. */
  readonly onDrain: () => void;
};

type State = 'waiting' | 'binding' | 'open' | 'abandoned';
type Entry = {
  readonly id: number;
  readonly port: number;
  readonly handlers: RealmHandlers;
  state: State;
  boundAtMs: number;
  queue: Uint8Array[];
  queuedBytes: number;
  isFull: boolean;
  /** Local end of file: DISC follows the last octet. */
  isEnding: boolean;
  /** Something was said to it that nothing came back for since. */
  isAsked: boolean;
  /** How long that lasts, counted only while the session itself is alive. */
  muteMs: number;
};

/** One local connection. */
export type Realm = {
  readonly queuedBytes: () => number;
  /** Copies nothing: the octets must not change. */
  readonly write: (octets: Uint8Array) => void;
  /** Closes after what was written. Idempotent. */
  readonly end: () => void;
  /** Closes at once. Idempotent. */
  readonly close: () => void;
};

const MAX_STRANGERS = 64;

/** See the head of this file. */
export class Realms {
  readonly counts = {
    opened: 0,
    refused: 0,
    silent: 0,
    strangers: 0,
    zombies: 0,
    unknownTypes: 0,
    desyncs: 0,
    ignored: 0,
  };
  readonly #random: () => number;
  readonly #entries = new Map<number, Entry>();
  readonly #closedAtMs = new Map<number, number>();
  readonly #strangers = new Set<number>();
  #control: Uint8Array[] = [];
  #turn: Entry[] = [];
  #desyncsAtMs: number[] = [];
  #zombiesInRow = 0;
  #tickedAtMs: number | null = null;

  /** @param random gives 32 random bits */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Realms that are not gone. */
  get count(): number {
    return this.#entries.size;
  }

  get hasBodies(): boolean {
    return this.#control.length > 0 || this.#turn.length > 0;
  }

  /** Asks for a connection to a port of the device; `null` when there are too many. */
  open(port: number, handlers: RealmHandlers, nowMs: number): Realm | null {
    if (this.#entries.size >= tunnelLimits.maxRealms) return null;
    const entry: Entry = {
      ...{ id: this.#freshId(nowMs), port, handlers, state: 'waiting', boundAtMs: nowMs },
      ...{ queue: [], queuedBytes: 0, isFull: false, isEnding: false, isAsked: false, muteMs: 0 },
    };
    this.#entries.set(entry.id, entry);
    this.#bindNext(nowMs);
    return {
      queuedBytes: () => entry.queuedBytes,
      write: (octets) => this.#write(entry, octets),
      end: () => this.#end(entry),
      close: () => this.#close(entry, nowMs),
    };
  }

  heartbeat(): void {
    this.say({ kind: 'heartbeat' });
  }

  /** A message that belongs to no realm. */
  say(message: Message): void {
    this.#control.push(encodeMessage(message));
  }

  /** The next body for a segment, or `null`. */
  nextBody(): Uint8Array | null {
    const control = this.#control.shift();
    if (control) return control;
    const entry = this.#turn.shift();
    if (!entry) return null;
    const data = takeFrom(entry.queue);
    entry.queuedBytes -= data.length;
    entry.isAsked = true;
    if (entry.queue.length > 0) this.#turn.push(entry);
    else if (entry.isEnding) this.#disconnect(entry);
    if (entry.isFull && entry.queuedBytes <= tunnelLimits.resumeUpBytes) {
      entry.isFull = false;
      entry.handlers.onDrain();
    }
    return encodeMessage({ kind: 'data', realm: entry.id, data });
  }

  /** A message of the device. @returns why the session cannot go on, or `null` */
  receive(message: Message, nowMs: number): string | null {
    switch (message.kind) {
      case 'data': {
        const entry = this.#entries.get(message.realm);
        if (entry?.state === 'open') {
          entry.isAsked = false;
          entry.muteMs = 0;
          this.#zombiesInRow = 0;
          entry.handlers.onData(message.data);
        } else if (!entry) this.#refuseStranger(message.realm);
        else this.counts.ignored++;
        return null;
      }
      case 'status':
        this.#receiveStatus(message.realm, message.status, nowMs);
        return null;
      case 'heartbeat':
        return null;
      case 'unknown':
        this.counts.unknownTypes++;
        return message.isDesync ? this.#desync(nowMs) : null;
      default:
        this.counts.ignored++;
        return null;
    }
  }

  /**
   * Looks at the waits. `isAlive`: the device is heard, and has everything that was said to it.
   * @returns why the session cannot go on, or `null`
   */
  tick(nowMs: number, isAlive: boolean): string | null {
    const passedMs = nowMs - (this.#tickedAtMs ?? nowMs);
    this.#tickedAtMs = nowMs;
    for (const entry of [...this.#entries.values()]) {
      const isLate = nowMs - entry.boundAtMs >= tunnelLimits.connTimeoutMs;
      if (!isLate || (entry.state !== 'binding' && entry.state !== 'abandoned')) continue;
      const wasBinding = entry.state === 'binding';
      this.counts.silent++;
      this.#disconnect(entry);
      if (wasBinding) entry.handlers.onEnd('silent');
    }
    for (const [id, atMs] of this.#closedAtMs)
      if (nowMs - atMs > tunnelLimits.realmReuseMs) this.#closedAtMs.delete(id);
    this.#bindNext(nowMs);
    return isAlive ? this.#findZombies(passedMs) : null;
  }

  /** Realms whose connection inside the device hangs: asked, and mute on a session that lives (section 11.4). */
  #findZombies(passedMs: number): string | null {
    for (const entry of [...this.#entries.values()]) {
      if (entry.state !== 'open' || !entry.isAsked) continue;
      entry.muteMs += passedMs;
      if (entry.muteMs < tunnelLimits.zombieMs) continue;
      this.counts.zombies++;
      this.#zombiesInRow++;
      this.#disconnect(entry);
      entry.handlers.onEnd('silent');
    }
    return this.#zombiesInRow >= tunnelLimits.maxZombiesInRow ? 'connections inside the device hang' : null;
  }

  /** DISC for every realm; the owners hear nothing. */
  closeAll(): void {
    for (const entry of [...this.#entries.values()]) this.#disconnect(entry);
  }

  /** The session is gone: every owner hears it. */
  endAll(): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    this.#turn = [];
    this.#control = [];
    for (const entry of entries) if (entry.state !== 'abandoned') entry.handlers.onEnd('closed');
  }

  #receiveStatus(id: number, status: string, nowMs: number): void {
    const entry = this.#entries.get(id);
    if (!entry || (status !== 'CONN' && status !== 'DISC')) {
      this.counts.ignored++;
      return;
    }
    if (status === 'DISC') {
      const reason = entry.state === 'open' ? 'closed' : 'refused';
      if (reason === 'refused') this.counts.refused++;
      this.#forget(entry, nowMs);
      if (entry.state !== 'abandoned') entry.handlers.onEnd(reason);
    } else if (entry.state === 'abandoned') {
      this.#disconnect(entry);
    } else if (entry.state === 'binding') {
      entry.state = 'open';
      this.counts.opened++;
      if (entry.queue.length > 0) this.#turn.push(entry);
      entry.handlers.onOpen();
      if (entry.isEnding && entry.queue.length === 0) this.#disconnect(entry);
    }
    this.#bindNext(nowMs);
  }

  /** Octets were thrown away and nobody knows whose: every realm may lack some, so all are closed. */
  #desync(nowMs: number): string | null {
    this.counts.desyncs++;
    this.#desyncsAtMs = [...this.#desyncsAtMs.filter((atMs) => nowMs - atMs < tunnelLimits.desyncWindowMs), nowMs];
    for (const entry of [...this.#entries.values()]) {
      if (entry.state !== 'open') continue;
      this.#disconnect(entry);
      entry.handlers.onEnd('damaged');
    }
    return this.#desyncsAtMs.length > tunnelLimits.maxDesyncs ? 'the messages of the device cannot be read' : null;
  }

  #refuseStranger(id: number): void {
    this.counts.strangers++;
    if (this.#closedAtMs.has(id) || this.#strangers.has(id) || this.#strangers.size >= MAX_STRANGERS) return;
    this.#strangers.add(id);
    this.#control.push(encodeMessage({ kind: 'status', realm: id, status: 'DISC' }));
  }

  #bindNext(nowMs: number): void {
    let pending = 0;
    for (const { state } of this.#entries.values()) if (state === 'binding') pending++;
    for (const entry of this.#entries.values()) {
      if (pending >= tunnelLimits.maxPendingBinds) return;
      if (entry.state !== 'waiting') continue;
      pending++;
      entry.state = 'binding';
      entry.boundAtMs = nowMs;
      const bind = { kind: 'bind', realm: entry.id, port: entry.port, address: DEVICE_LOOPBACK } as const;
      this.#control.push(encodeMessage(bind, choices.bindLength));
    }
  }

  #write(entry: Entry, octets: Uint8Array): void {
    if (octets.length === 0 || this.#entries.get(entry.id) !== entry || entry.isEnding || entry.state === 'abandoned')
      return;
    if (entry.queue.length === 0 && entry.state === 'open') this.#turn.push(entry);
    entry.queue.push(octets);
    entry.queuedBytes += octets.length;
    if (entry.queuedBytes > tunnelLimits.maxQueuedUpBytes) entry.isFull = true;
  }

  #end(entry: Entry): void {
    if (this.#entries.get(entry.id) !== entry || entry.isEnding) return;
    entry.isEnding = true;
    if (entry.queue.length === 0 && entry.state === 'open') this.#disconnect(entry);
  }

  #close(entry: Entry, nowMs: number): void {
    if (this.#entries.get(entry.id) !== entry) return;
    entry.queue = [];
    entry.queuedBytes = 0;
    if (entry.state === 'waiting') this.#forget(entry, nowMs);
    // No DISC before CONN: the answer is waited for, then closed.
    else if (entry.state === 'binding') entry.state = 'abandoned';
    else if (entry.state === 'open') this.#disconnect(entry);
  }

  #disconnect(entry: Entry): void {
    if (entry.state !== 'waiting')
      this.#control.push(encodeMessage({ kind: 'status', realm: entry.id, status: 'DISC' }));
    this.#forget(entry, entry.boundAtMs);
  }

  #forget(entry: Entry, nowMs: number): void {
    this.#entries.delete(entry.id);
    this.#turn = this.#turn.filter((each) => each !== entry);
    this.#closedAtMs.set(entry.id, nowMs);
  }

  #freshId(nowMs: number): number {
    for (;;) {
      const id = this.#random() >>> 0;
      const closedAtMs = this.#closedAtMs.get(id);
      const isRecent = closedAtMs !== undefined && nowMs - closedAtMs <= tunnelLimits.realmReuseMs;
      if (id !== 0 && !this.#entries.has(id) && !isRecent) return id;
    }
  }
}

/** Up to one message of a queue. */
function takeFrom(queue: Uint8Array[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (queue.length > 0 && length < MAX_DATA_BYTES) {
    const first = queue[0]!;
    const piece = first.subarray(0, MAX_DATA_BYTES - length);
    pieces.push(piece);
    length += piece.length;
    if (piece.length === first.length) queue.shift();
    else queue[0] = first.subarray(piece.length);
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}
