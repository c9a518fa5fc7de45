// One PTCP session of the simulated device: realms to TCP connections inside it, heartbeats, the sign exchange (section 9).

import type { Clock, Timer } from '../../core/clock.ts';
import { encodeMessage, type Message, MessageReader, segmentation } from '../../drivers/dahua-p2p/wire.ts';
import type { Endpoint, Net } from '../../net/net.ts';
import type { ByteStream } from '../../net/stream.ts';
import type { DahuaFaults, DahuaSimulatorOptions, DahuaStats } from './options.ts';
import { PseudoTcp } from './pseudo-tcp.ts';

const MAX_DATA = 1280;
const PAUSE_BYTES = 256 * 1024;
const RESUME_BYTES = 64 * 1024;
const DEFAULT_FLIGHT_BYTES = 64 * 1024 - 1;
const HEARTBEAT_MS = 5000;
const LIE_BYTES = 60_000;
const UNKNOWN_TYPES = [0x0a, 0x2a];
const CHATTY_EVERY = 16;

/** What a session needs of its device. */
export type DeviceSessionOptions = {
  readonly clock: Clock;
  readonly net: Net;
  readonly options: DahuaSimulatorOptions;
  readonly faults: DahuaFaults;
  readonly stats: DahuaStats;
  readonly path: 'direct' | 'relay';
  readonly send: (datagram: Uint8Array) => void;
  /** Signs that were given out on relay sessions. */
  readonly signs: Set<string>;
};

type Realm = { stream: ByteStream | null; messages: number; isPaused: boolean; isClosed: boolean; isMute: boolean };

/** See the head of this file. */
export class DeviceSession {
  readonly #context: DeviceSessionOptions;
  readonly #tcp: PseudoTcp;
  readonly #reader = new MessageReader();
  readonly #realms = new Map<number, Realm>();
  #heartbeat: Timer | null = null;
  #watch: Timer | null = null;
  #isSigned = false;
  #isMuted = false;
  /** A device that knows no signs answers binds after one, and then sends nothing. */
  #isWithoutData = false;
  #isClosed = false;
  #counted = { retransmissions: 0, futureAcks: 0 };

