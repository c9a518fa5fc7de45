// TCP and TLS as an interface with two implementations (tcp-streams.ts, tcp-memory.ts), beside the UDP door of net.ts.

import { NvrError } from '../core/nvr-error.ts';
import type { Endpoint } from './net.ts';

/** Longest wait for a connection when nothing else is said. */
export const CONNECT_TIMEOUT_MS = 5000;

/** How a stream ended: `null` when the other side closed it in order. */
export type StreamEnd = NvrError | null;

/**
 * A connected byte stream. Bytes are handed out as they come and belong to the receiver. What arrives before a handler is
 * set waits for it, so a handler may be set after an await.
 */
export interface ByteStream extends AsyncDisposable {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Bytes that `write` took and the network did not yet; a writer that does not look at it fills the memory. */
  readonly queuedBytes: number;
  onBytes(handler: (bytes: Uint8Array) => void): void;
  /** Called once, also when the end was before this call; not after our own `close`. */
  onEnd(handler: (end: StreamEnd) => void): void;
  /** One handler, called when what was queued has been taken. */
  onDrain(handler: () => void): void;
  /** Never throws: a broken stream reports its end. */
  write(bytes: Uint8Array | string): void;
  /** Stops reading until `resume`; the sender is slowed down by the network. */
  pause(): void;
  resume(): void;
  /** Sends what is queued if that takes no longer than half a second, then closes. Idempotent. */
  close(): Promise<void>;
}

/** Where to connect. */
export type ConnectOptions = {
  /** IPv4 address; names are resolved by {@link Net.resolve}, so that the address that was checked is the one dialled. */
  readonly address: string;
  readonly port: number;
  /** TLS with this server name. Certificates are checked for public addresses; cameras on private ones sign themselves. */
  readonly tls?: { readonly serverName: string };
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

/** Where to listen; simulators and tests. */
export type ListenOptions = {
  readonly address: string;
  /** 0: any. */
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
};

/** A listening port. */
export interface StreamListener extends AsyncDisposable {
  readonly local: Endpoint;
  /** Stops listening and closes every stream that it took. */
  close(): Promise<void>;
}

/** Streams as drivers and simulators see them. */
export interface StreamNet {
  /** @throws NvrError `unavailable` (refused, unreachable), `timeout`, `cancelled`; the message names address and port */
  connect(options: ConnectOptions): Promise<ByteStream>;
  /** @throws NvrError `conflict` when the port is taken, `unavailable` for other failures */
  listen(options: ListenOptions, onStream: (stream: ByteStream) => void): Promise<StreamListener>;
}

/** Streams of a network that has none. */
export const noStreams: StreamNet = {
  connect: ({ address, port }) =>
    Promise.reject(new NvrError('unavailable', `This network has no way to ${address}:${port}`)),
  listen: () => Promise.reject(new NvrError('unavailable', 'This network has no streams')),
};
