// Writes to a local reader, gathered over one turn of the event loop: segments come in bursts, and one write of many costs
// the processor little more than one of a single segment.

import type { ByteStream } from '../../net/stream.ts';

/** Enough for one write. */
const MAX_GATHERED_BYTES = 64 * 1024;

/** See the head of this file. */
export class GatheredWrites {
  readonly #stream: Pick<ByteStream, 'write' | 'queuedBytes'>;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(stream: Pick<ByteStream, 'write' | 'queuedBytes'>) {
    this.#stream = stream;
  }

  /** Octets that wait, here or in the stream. */
  get queuedBytes(): number {
    return this.#bytes + this.#stream.queuedBytes;
  }

  /** Copies nothing: the octets must not change. */
  write(octets: Uint8Array): void {
    this.#pieces.push(octets);
    this.#bytes += octets.length;
    if (this.#bytes >= MAX_GATHERED_BYTES) this.flush();
    else if (this.#pieces.length === 1) setImmediate(() => this.flush());
  }

  /** Hands everything on; before the stream is closed, or else the last octets are lost. */
  flush(): void {
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    this.#bytes = 0;
    this.#stream.write(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
  }
}
