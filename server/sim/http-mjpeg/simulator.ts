// A simulated camera with a web server: MJPEG at /video.mjpg in any of the styles, one picture at /snapshot.jpg.

import type { Clock, Timer } from '../../core/clock.ts';
import type { Net } from '../../net/net.ts';
import type { ByteStream, StreamListener } from '../../net/stream.ts';
import { type AuthScheme, Gate } from '../gate.ts';
import type { PictureSource } from '../pictures.ts';
import { type MjpegStyle, part, responseHead } from './styles.ts';

/** What it may do wrong; changed while it runs. */
export type HttpFaults = {
  /** Answers every request with this status. */
  readonly status?: number;
  /** Answers with 302 and this address. */
  readonly redirectTo?: string;
  /** Accepts and never answers. */
  readonly silent?: boolean;
  /** Sends so many pictures of each stream, then nothing. */
  readonly stallAfter?: number;
  /** Sends so many pictures of each stream, then half a picture and the end. */
  readonly cutAfter?: number;
  /** Milliseconds before a snapshot is answered. */
  readonly slowMs?: number;
  /** Snapshots without ETag and Last-Modified. */
  readonly noValidators?: boolean;
};

/** Options of {@link HttpCameraSimulator}. */
export type HttpCameraOptions = {
  readonly net: Net;
  readonly clock: Clock;
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  readonly pictures: PictureSource;
  readonly fps: number;
  readonly style?: MjpegStyle;
  readonly auth?: AuthScheme;
  readonly username?: string;
  readonly password?: string;
  readonly faults?: HttpFaults;
};

/** What it saw, for assertions. */
export type HttpCameraStats = {
  requests: number;
  refused: number;
  streams: number;
  snapshots: number;
  unchanged: number;
  /** Requests being answered now, and the most at the same time. */
  open: number;
  mostOpen: number;
  pictures: number;
  /** Authorization headers that came, for tests of where credentials go. */
  readonly authorizations: string[];
};

const MAX_REQUEST_BYTES = 16 * 1024;
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;

type Client = { readonly stream: ByteStream; sent: number };

/** See the head of this file. */
export class HttpCameraSimulator implements AsyncDisposable {
  readonly options: HttpCameraOptions;
  readonly stats: HttpCameraStats = {
    ...{ requests: 0, refused: 0, streams: 0, snapshots: 0, unchanged: 0, open: 0, mostOpen: 0, pictures: 0 },
    authorizations: [],
  };
  readonly gate: Gate;
  faults: HttpFaults;
  #port: number;
  #listener: StreamListener | null = null;
  readonly #clients = new Set<Client>();
  #timer: Timer | null = null;
  #newest: Uint8Array | null = null;
  #number = 0;

  /** Listens. */
  static async start(options: HttpCameraOptions): Promise<HttpCameraSimulator> {
    const simulator = new HttpCameraSimulator(options);
    await simulator.comeBack();
    return simulator;
  }

  private constructor(options: HttpCameraOptions) {
    this.options = options;
    this.faults = options.faults ?? {};
    this.gate = new Gate(options.auth ?? 'none', options.username ?? 'admin', options.password ?? 'secret');
    this.#port = options.port;
  }

  get port(): number {
    return this.#port;
  }

  /** `http://host:port`. */
  get origin(): string {
    return `http://${this.options.host}:${this.port}`;
  }

  /** The newest picture. */
  get newest(): Uint8Array | null {
    return this.#newest;
  }

  /** The picture stands still until `thaw`. */
  frozen = false;

  /** Out of reach: nothing listens, every connection is cut. */
  async vanish(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#clients.clear();
    await this.#listener?.close();
    this.#listener = null;
  }

