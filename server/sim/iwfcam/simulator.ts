// A simulated IWFCam camera on a network, real or in memory: two sockets around an IwfcamCamera, the faults of the network
// between them, and what a test does to it (vanish, reboot, stall). Source: protocols/iwfcam.md, section 17.

import { NvrError } from '../../core/nvr-error.ts';
import { type Random, seededRandom } from '../../core/random.ts';
import { type DropReason, type Packet, parsePacket } from '../../drivers/iwfcam/wire.ts';
import { type Datagram, type Faults, FaultyPath } from '../../net/datagram-faults.ts';
import type { Endpoint, UdpSocket } from '../../net/net.ts';
import { type WaitOptions, Waits } from '../waits.ts';
import { type Door, IwfcamCamera } from './camera.ts';
import { completeOptions, type IwfcamOptions, type IwfcamSimulatorOptions } from './options.ts';
import { isOnOwnNetwork } from './own-network.ts';
import type { Slot } from './slots.ts';
import type { IwfcamStats } from './stats.ts';

/** One datagram that arrived. */
export type Received = {
  /** Counts up from 0. */
  readonly number: number;
  /** Monotonic, on the simulator's clock. */
  readonly atMs: number;
  readonly from: Endpoint;
  readonly door: Door;
  readonly bytes: Uint8Array;
  /** `null` when it cannot be read; `drop` then says why. */
  readonly packet: Packet | null;
  readonly drop: DropReason | null;
  /** The behavior that answered, or `null`: it was not heard, or nobody wanted it. */
  readonly answeredBy: string | null;
};

/** Datagrams kept for {@link IwfcamSimulator.expect}. */
const LOG_ENTRIES = 2000;
const DEAF_AFTER_BOOT_MS = 10_000;
const RECEIVE_BUFFER_BYTES = 1 << 20;
const PEER_DIGIT = 0x32;
/** Reasons that say that not even the header is right. */
const NOT_A_PACKET: readonly DropReason[] = ['short', 'signature', 'length'];

/** A running simulated camera. */
export class IwfcamSimulator implements AsyncDisposable {
  readonly options: IwfcamOptions;
  /** The device: slots, behaviors, frame rate. */
  readonly camera: IwfcamCamera;
  /** The last {@link LOG_ENTRIES} datagrams that arrived, oldest first. */
  readonly received: Received[] = [];
  readonly #random: Random;
  readonly #waits: Waits;
  readonly #outgoing: FaultyPath;
  readonly #incoming: FaultyPath;
  #discovery: UdpSocket | null = null;
  #media: UdpSocket | null = null;
  #isPresent = true;
  #isStopped = false;
  #deafUntilMs = Number.NEGATIVE_INFINITY;
  #busyUntilMs = Number.NEGATIVE_INFINITY;
  #arrivals = 0;

  /**
   * Opens the sockets; the camera answers when this resolves.
   * @throws NvrError `conflict` when a port is taken, `bad_input` for an unusable address
   */
  static async start(options: IwfcamSimulatorOptions): Promise<IwfcamSimulator> {
    const simulator = new IwfcamSimulator(completeOptions(options));
    try {
      await simulator.#open();
    } catch (error) {
      await simulator.stop();
      throw error;
    }
    return simulator;
  }

