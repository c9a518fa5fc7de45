// The direct way: inverted STUN between our port and the device's candidates until one of them is proved (section 7.3).
// Tolerant about how many confirmations come; never follows a sender that neither is a candidate nor knows the device's
// Identify.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { isPrivateIpv4 } from '../../net/ipv4.ts';
import type { Endpoint } from '../../net/net.ts';
import { signalTiming } from './dialect.ts';
import { isSameEndpoint } from './signal-socket.ts';
import { encodeStun, endpointText, parseStun, STUN_COOKIE, STUN_ID_BYTES, type StunMessage } from './wire.ts';

const MAX_EARLY = 16;
const MAX_ANSWERED = 64;
const TYPE_1_CONFIRMATIONS = 5;

/** What a puncher needs. */
export type PuncherOptions = {
  readonly clock: Clock;
  /** Ours, as told in p2p-channel. */
  readonly identify: Uint8Array;
  readonly send: (bytes: Uint8Array, to: Endpoint) => void;
};

/** Where to aim. */
export type PunchTargets = {
  readonly candidates: readonly Endpoint[];
  readonly deviceIdentify: Uint8Array | null;
  /** 1: the device waits for several confirmations of ours. */
  readonly type: 0 | 1;
};

/** See the head of this file. */
export class Puncher {
  readonly counts = { unreadable: 0, foreign: 0, requests: 0, answers: 0 };
  readonly #options: PuncherOptions;
  #targets: PunchTargets | null = null;
  #early: { message: StunMessage; from: Endpoint }[] = [];
  readonly #ids = new Map<string, Endpoint>();
  readonly #answered = new Set<string>();
  #proved: Endpoint[] = [];
  #crossed: Endpoint | null = null;
  #found: (kind: 'success' | 'confirmation') => void = () => {};

  constructor(options: PuncherOptions) {
    this.#options = options;
  }

  /** A STUN datagram; also before {@link run}, and later while the path lives: devices punch again. Never throws. */
  receive(bytes: Uint8Array, from: Endpoint): void {
    let message: StunMessage;
    try {
      message = parseStun(bytes);
    } catch {
      this.counts.unreadable++;
      return;
    }
    if (this.#targets) this.#take(message, from, this.#targets);
    else if (this.#early.length < MAX_EARLY) this.#early.push({ message, from });
  }

  /** Aims again at the nominated peer, when it became silent. */
  ping(peer: Endpoint): void {
    this.#ask(peer);
  }

  /** @returns the proved peer, or `null` after eight seconds. @throws NvrError `cancelled` */
  async run(targets: PunchTargets, signal: AbortSignal): Promise<Endpoint | null> {
    this.#targets = targets;
    const { clock } = this.#options;
    const beganMs = clock.monoMs();
    let deadlineMs = beganMs + signalTiming.punchTotalMs;
    let wake: () => void = () => {};
    const nominateAt = (atMs: number) => {
      deadlineMs = Math.min(deadlineMs, atMs);
      wake();
    };
    this.#found = (kind) => {
      const hasLan = targets.candidates.some(({ address }) => isPrivateIpv4(address));
      const isLan = this.#proved.some(({ address }) => isPrivateIpv4(address));
      const isSure = kind === 'confirmation' && (isLan || !hasLan);
      nominateAt(clock.monoMs() + (isSure ? 0 : signalTiming.nominateMs));
    };
    for (const { message, from } of this.#early.splice(0)) this.#take(message, from, targets);
    const sendAtMs = signalTiming.punchAtMs.map((atMs) => beganMs + atMs);
    for (;;) {
      const nowMs = clock.monoMs();
      if (this.#proved.length === 0 && this.#crossed && nowMs >= beganMs + signalTiming.crossRequestMs) break;
      if (nowMs >= deadlineMs - 0.01) break;
      if (nowMs >= (sendAtMs[0] ?? Number.POSITIVE_INFINITY)) {
        sendAtMs.shift();
        if (this.#proved.length === 0) for (const candidate of targets.candidates) this.#ask(candidate);
      }
      const crossAtMs = this.#crossed ? beganMs + signalTiming.crossRequestMs : Number.POSITIVE_INFINITY;
      const nextMs = Math.min(deadlineMs, sendAtMs[0] ?? Number.POSITIVE_INFINITY, crossAtMs);
      const woken = new AbortController();
      wake = () => woken.abort();
      const both = AbortSignal.any([signal, woken.signal]);
      await clock.sleep(Math.max(0, nextMs - clock.monoMs()), both).catch((error) => {
        if (signal.aborted) throw error;
      });
    }
    this.#found = () => {};
    return this.#proved.find(({ address }) => isPrivateIpv4(address)) ?? this.#proved[0] ?? this.#crossed;
  }

  #take(message: StunMessage, from: Endpoint, targets: PunchTargets): void {
    const { identify } = message;
    const isDevice = identify !== null && targets.deviceIdentify !== null && isEqual(identify, targets.deviceIdentify);
    const isCandidate = targets.candidates.some((candidate) => isSameEndpoint(candidate, from));
    if (!isDevice && !(isCandidate && targets.deviceIdentify === null)) {
      this.counts.foreign++;
      return;
    }
    if (message.cls === 'error') return;
    if (message.cls === 'request') {
      this.counts.requests++;
      this.#crossed ??= from;
      this.#answer(message, from, from);
      return;
    }
    // A success must answer a request of ours, or one of theirs that we answered.
    const id = Buffer.from(message.id).toString('hex');
    if (!this.#ids.has(id) && !this.#answered.has(`request ${id}`)) {
      this.counts.foreign++;
      return;
    }
    this.counts.answers++;
    if (!this.#proved.some((peer) => isSameEndpoint(peer, from))) this.#proved.push(from);
    if (message.address) this.#answer(message, from, this.#ids.get(id) ?? from);
    else this.#confirm(message, from, id, targets.type);
    this.#found(message.address ? 'success' : 'confirmation');
  }

  #answer(message: StunMessage, to: Endpoint, address: Endpoint): void {
    this.#remember(`${message.cls} ${Buffer.from(message.id).toString('hex')}`);
    const { cookie, id } = message;
    const { identify } = this.#options;
    this.#options.send(encodeStun({ cls: 'success', cookie, id, role: 'controlled', identify, address }), to);
  }

  #confirm({ cookie, id }: StunMessage, to: Endpoint, name: string, type: 0 | 1): void {
    const key = `confirmed ${name} ${endpointText(to)}`;
    if (this.#answered.has(key)) return;
    this.#remember(key);
    const { identify, clock, send } = this.#options;
    const bytes = encodeStun({ cls: 'success', cookie, id, role: 'controlled', identify, address: null });
    send(bytes, to);
    if (type === 0) return;
    for (let n = 1; n < TYPE_1_CONFIRMATIONS; n++)
      clock.after(n * signalTiming.confirmationGapMs, () => send(bytes, to));
  }

  #remember(key: string): void {
    this.#answered.add(key);
    if (this.#answered.size > MAX_ANSWERED) this.#answered.delete(this.#answered.values().next().value as string);
  }

  #ask(to: Endpoint): void {
    const id = new Uint8Array(randomBytes(STUN_ID_BYTES));
    this.#ids.set(Buffer.from(id).toString('hex'), to);
    if (this.#ids.size > MAX_ANSWERED) this.#ids.delete(this.#ids.keys().next().value as string);
    const { identify, send } = this.#options;
    send(encodeStun({ cls: 'request', cookie: STUN_COOKIE, id, role: 'controlling', identify, address: to }), to);
  }
}

const isEqual = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((octet, n) => octet === b[n]);
