// One PTCP session on a socket: carries out what the stream (ptcp.ts) and the realms (realms.ts) decide, sends heartbeats and
// notices silence.

import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import { tunnelLimits } from './dialect.ts';
import { Ptcp, type PtcpOutput } from './ptcp.ts';
import { type Realm, type RealmHandlers, Realms } from './realms.ts';
import { type Message, MessageReader } from './wire.ts';

const WATCH_MS = 1000;

type SignMessage = Extract<Message, { readonly sign: Uint8Array }>;

/** What a link needs. */
export type LinkOptions = {
  readonly clock: Clock;
  readonly send: (datagram: Uint8Array) => void;
  /** The peer is silent: the path may need to be opened again. */
  readonly onSuspect: () => void;
};

/** See the head of this file. */
export class Link {
  bytesReceived = 0;
  bytesSent = 0;
  readonly realms = new Realms(() => randomBytes(4).readUInt32BE());
  readonly #options: LinkOptions;
  readonly #ptcp = new Ptcp(() => this.realms.nextBody());
  readonly #reader = new MessageReader();
  readonly #established = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<string>();
  #isEnded = false;
  #timer: Timer | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #watch: Timer | null = null;
  #heardAtMs = 0;
  #saidAtMs = 0;
  #suspectAtMs = 0;
  #idle: (() => void) | null = null;
  #willAcknowledge = false;
  #onSign: (message: SignMessage) => void = () => {};
  /** A paused session says nothing of its own accord. */
  #isPaused = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#established.promise.catch(() => {});
  }

  /** Why it ended; resolves once. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isSuspect(): boolean {
    return this.#options.clock.monoMs() - this.#heardAtMs >= tunnelLimits.suspectMs;
  }

  get roundTripMs(): number | null {
    return this.#ptcp.sendQueue.srttMs;
  }

  /** Counts by name, for the status page. */
  get counts(): Record<string, number> {
    const { sendQueue, receiveStore, counts } = this.#ptcp;
    return { ...counts, ...sendQueue.counts, ...receiveStore?.counts, ...this.realms.counts };
  }

  /** SYN and answer. @throws NvrError `timeout` */
  async connect(): Promise<void> {
    const nowMs = this.#options.clock.monoMs();
    this.#heardAtMs = nowMs;
    this.#saidAtMs = nowMs;
    this.#watchOn();
    this.#carryOut(this.#ptcp.start(nowMs));
    await this.#established.promise;
  }

  /** A PTCP datagram of the peer. Never throws. */
  receive(datagram: Uint8Array): void {
    if (this.#isEnded) return;
    const nowMs = this.#options.clock.monoMs();
    this.#heardAtMs = nowMs;
    this.bytesReceived += datagram.length;
    this.#carryOut(this.#ptcp.receive(datagram, nowMs));
    if (this.#willAcknowledge || !this.#ptcp.owesAck) return;
    this.#willAcknowledge = true;
    // After what came in the same turn.
    setImmediate(() => {
      this.#willAcknowledge = false;
      if (!this.#isEnded) this.#carryOut(this.#ptcp.acknowledge(this.#options.clock.monoMs()));
    });
  }

  /** A connection to a port of the device; `null` when there are too many or the link is gone. */
  open(port: number, handlers: RealmHandlers): Realm | null {
    if (this.#isEnded) return null;
    const realm = this.realms.open(port, handlers, this.#options.clock.monoMs());
    this.#pump();
    if (!realm) return null;
    return {
      ...realm,
      write: (octets) => {
        realm.write(octets);
        this.#pump();
      },
      end: () => {
        realm.end();
        this.#pump();
      },
      close: () => {
        realm.close();
        this.#pump();
      },
    };
  }

  /** DISC for every realm, then waits until they are acknowledged, but not long. Idempotent. */
  async close(waitMs: number): Promise<void> {
    if (this.#isEnded) return;
    this.realms.closeAll();
    this.#pump();
    if (this.#ptcp.state === 'established' && waitMs > 0) await this.#untilIdle(waitMs);
    this.#end('closed');
  }

  /**
   * Sign dialect, on a relayed session: asks for a sign. The device pauses this session for good; only acknowledgements
   * leave it from then on.
   * @throws NvrError `timeout`
   */
  async requestSign(limitMs: number): Promise<Uint8Array> {
    this.#isPaused = true;
    return this.#exchange({ kind: 'signRequest' }, 'sign', limitMs);
  }

  /**
   * Sign dialect, on a direct session before any bind: presents the sign, until the device has heard that its answer came.
   * @throws NvrError `timeout`
   */
  async presentSign(sign: Uint8Array, limitMs: number): Promise<void> {
    await this.#exchange({ kind: 'signPresent', sign }, 'signAccepted', limitMs);
    this.realms.say({ kind: 'signDone' });
    this.#pump();
    if (!(await this.#untilIdle(limitMs))) throw new NvrError('timeout', 'The device did not confirm the sign');
  }

  async #exchange(message: Message, kind: SignMessage['kind'], limitMs: number): Promise<Uint8Array> {
    const answer = Promise.withResolvers<Uint8Array>();
    this.#onSign = (found) => {
      if (found.kind === kind) answer.resolve(found.sign);
    };
    const fail = () => answer.reject(new NvrError('timeout', 'The device did not answer the sign exchange'));
    const timer = this.#options.clock.after(limitMs, fail);
    void this.ended.then(fail);
    this.realms.say(message);
    this.#pump();
    try {
      return await answer.promise;
    } finally {
      timer.cancel();
      this.#onSign = () => {};
    }
  }

  /** @returns whether everything that was said is acknowledged */
  async #untilIdle(limitMs: number): Promise<boolean> {
    if (this.#ptcp.isIdle && !this.realms.hasBodies) return true;
    const idle = Promise.withResolvers<boolean>();
    this.#idle = () => idle.resolve(!this.#isEnded);
    const timer = this.#options.clock.after(limitMs, () => idle.resolve(false));
    const isIdle = await idle.promise;
    timer.cancel();
    this.#idle = null;
    return isIdle;
  }

  #pump(): void {
    if (!this.#isEnded) this.#carryOut(this.#ptcp.pump(this.#options.clock.monoMs()));
  }

  #carryOut({ datagrams, pieces }: PtcpOutput): void {
    for (const datagram of datagrams) {
      this.bytesSent += datagram.length;
      this.#options.send(datagram);
    }
    const nowMs = this.#options.clock.monoMs();
    if (datagrams.length > 0 && !this.#ptcp.isIdle) this.#saidAtMs = nowMs;
    if (this.#ptcp.state === 'established') this.#established.resolve();
    const broken = this.#read(pieces, nowMs) ?? (this.#ptcp.state === 'lost' ? this.#ptcp.lostBecause : null);
    if (broken !== null) this.#end(broken);
    if (this.#isEnded) return;
    if (pieces.length > 0 && this.realms.hasBodies) {
      this.#pump();
      return;
    }
    if (this.#ptcp.isIdle && !this.realms.hasBodies) this.#idle?.();
    this.#arm();
  }

  /** @returns why the session cannot go on, or `null` */
  #read(pieces: readonly Uint8Array[], nowMs: number): string | null {
    for (const piece of pieces) {
      for (const message of this.#reader.push(piece)) {
        if ('sign' in message) this.#onSign(message);
        const broken = this.realms.receive(message, nowMs);
        if (broken !== null || this.#isEnded) return broken;
      }
    }
    return null;
  }

  /** One timer, moved only when something is due earlier; one that fires too early looks again. */
  #arm(): void {
    const dueMs = this.#ptcp.dueMs(this.realms.hasBodies);
    if (dueMs === null || this.#timerDueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const { clock } = this.#options;
    this.#timer = clock.after(dueMs - clock.monoMs(), () => {
      this.#timer = null;
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      if (!this.#isEnded) this.#carryOut(this.#ptcp.tick(clock.monoMs()));
    });
  }

  #watchOn(): void {
    const { clock } = this.#options;
    this.#watch = clock.after(WATCH_MS, () => {
      if (this.#isEnded) return;
      const nowMs = clock.monoMs();
      this.#watchOn();
      if (this.#ptcp.state !== 'established') return;
      const silentMs = nowMs - this.#heardAtMs;
      if (silentMs >= tunnelLimits.lostMs) {
        this.#end('the device was silent for 30 s');
        return;
      }
      // What waits to be heard by the device cannot have been answered yet.
      const isAlive = silentMs <= tunnelLimits.heartbeatMs && this.#ptcp.isIdle && !this.realms.hasBodies;
      const dead = this.realms.tick(nowMs, isAlive);
      if (dead !== null) {
        this.#end(dead);
        return;
      }
      if (silentMs >= tunnelLimits.suspectMs && nowMs - this.#suspectAtMs >= tunnelLimits.suspectEveryMs) {
        this.#suspectAtMs = nowMs;
        this.#options.onSuspect();
      }
      if (nowMs - this.#saidAtMs >= tunnelLimits.heartbeatMs && !this.#isPaused) {
        this.#saidAtMs = nowMs;
        this.realms.heartbeat();
      }
      this.#pump();
    });
  }

  #end(reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#timer?.cancel();
    this.#watch?.cancel();
    this.#idle?.();
    this.#established.reject(new NvrError('timeout', reason));
    this.#ended.resolve(reason);
    this.realms.endAll();
  }
}