  private constructor(options: IwfcamOptions) {
    if (options.host === '0.0.0.0') {
      throw new NvrError('bad_input', 'A simulated camera needs an address of its own, not 0.0.0.0');
    }
    this.options = options;
    this.#random = seededRandom(options.seed);
    this.#waits = new Waits(options.clock);
    const path = (deliver: (datagram: Datagram) => void) =>
      new FaultyPath({ faults: options.faults, random: this.#random, clock: options.clock, deliver });
    this.#outgoing = path(({ bytes, from, to }) => this.#socketOn(from.port)?.send(bytes, to));
    this.#incoming = path(({ bytes, from, to }) => this.#hear(bytes, from, this.#doorOn(to.port)));
    this.camera = new IwfcamCamera(options, {
      transmit: (bytes, to, door) => this.#transmit(bytes, to, door),
      onChange: () => this.#waits.look(),
      onIdle: () => {
        if (options.renewMediaPort) void this.#renewMediaPort();
      },
    });
  }

  get discoveryPort(): number {
    return this.#discovery?.local.port ?? 0;
  }

  get mediaPort(): number {
    return this.camera.mediaPort;
  }

  get stats(): Readonly<IwfcamStats> {
    return this.camera.stats;
  }

  /** The clients on line. */
  get slots(): readonly Slot[] {
    return this.camera.slots.live;
  }

  /** Settings with which the driver finds this camera. */
  get settings(): { host: string; port: number; uid: string; password: string } {
    const { host, uid, password } = this.options;
    return { host, port: this.discoveryPort, uid, password };
  }

  /** Out of reach, as if it had left the WiFi: nothing arrives, nothing leaves, sessions run out by themselves. */
  vanish(): void {
    this.#isPresent = false;
    this.#outgoing.clear();
    this.#incoming.clear();
  }

  /** Back after {@link vanish}. */
  comeBack(): void {
    this.#isPresent = true;
  }

  /** Answers commands but sends no media, until told otherwise. */
  stall(isStalled = true): void {
    this.camera.sensor.isStalled = isStalled;
  }

  /** Pictures per second from now on. */
  setFps(fps: number): void {
    this.camera.sensor.fps = fps;
  }

  /** Ends every session from its side and says so. */
  kick(): void {
    for (const slot of this.camera.slots.live) this.camera.kick(slot);
  }

  /** Changes the network around it, from the next datagram on. */
  setFaults(faults: Partial<Faults>): void {
    for (const path of [this.#outgoing, this.#incoming]) path.faults = { ...path.faults, ...faults };
  }

  /** Power off and on: no session, another media port, deaf for ten seconds, counters from 0. Resolves when the port is open. */
  async reboot(): Promise<void> {
    this.camera.restart();
    this.#deafUntilMs = this.options.clock.monoMs() + DEAF_AFTER_BOOT_MS * this.options.timeScale;
    await this.#renewMediaPort();
  }

  /**
   * The first datagram, received or still to come, that passes.
   * @param after only those with a higher {@link Received.number}
   * @throws NvrError `timeout`
   */
  expect(
    predicate: (received: Received) => boolean,
    options: WaitOptions & { readonly after?: number } = {},
  ): Promise<Received> {
    const { after = -1 } = options;
    const find = () => this.received.find((each) => each.number > after && predicate(each));
    return this.#waits.until('a datagram', find, options);
  }

  /**
   * Resolves when the condition holds; it is looked at whenever something arrives, is sent or changes.
   * @throws NvrError `timeout`
   */
  async until(condition: (simulator: this) => boolean, options?: WaitOptions): Promise<void> {
    await this.#waits.until('a condition', () => (condition(this) ? true : undefined), options);
  }

  /** Without a goodbye; frees sockets and timers. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.vanish();
    this.camera.restart();
    await Promise.all([this.#discovery?.close(), this.#media?.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #open(): Promise<void> {
    const { net, host, port, mediaPort, broadcastReplies } = this.options;
    await this.#openMedia(mediaPort);
    // A socket bound to one address hears no broadcast; on loopback there is none, and many cameras share the port.
    const address = host.startsWith('127.') ? { address: host } : {};
    this.#discovery = await net.openUdp({ port, broadcast: broadcastReplies, ...address });
    this.camera.discoveryPort = this.#discovery.local.port;
    this.#listen(this.#discovery);
  }

  async #openMedia(port: number): Promise<void> {
    const { net, host } = this.options;
    const socket = await net.openUdp({ address: host, port, receiveBufferBytes: RECEIVE_BUFFER_BYTES });
    this.#listen(socket);
    this.#media = socket;
    this.camera.mediaPort = socket.local.port;
    if (this.#isStopped) await socket.close();
  }

  async #renewMediaPort(): Promise<void> {
    const former = this.#media;
    this.#media = null;
    // Opened before the old one is closed, so that it is another port.
    await this.#openMedia(0);
    await former?.close();
    this.#waits.look();
  }

  #listen(socket: UdpSocket): void {
    const to = { address: this.options.host, port: socket.local.port };
    socket.onDatagram((bytes, from) => this.#incoming.push({ bytes, from, to }));
  }

  #socketOn(port: number): UdpSocket | null {
    return this.#doorOn(port) === 'discovery' ? this.#discovery : this.#media;
  }

  #doorOn(port: number): Door {
    return port === this.#discovery?.local.port ? 'discovery' : 'media';
  }

  #transmit(bytes: Uint8Array, to: Endpoint, door: Door): void {
    const socket = door === 'discovery' ? this.#discovery : this.#media;
    if (!this.#isPresent || !socket || this.#isDeaf()) return;
    this.camera.stats.datagramsSent += 1;
    this.camera.stats.bytesSent += bytes.length;
    this.#outgoing.push({ bytes, from: socket.local, to });
  }

  #isDeaf(): boolean {
    return this.options.clock.monoMs() < this.#deafUntilMs;
  }

  #hear(bytes: Uint8Array, from: Endpoint, door: Door): void {
    const { stats } = this.camera;
    if (!this.#isPresent || this.#isStopped) return;
    stats.datagramsReceived += 1;
    // An answer goes to whoever seems to ask: never out of the own network (section 19).
    if (!isOnOwnNetwork(this.options.host, from.address)) {
      stats.ignored += 1;
      return;
    }
    const parsed = parsePacket(bytes);
    const packet = typeof parsed === 'string' ? null : parsed;
    const drop = typeof parsed === 'string' ? parsed : null;
    let answeredBy: string | null = null;
    if (this.#isDeaf() || this.#isInattentive(packet)) stats.unheard += 1;
    else {
      // Whatever has a valid header and comes from a client counts as heard, even what is then refused (section 7.1).
      if (door === 'media' && bytes[0] === PEER_DIGIT && (drop === null || !NOT_A_PACKET.includes(drop))) {
        this.camera.heard(from);
      }
      if (packet) answeredBy = this.camera.receive({ packet, bytes, from, door });
      if (answeredBy === null) stats.ignored += 1;
    }
    const atMs = this.options.clock.monoMs();
    this.received.push({ number: this.#arrivals++, atMs, from, door, bytes, packet, drop, answeredBy });
    if (this.received.length > LOG_ENTRIES) this.received.splice(0, this.received.length - LOG_ENTRIES);
    this.#waits.look();
  }

  /** The slow device of row 16. Acknowledgements make it neither busy nor are they missed. */
  #isInattentive(packet: Packet | null): boolean {
    const { slow, clock } = this.options;
    if ((slow.ignore === 0 && slow.busyMs === 0) || packet?.kind === 'acknowledge') return false;
    const nowMs = clock.monoMs();
    if (nowMs < this.#busyUntilMs) return true;
    if (slow.ignore > 0 && this.#random() < slow.ignore) return true;
    this.#busyUntilMs = nowMs + slow.busyMs;
    return false;
  }
}
