// An HTTP client that sees every byte: for rules about first bytes, chunking, repeats and slow readers.

import { connect, type Socket } from 'node:net';

/** A wait in a test that should have been over long ago. */
const PATIENCE_MS = 10_000;

/** One part of a multipart answer. */
export type ReadPart = { readonly headers: Record<string, string>; readonly body: Buffer };

/** One connection with one request. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('error', () => {});
  }

  /** Sends the request; `headers` are lines without CRLF. */
  static async open(port: number, path: string, headers: readonly string[] = [], method = 'GET'): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1' });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const client = new RawClient(socket);
    socket.write(`${[`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...headers].join('\r\n')}\r\n\r\n`);
    return client;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What came and was not read yet. */
  get pending(): Buffer {
    return this.#bytes;
  }

  /** Waits until `pick` finds something in the bytes so far, and takes that much away. */
  async take<T>(
    pick: (bytes: Buffer) => { value: T; length: number } | null,
    what: string,
    patienceMs = PATIENCE_MS,
  ): Promise<T> {
    const patience = AbortSignal.timeout(patienceMs);
    for (;;) {
      const found = pick(this.#bytes);
      if (found) {
        this.#bytes = this.#bytes.subarray(found.length);
        return found.value;
      }
      if (this.#ended) throw new Error(`the connection ended before ${what}`);
      if (patience.aborted) throw new Error(`no ${what} within ${patienceMs} ms; so far ${this.#bytes.length} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        patience.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** The status line and the headers, names in lower case. */
  head(): Promise<{ status: number; headers: Record<string, string> }> {
    return this.take((bytes) => {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return null;
      const [line = '', ...rest] = bytes.subarray(0, end).toString('latin1').split('\r\n');
      return { value: { status: Number(line.split(' ')[1]), headers: parseHeaders(rest) }, length: end + 4 };
    }, 'the head of the answer');
  }

  /** Exactly so many bytes. */
  bytes(count: number): Promise<Buffer> {
    return this.take(
      (bytes) => (bytes.length < count ? null : { value: bytes.subarray(0, count), length: count }),
      `${count} bytes`,
    );
  }

  /** The next part, checked byte by byte: boundary line, headers, body, CRLF. */
  part(patienceMs = PATIENCE_MS): Promise<ReadPart> {
    return this.take(
      (bytes) => {
        const end = bytes.indexOf('\r\n\r\n');
        if (end < 0) return null;
        const [boundary, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
        if (boundary !== '--frame') throw new Error(`a part begins with ${JSON.stringify(boundary)}`);
        const headers = parseHeaders(lines);
        const bodyAt = end + 4;
        const bodyEnd = bodyAt + Number(headers['content-length']);
        if (bytes.length < bodyEnd + 2) return null;
        if (bytes.toString('latin1', bodyEnd, bodyEnd + 2) !== '\r\n') throw new Error('no CRLF behind a part');
        return { value: { headers, body: bytes.subarray(bodyAt, bodyEnd) }, length: bodyEnd + 2 };
      },
      'a part',
      patienceMs,
    );
  }

  /** Resolves when the server has ended the connection. */
  async end(): Promise<void> {
    await this.take(() => (this.#ended ? { value: null, length: 0 } : null), 'the end of the connection').catch(
      (error) => {
        if (!this.#ended) throw error;
      },
    );
  }
}

function parseHeaders(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

/** Waits until a condition that is about to become true is true; fails loudly when it does not. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  while (!condition()) {
    if (patience.aborted) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
