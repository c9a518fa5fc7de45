// Pictures out of an MJPEG stream, whatever is between them: multipart with any boundary or a wrong one, with or without
// lengths, with CRLF or LF, or nothing at all. The JPEG's own structure says where it ends, so its last byte is enough to
// give it out; a Content-Length is asked only where the structure does not answer (firmware that forgets the end marker).

import { NvrError } from '../core/nvr-error.ts';
import { JpegScan } from './jpeg-scan.ts';

/** Largest picture. */
export const MAX_JPEG_BYTES = 16 * 1024 * 1024;
/** Longest stretch without a picture: part headers, text parts, garbage. */
export const MAX_PREAMBLE_BYTES = 1024 * 1024;
/** Part headers are looked for in so many bytes before a picture. */
const HEADER_BYTES = 8 * 1024;
const START = Buffer.from([0xff, 0xd8, 0xff]);
const FIRST_BUFFER_BYTES = 64 * 1024;
/** A buffer that grew beyond this for one large picture is let go again. */
const KEEP_BUFFER_BYTES = 1024 * 1024;

/** Told of each picture (its own memory) and of each that was cut short. */
export type MultipartHandler = { picture(data: Uint8Array): void; damaged(): void };

/** See the head of this file. */
export class MultipartReader {
  readonly #handler: MultipartHandler;
  #buffer = Buffer.allocUnsafe(FIRST_BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #scan: JpegScan | null = null;
  /** Length of the current part by its headers, or -1. */
  #partBytes = -1;
  #preambleBytes = 0;

  constructor(handler: MultipartHandler) {
    this.#handler = handler;
  }

  /** Bytes of memory held. */
  get heldBytes(): number {
    return this.#buffer.length;
  }

  /** @throws NvrError `protocol` when a bound is passed */
  push(bytes: Uint8Array): void {
    this.#append(bytes);
    while (this.#scan ? this.#inPicture() : this.#betweenPictures()) {}
    if (this.#start === this.#end && this.#buffer.length > KEEP_BUFFER_BYTES) {
      this.#buffer = Buffer.allocUnsafe(FIRST_BUFFER_BYTES);
      this.#start = this.#end = 0;
    }
  }

  /** @returns whether there is something to go on with */
  #betweenPictures(): boolean {
    const held = this.#buffer.subarray(this.#start, this.#end);
    const at = held.indexOf(START);
    const skipped = at < 0 ? held.length : at;
    if (this.#preambleBytes + skipped > MAX_PREAMBLE_BYTES) {
      throw new NvrError('protocol', 'The camera sends something else than JPEG pictures');
    }
    if (at < 0) {
      // The headers of the part that is on its way are kept, in case they say its length.
      const drop = Math.max(0, held.length - HEADER_BYTES);
      this.#preambleBytes += drop;
      this.#start += drop;
      return false;
    }
    this.#partBytes = lengthInHeaders(held.toString('latin1', Math.max(0, at - HEADER_BYTES), at));
    this.#preambleBytes = 0;
    this.#start += at;
    this.#scan = new JpegScan();
    return true;
  }

  #inPicture(): boolean {
    const held = this.#buffer.subarray(this.#start, this.#end);
    const { kind, at } = this.#scan!.next(held);
    if (kind === 'end') return this.#give(held, at);
    if (kind === 'broken') {
      const isPartEnd = this.#partBytes > START.length && at >= this.#partBytes && held.length >= this.#partBytes;
      if (isPartEnd) return this.#give(held, this.#partBytes);
      this.#handler.damaged();
      // Never stays where it is: at least the two bytes of the start marker go.
      return this.#leave(Math.max(2, at));
    }
    const length = this.#partBytes;
    // A part that is over without an end marker: what follows begins like a boundary.
    if (
      length > START.length &&
      held.length >= length + 4 &&
      /^\r?\n?--/.test(held.toString('latin1', length, length + 4))
    ) {
      return this.#give(held, length);
    }
    if (held.length > MAX_JPEG_BYTES) {
      throw new NvrError('protocol', `The camera sent a picture of more than ${MAX_JPEG_BYTES >> 20} MB`);
    }
    return false;
  }

  #give(held: Buffer, length: number): boolean {
    this.#handler.picture(new Uint8Array(held.subarray(0, length)));
    return this.#leave(length);
  }

  #leave(bytes: number): boolean {
    this.#scan = null;
    this.#start += bytes;
    return this.#start < this.#end;
  }

  #append(bytes: Uint8Array): void {
    const used = this.#end - this.#start;
    if (this.#end + bytes.length > this.#buffer.length) {
      const needed = used + bytes.length;
      const target = needed > this.#buffer.length ? Buffer.allocUnsafe(needed * 2) : this.#buffer;
      this.#buffer.copy(target, 0, this.#start, this.#end);
      this.#buffer = target;
      this.#start = 0;
      this.#end = used;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }
}

/** The last Content-Length before a picture, if that part is a picture's. */
function lengthInHeaders(text: string): number {
  const match = /^content-length[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n$/im.exec(text);
  const length = Number(match?.[1] ?? -1);
  return length <= MAX_JPEG_BYTES ? length : -1;
}
