// A frugal client of `WS /api/live` for MP4 (design/live-protocol.md): counts or hands on what comes, and acknowledges it.

const HEAD_BYTES = 24;
const KIND_INIT = 2;
const KIND_FRAGMENTS = 3;

/** What to look at. */
export type SocketViewerOptions = {
  readonly port: number;
  readonly token: string;
  readonly slug: string;
  /** Each piece of MP4: the initialization, or fragments. */
  readonly onPiece?: (mp4: Uint8Array, isInit: boolean) => void;
};

/** Reads until it is closed. Counters only grow. */
export class SocketViewer {
  bytes = 0;
  pieces = 0;
  /** Of the server or of `close`. */
  ended = false;
  readonly #socket: WebSocket;

  constructor({ port, token, slug, onPiece }: SocketViewerOptions) {
    // Node's WebSocket takes headers in its second argument; the type of browsers does not know that.
    const options = { headers: { authorization: `Bearer ${token}` } } as unknown as string[];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live`, options);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ type: 'subscribe', id: 1, camera: slug, kind: 'mp4', sound: false }));
    });
    socket.addEventListener('close', () => {
      this.ended = true;
    });
    socket.addEventListener('error', () => {
      this.ended = true;
    });
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') return;
      const view = new DataView(data as ArrayBuffer);
      const kind = view.getUint8(0);
      this.bytes += view.byteLength - HEAD_BYTES;
      this.pieces++;
      socket.send(`{"type":"ack","id":1,"seq":${view.getUint32(4)}}`);
      if (kind === KIND_INIT || kind === KIND_FRAGMENTS) {
        onPiece?.(new Uint8Array(data as ArrayBuffer, HEAD_BYTES), kind === KIND_INIT);
      }
    });
  }

  close(): void {
    this.#socket.close();
  }
}
