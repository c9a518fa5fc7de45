// The client's end of an endless HTTP response. Bytes go straight into the socket, and only when nothing waits in it:
// a slow client costs one picture of memory, never a queue.

import type { ServerResponse } from 'node:http';
import { NvrError } from '../core/nvr-error.ts';

/** A client that has not taken what was written for this long is gone, or might as well be. */
export const STUCK_MS = 30_000;

/** Silence after which the system asks whether the client is still there. */
const KEEP_ALIVE_MS = 30_000;

const NOTHING = Buffer.alloc(0);

type Socket = NonNullable<ServerResponse['socket']>;

/** What the sink tells its stream. */
export type SinkEvents = {
  /** All that was written has left the process. Only called when it could not leave at once. */
  readonly onReady: () => void;
  /** The client left, or was made to. Called once. */
  readonly onClose: () => void;
};

/** Sockets that an endless response has taken over. */
const taken = new WeakSet<Socket>();

/** Takes over the socket of a response. */
export class StreamSink {
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  #events: SinkEvents | null = null;
  #busySinceMs: number | null = null;
  #closed = false;
  #opening = false;
  readonly #onWritten = () => {
    if (this.#closed || !this.idle) return;
    this.#busySinceMs = null;
    this.#events?.onReady();
  };

  /**
   * @param response with status and headers not yet sent
   * @throws NvrError `conflict` when the client has sent this request behind another one that has no end (pipelining)
   */
  constructor(response: ServerResponse) {
    const socket = response.socket;
    if (!socket || taken.has(socket)) {
      throw new NvrError('conflict', 'An endless answer is already being sent on this connection');
    }
    this.#response = response;
    this.#socket = socket;
  }

  /** Sends status 200 and the headers, unchunked, together with the first bytes when `first` writes some. */
  open(headers: Readonly<Record<string, string | number>>, events: SinkEvents, first: () => void): void {
    const socket = this.#socket;
    taken.add(socket);
    this.#events = events;
    socket.once('close', () => this.#onClosed());
    socket.setTimeout(0); // an outage may be long; who is stuck is found out by `endIfStuck`
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // There is no second request on such a connection; without this a client could pile them up behind the stream.
    socket.on('data', () => this.destroy());
    for (const [name, value] of Object.entries(headers)) this.#response.setHeader(name, value);
    this.#response.setHeader('Connection', 'close');
    this.#response.removeHeader('Transfer-Encoding'); // tells Node not to chunk
    socket.cork();
    this.#response.writeHead(200);
    this.#response.flushHeaders();
    this.#opening = true;
    first();
    this.#opening = false;
    socket.uncork();
    if (socket.destroyed) this.#onClosed();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Nothing waits to be sent: the next picture may go. */
  get idle(): boolean {
    return this.#socket.writableLength === 0 || this.#opening;
  }

  /** Writes one chunk; it is sent in this very call when the kernel has room. Nothing is copied. */
  writeOne(chunk: Uint8Array): void {
    this.#socket.write(chunk);
    this.#awaitRoom();
  }

  /** Writes the chunks as one. */
  write(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket;
    socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    socket.uncork();
    this.#awaitRoom();
  }

  /**
   * A quick client has taken all by now, and needs no callback (they cost 10 % of a viewer). A slow one is waited for
   * with an empty write behind the last; `drain` would not come for less than the high-water mark.
   */
  #awaitRoom(): void {
    if (this.#socket.writableLength > 0) this.#socket.write(NOTHING, this.#onWritten);
  }

  /** Ends a client that does not read. To be called now and then. @returns whether it was ended */
  endIfStuck(nowMs: number): boolean {
    if (this.idle) this.#busySinceMs = null;
    else this.#busySinceMs ??= nowMs;
    if (this.#busySinceMs === null || nowMs - this.#busySinceMs < STUCK_MS) return false;
    this.destroy();
    return true;
  }

  /** Ends the response after what was written. */
  end(): void {
    if (!this.#closed) this.#socket.destroySoon();
  }

  /** Ends the connection now. */
  destroy(): void {
    this.#socket.destroy();
    this.#onClosed();
  }

  #onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events?.onClose();
  }
}
