// A simulated RTSP camera: RTSP 1.0 (RFC 2326) with H.264 over TCP and UDP, credentials, and faults on request.

import type { Clock, Timer } from '../../core/clock.ts';
import { type Random, seededRandom } from '../../core/random.ts';
import type { Net } from '../../net/net.ts';
import type { ByteStream, StreamListener } from '../../net/stream.ts';
import { type AuthScheme, Gate } from '../gate.ts';
import type { Clip } from './clip.ts';
import { RtspConnection } from './connection.ts';
import type { RtspFaults } from './faults.ts';

/** Options of {@link RtspSimulator}. */
export type RtspSimulatorOptions = {
  readonly net: Net;
  readonly clock: Clock;
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  readonly clip: Clip;
  /** The path that has the stream; others are 404. */
  readonly path?: string;
  /** A recorder: `channel=` 1 to this many in the query; others are 404. Left out: any channel. */
  readonly channels?: number;
  readonly auth?: AuthScheme;
  readonly username?: string;
  readonly password?: string;
  /** Seconds in the Session header. */
  readonly timeoutSeconds?: number;
  readonly faults?: RtspFaults;
  readonly seed?: number;
  /** Told the number of each picture just before it is sent, whether or not somebody plays: for measuring. */
  readonly onPicture?: (number: number) => void;
  readonly tls?: { readonly cert: string; readonly key: string };
};

/** What it saw, for assertions. */
export type RtspStats = {
  connections: number;
  playing: number;
  requests: Record<string, number>;
  pictures: number;
  refused: number;
  /** Most sessions that played at the same time. */
  mostPlaying: number;
};

/** See the head of this file. */
export class RtspSimulator implements AsyncDisposable {
  readonly options: RtspSimulatorOptions;
  readonly stats: RtspStats = { connections: 0, playing: 0, requests: {}, pictures: 0, refused: 0, mostPlaying: 0 };
  readonly gate: Gate;
  readonly random: Random;
  faults: RtspFaults;
  #listener: StreamListener | null = null;
  #port: number;
  readonly #connections = new Set<RtspConnection>();
  #timer: Timer | null = null;
  #picture = 0;
  #startedMs = 0;

  /** Listens. */
  static async start(options: RtspSimulatorOptions): Promise<RtspSimulator> {
    const simulator = new RtspSimulator(options);
    await simulator.comeBack();
    return simulator;
  }

  private constructor(options: RtspSimulatorOptions) {
    this.options = options;
    this.faults = options.faults ?? {};
    this.random = seededRandom(options.seed ?? 1);
    this.gate = new Gate(options.auth ?? 'none', options.username ?? 'admin', options.password ?? 'secret');
    this.#port = options.port;
  }

  get port(): number {
    return this.#port;
  }

  get path(): string {
    return this.options.path ?? '/stream1';
  }

  /** The address to add it with. */
  get url(): string {
    return `${this.options.tls ? 'rtsps' : 'rtsp'}://${this.options.host}:${this.port}${this.path}`;
  }

  /** Out of reach: everything is closed, nothing listens. */
  async vanish(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#listener?.close();
    this.#listener = null;
    await Promise.all([...this.#connections].map((connection) => connection.close()));
  }

  /** Back again, on the same port. */
  async comeBack(): Promise<void> {
    if (this.#listener) return;
    const { net, host, tls, clock } = this.options;
    this.#listener = await net.streams.listen({ address: host, port: this.#port, ...(tls && { tls }) }, (stream) =>
      this.#accept(stream),
    );
    this.#port = this.#listener.local.port;
    this.#startedMs = clock.monoMs();
    this.#picture = 0;
    this.#tick();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vanish();
  }

  #accept(stream: ByteStream): void {
    this.stats.connections++;
    const connection = new RtspConnection(stream, this, () => void this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  /** Pictures at their own pace; a late timer is caught up by the next one. */
  #tick(): void {
    const { clock, clip } = this.options;
    const distanceMs = 1000 / clip.fps;
    const number = this.#picture++;
    const picture = clip.pictures[number % clip.pictures.length]!;
    const playing = [...this.#connections].filter((connection) => connection.isPlaying);
    this.stats.playing = playing.length;
    this.stats.mostPlaying = Math.max(this.stats.mostPlaying, playing.length);
    this.options.onPicture?.(number);
    for (const connection of playing) connection.send(picture, number);
    if (playing.length > 0) this.stats.pictures++;
    const dueMs = this.#startedMs + this.#picture * distanceMs;
    this.#timer = clock.after(dueMs - clock.monoMs(), () => this.#tick());
  }
}
