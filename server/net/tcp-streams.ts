// The real streams: the only file that opens TCP and TLS sockets.

import { createServer, isIP, Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { NvrError } from '../core/nvr-error.ts';
import { isPrivateIpv4 } from './ipv4.ts';
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

/** A peer that does not take our last bytes is left after this. */
const LINGER_MS = 500;

class TcpStream implements ByteStream {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #socket: Socket;
  #onEnd: ((end: StreamEnd) => void) | null = null;
  #end: StreamEnd | undefined;
  #closing: Promise<void> | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    this.remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    socket.setNoDelay(true);
    const where = `${this.remote.address}:${this.remote.port}`;
    socket.on('error', (error) => this.#ended(streamError(error, where)));
    socket.on('end', () => this.#ended(null));
    socket.on('close', () => this.#ended(null));
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  onBytes(handler: (bytes: Uint8Array) => void): void {
    this.#socket.on('data', handler);
  }

  onEnd(handler: (end: StreamEnd) => void): void {
    if (this.#end !== undefined) {
      handler(this.#end);
      return;
    }
    this.#onEnd = handler;
    // An end is only seen by who reads.
    if (this.#socket.listenerCount('data') === 0 && !this.#socket.isPaused()) this.#socket.once('readable', () => {});
  }

  onDrain(handler: () => void): void {
    this.#socket.on('drain', handler);
  }

  write(bytes: Uint8Array | string): void {
    if (!this.#closing && this.#socket.writable) this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      const socket = this.#socket;
      if (socket.destroyed) {
        resolve();
        return;
      }
      const giveUp = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once('close', () => {
        clearTimeout(giveUp);
        resolve();
      });
      socket.end(() => socket.destroy());
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ended(end: StreamEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (!this.#closing) this.#onEnd?.(end);
  }
}

function connect(options: ConnectOptions): Promise<ByteStream> {
  const { address, port, tls, signal, timeoutMs = CONNECT_TIMEOUT_MS } = options;
  const where = `${address}:${port}`;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new NvrError('cancelled', 'Cancelled before connecting', { cause: signal.reason }));
      return;
    }
    const to = { host: address, port };
    const socket = tls
      ? connectTls({
          ...to,
          ...(isIP(tls.serverName) === 0 && { servername: tls.serverName }),
          rejectUnauthorized: !isPrivateIpv4(address),
        })
      : new Socket().connect(to);
    const fail = (error: NvrError) => {
      finish();
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onError = (error: Error) => fail(streamError(error, where));
    const onClose = () => fail(streamError({ code: 'ECONNRESET' }, where));
    const onAbort = () => fail(new NvrError('cancelled', 'Cancelled while connecting', { cause: signal?.reason }));
    const onConnect = () => {
      finish();
      resolve(new TcpStream(socket));
    };
    const timer = setTimeout(() => fail(connectTimeout(where, timeoutMs)), timeoutMs);
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('close', onClose);
    };
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once(tls ? 'secureConnect' : 'connect', onConnect);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function listen(options: ListenOptions, onStream: (stream: ByteStream) => void): Promise<StreamListener> {
  const { address, port, tls } = options;
  const streams = new Set<TcpStream>();
  const accept = (socket: Socket) => {
    const stream = new TcpStream(socket);
    streams.add(stream);
    socket.once('close', () => streams.delete(stream));
    onStream(stream);
  };
  const server = tls ? createTlsServer({ cert: tls.cert, key: tls.key }, accept) : createServer(accept);
  server.on('tlsClientError', () => {});
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      const message = isTaken
        ? `TCP port ${address}:${port} is in use`
        : `TCP port ${address}:${port} cannot be opened`;
      reject(new NvrError(isTaken ? 'conflict' : 'unavailable', message, { cause: error }));
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address();
      const local = { address, port: typeof bound === 'object' && bound ? bound.port : port };
      let closing: Promise<void> | null = null;
      const close = () => {
        closing ??= new Promise<void>((done) => {
          server.close(() => done());
          for (const stream of streams) void stream.close();
        });
        return closing;
      };
      resolve({ local, close, [Symbol.asyncDispose]: close });
    });
  });
}

/** The streams of this host. */
export const systemStreams: StreamNet = { connect, listen };
