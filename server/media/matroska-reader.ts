// Reads Matroska as a stream (an encoder's output): bytes in, tracks and frames out. Bounded; bad bytes throw.

import { NvrError } from '../core/nvr-error.ts';
import { MAX_HEADER_BYTES, parseElementHeader, parseUint } from './matroska-ebml.ts';
import { ID, type MatroskaTrack } from './matroska-ids.ts';
import { type Block, parseBlock, parseBlockGroup, parseTimestampScale, parseTracks } from './matroska-parts.ts';

/** Largest frame read. */
export const MAX_BLOCK_BYTES = 32 * 1024 * 1024;
const MAX_META_BYTES = 1024 * 1024;
const NANOSECONDS_PER_MS = 1_000_000;

/** What the reader hands out. Frame data is a copy of its own: it may be kept. */
export type MatroskaEvent =
  | { readonly kind: 'tracks'; readonly tracks: readonly MatroskaTrack[] }
  | {
      readonly kind: 'frame';
      /** Index into `tracks`. */
      readonly track: number;
      /** Milliseconds since the start of the stream. */
      readonly timeMs: number;
      readonly key: boolean;
      readonly data: Uint8Array;
    };

/** Elements that are kept whole in memory before they are read. */
const BUFFERED: ReadonlySet<number> = new Set([ID.info, ID.tracks, ID.timestamp, ID.simpleBlock, ID.blockGroup]);
/** Elements whose children are read as if they were siblings: their ids cannot be confused. */
const ENTERED: ReadonlySet<number> = new Set([ID.segment, ID.cluster]);

/** An incremental reader. Call {@link push} with whatever arrived. */
export class MatroskaReader {
  #chunks: Uint8Array[] = [];
  #available = 0;
  #skip = 0;
  #scale = NANOSECONDS_PER_MS;
  #clusterTicks = 0;
  #started = false;
  #numbers: number[] = [];

  /** @throws NvrError `protocol` when the bytes are not Matroska, or an element is larger than any real one */
  push(bytes: Uint8Array): MatroskaEvent[] {
    if (bytes.length > 0) this.#chunks.push(bytes);
    this.#available += bytes.length;
    const events: MatroskaEvent[] = [];
    for (;;) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, this.#available);
        this.#drop(step);
        this.#skip -= step;
        if (this.#skip > 0) return events;
      }
      const header = parseElementHeader(this.#peek(MAX_HEADER_BYTES), 0);
      if (header === null) return events;
      if (header === 'bad' || (!this.#started && header.id !== ID.ebml)) {
        throw new NvrError('protocol', 'This is not Matroska');
      }
      this.#started = true;
      const { id, size, headerBytes } = header;
      if (ENTERED.has(id)) {
        this.#drop(headerBytes);
        continue;
      }
      if (size === null) throw new NvrError('protocol', 'A Matroska element of unknown size where none may be');
      if (!BUFFERED.has(id)) {
        this.#drop(headerBytes);
        this.#skip = size;
        continue;
      }
      const isBlock = id === ID.simpleBlock || id === ID.blockGroup;
      if (size > (isBlock ? MAX_BLOCK_BYTES : MAX_META_BYTES)) {
        throw new NvrError('protocol', `A Matroska element of ${size} bytes is too large`);
      }
      if (this.#available < headerBytes + size) return events;
      this.#drop(headerBytes);
      this.#read(id, this.#take(size), events);
    }
  }

  #read(id: number, body: Uint8Array, events: MatroskaEvent[]): void {
    if (id === ID.info) this.#scale = parseTimestampScale(body);
    else if (id === ID.timestamp) this.#clusterTicks = parseUint(body);
    else if (id === ID.tracks) {
      const tracks = parseTracks(body);
      this.#numbers = tracks.map(({ number }) => number);
      events.push({ kind: 'tracks', tracks: tracks.map(({ track }) => track) });
    } else {
      const block = id === ID.simpleBlock ? parseBlock(body) : parseBlockGroup(body);
      if (block) this.#frame(block, events);
    }
  }

  #frame(block: Block, events: MatroskaEvent[]): void {
    const track = this.#numbers.indexOf(block.number);
    const timeMs = ((this.#clusterTicks + block.relative) * this.#scale) / NANOSECONDS_PER_MS;
    if (track < 0 || !Number.isFinite(timeMs)) return;
    events.push({ kind: 'frame', track, timeMs, key: block.key, data: block.data });
  }

  /** Up to `count` bytes from the front, without taking them. */
  #peek(count: number): Uint8Array {
    const first = this.#chunks[0];
    if (!first || first.length >= count || this.#chunks.length === 1) return first ?? new Uint8Array();
    const bytes = new Uint8Array(Math.min(count, this.#available));
    let filled = 0;
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(0, bytes.length - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (filled === bytes.length) break;
    }
    return bytes;
  }

  #drop(count: number): void {
    let rest = count;
    while (rest > 0) {
      const first = this.#chunks[0]!;
      if (first.length > rest) {
        this.#chunks[0] = first.subarray(rest);
        break;
      }
      rest -= first.length;
      this.#chunks.shift();
    }
    this.#available -= count;
  }

  /** Takes bytes from the front as a copy, so that a small frame does not keep a large chunk alive. */
  #take(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const part = this.#chunks[0]!.subarray(0, count - filled);
      bytes.set(part, filled);
      filled += part.length;
      this.#dropFirst(part.length);
    }
    this.#available -= count;
    return bytes;
  }

  #dropFirst(count: number): void {
    const first = this.#chunks[0]!;
    if (first.length > count) this.#chunks[0] = first.subarray(count);
    else this.#chunks.shift();
  }
}