  /** Back again, on the same port. */
  async comeBack(): Promise<void> {
    if (this.#listener) return;
    const { net, host, pictures } = this.options;
    this.#listener = await net.streams.listen({ address: host, port: this.#port }, (stream) => this.#accept(stream));
    this.#port = this.#listener.local.port;
    const reader = pictures.reader();
    const tick = () => {
      const picture = this.frozen && this.#newest ? null : reader.next();
      if (picture) {
        this.#newest = picture.data;
        this.#number++;
        this.#send(picture.data);
      }
      this.#timer = this.options.clock.after(1000 / this.options.fps, tick);
    };
    tick();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vanish();
  }

  #send(data: Uint8Array): void {
    const { style = 'standard' } = this.options;
    const { stallAfter, cutAfter } = this.faults;
    const bytes = this.#clients.size > 0 ? part(style, data) : null;
    for (const client of this.#clients) {
      const { stream } = client;
      if (!bytes || stream.queuedBytes > MAX_QUEUED_BYTES) continue;
      if (stallAfter !== undefined && client.sent >= stallAfter) continue;
      if (cutAfter !== undefined && client.sent >= cutAfter) {
        stream.write(bytes.subarray(0, bytes.length >> 1));
        this.#clients.delete(client);
        void stream.close();
        continue;
      }
      stream.write(bytes);
      client.sent++;
      this.stats.pictures++;
    }
  }

  #accept(stream: ByteStream): void {
    const { stats } = this;
    stats.open++;
    stats.mostOpen = Math.max(stats.mostOpen, stats.open);
    let isOpen = true;
    let text = '';
    let isAnswered = false;
    stream.onEnd(() => {
      if (isOpen) stats.open--;
      isOpen = false;
      for (const client of this.#clients) if (client.stream === stream) this.#clients.delete(client);
      void stream.close();
    });
    const done = async () => {
      await stream.close();
      if (isOpen) stats.open--;
      isOpen = false;
    };
    stream.onBytes((bytes) => {
      if (isAnswered || this.faults.silent) return;
      text += Buffer.from(bytes).toString('latin1');
      if (text.length > MAX_REQUEST_BYTES) void done();
      if (!text.includes('\r\n\r\n')) return;
      isAnswered = true;
      void this.#answer(stream, text, done);
    });
  }

  async #answer(stream: ByteStream, text: string, done: () => Promise<void>): Promise<void> {
    const { stats, faults, gate } = this;
    stats.requests++;
    const [, method = '', target = ''] = /^(\S+) (\S+)/.exec(text) ?? [];
    const header = (name: string) => new RegExp(`^${name}: (.*)\\r$`, 'im').exec(text)?.[1];
    const authorization = header('Authorization');
    if (authorization !== undefined) stats.authorizations.push(authorization);
    const reply = async (status: number, headers: readonly string[] = [], body: Uint8Array = Buffer.from('no\n')) => {
      const all = [
        `HTTP/1.1 ${status} Status`,
        ...headers,
        `Content-Length: ${body.length}`,
        'Connection: close',
        '',
        '',
      ];
      stream.write(all.join('\r\n'));
      stream.write(body);
      await done();
    };
    if (!gate.admits(method, authorization)) {
      stats.refused++;
      await reply(401, [`WWW-Authenticate: ${gate.challenge()}`]);
    } else if (faults.status !== undefined) await reply(faults.status);
    else if (faults.redirectTo !== undefined) await reply(302, [`Location: ${faults.redirectTo}`]);
    else if (target.startsWith('/video.mjpg')) this.#stream(stream);
    else if (target.startsWith('/snapshot.jpg')) await this.#snapshot(header('If-None-Match'), reply);
    else await reply(404, ['Content-Type: text/html']);
  }

  #stream(stream: ByteStream): void {
    this.stats.streams++;
    stream.write(responseHead(this.options.style ?? 'standard'));
    this.#clients.add({ stream, sent: 0 });
  }

  async #snapshot(
    known: string | undefined,
    reply: (status: number, headers?: readonly string[], body?: Uint8Array) => Promise<void>,
  ): Promise<void> {
    if (this.faults.slowMs) await this.options.clock.sleep(this.faults.slowMs);
    const etag = `"${this.#number}"`;
    if (known === etag && !this.faults.noValidators) {
      this.stats.unchanged++;
      await reply(304, [`ETag: ${etag}`], Buffer.alloc(0));
      return;
    }
    this.stats.snapshots++;
    const validators = this.faults.noValidators ? [] : [`ETag: ${etag}`];
    await reply(200, ['Content-Type: image/jpeg', ...validators], this.#newest ?? Buffer.alloc(0));
  }
}
