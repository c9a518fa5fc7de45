// A frugal client of a multipart stream on a bare socket: it skips bodies by their length, so that it costs little beside
// what it measures.

import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_HEAD_BYTES = 16_384;

/** One part. `firstByteMs`: when its first bytes were there. `body` is its beginning, as far as it has come. */
export type PartSeen = { readonly firstByteMs: number; readonly repeat: boolean; readonly body: Buffer };

/** Where to look. */
export type ViewerOptions = {
  readonly port: number;
  readonly path: string;
  readonly onPart?: (part: PartSeen) => void;
};

/** Reads until it is closed. Counters only grow. */
export class MultipartViewer {
  bytes = 0;
  /** Parts that were no repeats. */
  parts = 0;
  status = 0;
  ended = false;
  readonly #socket: Socket;
  readonly #onPart: ViewerOptions['onPart'];
  #head: Buffer = Buffer.alloc(0);
  #headMs = 0;
  #skip = 0;

  constructor({ port, path, onPart }: ViewerOptions) {
    this.#onPart = onPart;
    this.#socket = connect({ port, host: '127.0.0.1' });
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      this.ended = true;
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const nowMs = performance.now();
    this.bytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      if (this.#head.length === 0) this.#headMs = nowMs;
      const before = this.#head.length;
      this.#head = Buffer.concat([this.#head, chunk.subarray(at, at + MAX_HEAD_BYTES)]);
      const end = this.#head.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length));
      if (end < 0) {
        if (this.#head.length > MAX_HEAD_BYTES) throw new Error('not a multipart stream');
        at = chunk.length;
        continue;
      }
      at += end + HEAD_END.length - before;
      this.#readHead(this.#head.toString('latin1', 0, end), chunk.subarray(at, at + 256));
      this.#head = Buffer.alloc(0);
    }
  }

  #readHead(head: string, body: Buffer): void {
    if (this.status === 0) {
      this.status = Number(head.split(' ')[1]);
      if (this.status !== 200) throw new Error(`the stream answered ${this.status}`);
      return;
    }
    const length = Number(/Content-Length: (\d+)/i.exec(head)?.[1]);
    if (!(length > 0)) throw new Error(`a part without a length: ${head}`);
    // The boundary that follows a picture comes with it, before the next one: it must not start that one's time.
    this.#skip = length + '\r\n--frame\r\n'.length;
    const repeat = /X-Perch-Repeat/i.test(head);
    if (!repeat) this.parts++;
    this.#onPart?.({ firstByteMs: this.#headMs, repeat, body });
  }
}
