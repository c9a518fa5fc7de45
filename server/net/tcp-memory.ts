// Streams in memory: pairs of ends, bytes carried in order after a delay on a Clock. What the system does not do either is
// not done here: a cut path is silence, not an error.

import type { Clock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { Endpoint } from './net.ts';
import {
  type ByteStream,
  CONNECT_TIMEOUT_MS,
  type ConnectOptions,
  type ListenOptions,
  type StreamEnd,
  type StreamListener,
  type StreamNet,
} from './stream.ts';
import { connectTimeout, streamError } from './tcp-errors.ts';

/** What the streams need of their network. */
export type MemoryStreamsOptions = {
  readonly clock: Clock;
  /** Whether nothing passes between two addresses now. */
  readonly isCut: (from: string, to: string) => boolean;
};

type Listening = { readonly local: Endpoint; readonly accept: (stream: MemoryStream) => void };

const DELAY_MS = 0.1;
const FIRST_PORT = 30_000;
const ANY = '0.0.0.0';

class MemoryStream implements ByteStream {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly queuedBytes = 0;
  peer: MemoryStream | null = null;
  readonly #options: MemoryStreamsOptions;
  #handler: ((bytes: Uint8Array) => void) | null = null;
  #onEnd: ((end: StreamEnd) => void) | null = null;
  #waiting: Uint8Array[] = [];
  #end: StreamEnd | undefined;
  #paused = false;
  #closed = false;

  constructor(options: MemoryStreamsOptions, local: Endpoint, remote: Endpoint) {
    this.#options = options;
    this.local = local;
    this.remote = remote;
  }

  onBytes(handler: (bytes: Uint8Array) => void): void {
    this.#handler = handler;
    this.#flush();
  }

  onEnd(handler: (end: StreamEnd) => void): void {
    this.#onEnd = handler;
    this.#flush();
  }

  /** Nothing is ever queued here. */
  onDrain(_handler: () => void): void {}

  write(bytes: Uint8Array | string): void {
    if (this.#closed) return;
    const copy = new Uint8Array(Buffer.from(bytes as Uint8Array));
    this.#carry((peer) => peer.#waiting.push(copy));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#carry((peer) => {
      peer.#end ??= null;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #carry(arrive: (peer: MemoryStream) => void): void {
    const { clock, isCut } = this.#options;
    clock.after(DELAY_MS, () => {
      const { peer } = this;
      if (!peer || isCut(this.local.address, this.remote.address)) return;
      arrive(peer);
      peer.#flush();
    });
  }

  #flush(): void {
    while (!this.#closed && !this.#paused && this.#handler) {
      const bytes = this.#waiting.shift();
      if (!bytes) break;
      this.#handler(bytes);
    }
    if (this.#closed || this.#end === undefined || this.#waiting.length > 0 || !this.#onEnd) return;
    const tell = this.#onEnd;
    this.#onEnd = null;
    tell(this.#end);
  }
}

/** All streams of one in-memory network. `host` gives one machine's view of them. */
export class MemoryStreams {
  readonly #options: MemoryStreamsOptions;
  readonly #listening = new Map<string, Listening>();
  #nextPort = FIRST_PORT;

  constructor(options: MemoryStreamsOptions) {
    this.#options = options;
  }

  /** What the machine with these addresses sees; the first is the source of its connections. */
  host(addresses: readonly string[]): StreamNet {
    return {
      connect: (options) => this.#connect(addresses[0] ?? ANY, options),
      listen: (options, onStream) => this.#listen(addresses, options, onStream),
    };
  }

  async #connect(from: string, options: ConnectOptions): Promise<ByteStream> {
    const { address, port, signal, timeoutMs = CONNECT_TIMEOUT_MS } = options;
    const where = `${address}:${port}`;
    const { clock, isCut } = this.#options;
    if (isCut(from, address)) {
      await clock.sleep(timeoutMs, signal);
      throw connectTimeout(where, timeoutMs);
    }
    await clock.sleep(DELAY_MS, signal);
    const found = this.#listening.get(where);
    if (!found) throw streamError({ code: 'ECONNREFUSED' }, where);
    const local = { address: from, port: this.#nextPort++ };
    const ours = new MemoryStream(this.#options, local, { address, port });
    const theirs = new MemoryStream(this.#options, { address, port }, local);
    ours.peer = theirs;
    theirs.peer = ours;
    found.accept(theirs);
    return ours;
  }

  async #listen(
    addresses: readonly string[],
    { address, port }: ListenOptions,
    onStream: (stream: ByteStream) => void,
  ): Promise<StreamListener> {
    if (address !== ANY && !addresses.includes(address)) {
      throw new NvrError('unavailable', `${address} is not an address of this host`);
    }
    const local = { address, port: port === 0 ? this.#nextPort++ : port };
    const keys = (address === ANY ? addresses : [address]).map((each) => `${each}:${local.port}`);
    const taken = keys.find((key) => this.#listening.has(key));
    if (taken !== undefined) throw new NvrError('conflict', `TCP port ${taken} is in use`);
    const streams = new Set<MemoryStream>();
    const accept = (stream: MemoryStream) => {
      streams.add(stream);
      onStream(stream);
    };
    for (const key of keys) this.#listening.set(key, { local, accept });
    const close = async () => {
      for (const key of keys) this.#listening.delete(key);
      for (const stream of streams) await stream.close();
      streams.clear();
    };
    return { local, close, [Symbol.asyncDispose]: close };
  }
}