  constructor(context: DeviceSessionOptions) {
    this.#context = context;
    const { clock, options, send } = context;
    this.#tcp = new PseudoTcp({
      ...{ clock, send },
      window: options.window ?? 'neverReopen',
      packing: options.packing ?? 'aligned',
      maxFlightBytes: options.maxFlightBytes ?? DEFAULT_FLIGHT_BYTES,
      initialSeq: options.initialSeq ?? 0,
      timestampMs: 0x3d9c_891a,
      onOctets: (octets) => {
        for (const message of this.#reader.push(octets.slice())) this.#take(message);
      },
      onDead: () => this.close(),
    });
    context.stats.sessions++;
    this.#beat();
  }

  /** Open realms. */
  get realms(): number {
    return this.#realms.size;
  }

  receive(datagram: Uint8Array): void {
    if (this.#isClosed) return;
    this.#tcp.receive(datagram);
    const { stats } = this.#context;
    stats.retransmissions += this.#tcp.retransmissions - this.#counted.retransmissions;
    stats.futureAcks += this.#tcp.futureAcks - this.#counted.futureAcks;
    this.#counted = { retransmissions: this.#tcp.retransmissions, futureAcks: this.#tcp.futureAcks };
    this.#resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#heartbeat?.cancel();
    this.#watch?.cancel();
    this.#tcp.close();
    for (const id of [...this.#realms.keys()]) this.#drop(id);
  }

  #beat(): void {
    const ms = this.#context.options.heartbeatMs ?? HEARTBEAT_MS;
    if (ms === 0) return;
    this.#heartbeat = this.#context.clock.after(ms, () => {
      if (this.#tcp.isOpen) this.#say({ kind: 'heartbeat' });
      this.#beat();
    });
  }

  #say(message: Message): void {
    if (this.#isMuted && message.kind !== 'sign') return;
    if (this.#isWithoutData && message.kind === 'data') return;
    this.#tcp.write(encodeMessage(message));
  }

  #take(message: Message): void {
    switch (message.kind) {
      case 'bind':
        void this.#bind(message.realm, message.port);
        return;
      case 'data': {
        const realm = this.#realms.get(message.realm);
        if (realm?.stream) realm.stream.write(message.data);
        else this.#say({ kind: 'status', realm: message.realm, status: 'DISC' });
        return;
      }
      case 'status':
        if (message.status === 'DISC') {
          this.#context.stats.discs++;
          this.#drop(message.realm);
        }
        return;
      case 'signRequest': {
        this.#noteSign();
        const sign = Uint8Array.from({ length: 4 }, (_, n) => 0x30 + n + this.#context.signs.size);
        this.#context.signs.add(Buffer.from(sign).toString('hex'));
        this.#say({ kind: 'sign', sign });
        this.#isMuted = true;
        return;
      }
      case 'signPresent':
        this.#noteSign();
        if (this.#context.faults.isSignRefused) return;
        if (this.#context.signs.has(Buffer.from(message.sign).toString('hex'))) {
          this.#say({ kind: 'signAccepted', sign: Uint8Array.of(0xa1, 0x15, 0xbf, 0xff) });
        }
        return;
      case 'signDone':
        this.#isSigned = true;
        return;
    }
  }

  #noteSign(): void {
    this.#context.stats.signs++;
    if (this.#context.options.dialect === 'plain') this.#isWithoutData = true;
  }

  async #bind(id: number, port: number): Promise<void> {
    const { stats, faults, options, clock, net, path } = this.#context;
    stats.binds++;
    if (faults.isBindSilent) return;
    const needsSign = path === 'direct' && options.dialect === 'sign' && !this.#isSigned;
    const target = options.targets.get(port);
    if (faults.refuseBinds > 0 || needsSign || !target || this.#realms.has(id)) {
      if (faults.refuseBinds > 0) faults.refuseBinds--;
      this.#say({ kind: 'status', realm: id, status: 'DISC' });
      return;
    }
    const realm: Realm = { stream: null, messages: 0, isPaused: false, isClosed: false, isMute: faults.muteRealms > 0 };
    if (realm.isMute) faults.muteRealms--;
    this.#realms.set(id, realm);
    stats.realms = Math.max(stats.realms, this.#realms.size);
    const stream = await this.#connect(net, target);
    if (faults.connAfterMs > 0) await clock.sleep(faults.connAfterMs);
    if (!stream || realm.isClosed || this.#isClosed) {
      void stream?.close();
      if (!this.#isClosed && !realm.isClosed) {
        this.#realms.delete(id);
        this.#say({ kind: 'status', realm: id, status: 'DISC' });
      }
      return;
    }
    realm.stream = stream;
    this.#say({ kind: 'status', realm: id, status: 'CONN' });
    if (faults.isChatty) this.#chat(id);
    stream.onBytes((bytes) => this.#forward(id, realm, bytes));
    stream.onEnd(() => {
      if (realm.isClosed) return;
      this.#drop(id);
      this.#say({ kind: 'status', realm: id, status: 'DISC' });
    });
  }

  #connect(net: Net, target: Endpoint): Promise<ByteStream | null> {
    return net.streams.connect({ ...target }).catch(() => null);
  }

  /** What real firmware was seen or suspected to say besides. */
  #chat(id: number): void {
    this.#say({ kind: 'status', realm: id, status: 'CONN' });
    this.#say({ kind: 'status', realm: (id + 1) >>> 0, status: 'DISC' });
    this.#say({ kind: 'data', realm: (id + 2) >>> 0, data: Buffer.from('nobody') });
    for (const type of UNKNOWN_TYPES) {
      this.#say({ kind: 'unknown', type, realm: id, data: Uint8Array.of(1, 2, 3), isDesync: false });
    }
    this.#tcp.write(new Uint8Array(3));
  }

  #forward(id: number, realm: Realm, bytes: Uint8Array): void {
    const { faults } = this.#context;
    if (realm.isMute) return;
    let at = 0;
    for (const length of segmentation(bytes.length, MAX_DATA)) {
      realm.messages++;
      if (faults.lieAfterMessages > 0 && realm.messages === faults.lieAfterMessages) this.#lie(id);
      if (faults.isChatty && realm.messages % CHATTY_EVERY === 0) {
        this.#say({ kind: 'unknown', type: 0x2a, realm: id, data: Uint8Array.of(7), isDesync: false });
      }
      this.#say({ kind: 'data', realm: id, data: bytes.subarray(at, at + length) });
      at += length;
    }
    if (this.#tcp.backlogBytes > PAUSE_BYTES && !realm.isPaused) {
      realm.isPaused = true;
      realm.stream?.pause();
    }
  }

  /** A header that announces more than follows: everything behind it is swallowed. */
  #lie(id: number): void {
    const message = Buffer.from(encodeMessage({ kind: 'data', realm: id, data: new Uint8Array(10) }));
    message.writeUInt32BE((0x10 << 24) | LIE_BYTES, 0);
    this.#tcp.write(message);
  }

  #resume(): void {
    if (this.#tcp.backlogBytes > RESUME_BYTES) return;
    for (const realm of this.#realms.values()) {
      if (!realm.isPaused) continue;
      realm.isPaused = false;
      realm.stream?.resume();
    }
  }

  #drop(id: number): void {
    const realm = this.#realms.get(id);
    if (!realm) return;
    realm.isClosed = true;
    this.#realms.delete(id);
    void realm.stream?.close();
  }
}
