// A client of `WS /api/live` that follows `design/live-protocol.md` and keeps what it was sent.

const PATIENCE_MS = 10_000;

/** A picture as received. */
export type ReceivedPicture = {
  readonly kind: number;
  readonly flags: number;
  readonly id: number;
  readonly seq: number;
  readonly at: number;
  readonly skipped: number;
  readonly width: number;
  readonly height: number;
  readonly jpeg: Buffer;
};

type Text = { readonly type: string } & Record<string, unknown>;

/** One socket. */
export class LiveClient implements Disposable {
  readonly #socket: WebSocket;
  readonly texts: Text[] = [];
  readonly pictures: ReceivedPicture[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.texts.push(JSON.parse(data));
      else this.pictures.push(readPicture(data as ArrayBuffer));
      this.#wake();
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason };
      this.#wake();
    });
  }

  /** Opens the socket with headers as a browser or a program would send. */
  static async open(port: number, headers: Record<string, string> = {}): Promise<LiveClient> {
    // Node's WebSocket takes headers in its second argument; the type of browsers does not know that.
    const options = { headers } as unknown as string[];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live`, options);
    const client = new LiveClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error('the socket did not open')));
    });
    return client;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  send(message: object | string): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(bytes);
  }

  close(): void {
    this.#socket.close();
  }

  /** The next text message of that type, also one that came before. */
  text(type: string, matches: (text: Text) => boolean = () => true): Promise<Text> {
    return this.#take(this.texts, (text) => text.type === type && matches(text), `a message "${type}"`);
  }

  /** The next picture of a subscription. */
  picture(id = 0): Promise<ReceivedPicture> {
    return this.#take(this.pictures, (picture) => picture.id === id, `a picture of ${id}`);
  }

  /** The close of the socket. */
  async end(): Promise<number> {
    await this.#until(() => this.closed !== null, 'the close');
    return this.closed!.code;
  }

  async #take<T>(list: T[], matches: (item: T) => boolean, what: string): Promise<T> {
    await this.#until(() => list.some(matches) || this.closed !== null, what);
    const index = list.findIndex(matches);
    if (index < 0) throw new Error(`closed (${this.closed?.code} ${this.closed?.reason}) before ${what}`);
    return list.splice(index, 1)[0]!;
  }

  async #until(done: () => boolean, what: string): Promise<void> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    while (!done()) {
      if (patience.aborted)
        throw new Error(`not within ${PATIENCE_MS} ms: ${what}; texts: ${JSON.stringify(this.texts)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        patience.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}

function readPicture(data: ArrayBuffer): ReceivedPicture {
  const view = new DataView(data);
  return {
    kind: view.getUint8(0),
    flags: view.getUint8(1),
    id: view.getUint16(2),
    seq: view.getUint32(4),
    at: view.getFloat64(8),
    skipped: view.getUint32(16),
    width: view.getUint16(20),
    height: view.getUint16(22),
    jpeg: Buffer.from(data, 24),
  };
}
