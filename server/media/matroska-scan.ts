// Walks a Matroska file on disk without reading its pictures: where the last whole cluster ends, and what is in it.

import { type ByteSource, FrameTimes, type ScannedFile } from './byte-source.ts';
import { MAX_HEADER_BYTES, parseElementHeader, parseUint } from './matroska-ebml.ts';
import { ID } from './matroska-ids.ts';
import { findTag, type NumberedTrack, parseBlock, parseTimestampScale, parseTracks } from './matroska-parts.ts';

/** Elements read whole (heads of the file). */
const MAX_META_BYTES = 1024 * 1024;
/** Read at once: a cluster's head and its first block's head. */
const WINDOW_BYTES = 256;
/** Of a block: track number, time, flags. */
const BLOCK_HEAD_BYTES = 8;
const NANOSECONDS_PER_MS = 1_000_000;

/** Scans a file. Never throws for its content: what cannot be read ends the walk. */
export async function scanMatroska(source: ByteSource): Promise<ScannedFile> {
  const scan = new MatroskaScan(source);
  await scan.walk();
  return scan.result();
}

class MatroskaScan {
  readonly #source: ByteSource;
  readonly #times = new FrameTimes();
  #tracks: NumberedTrack[] = [];
  #scale = NANOSECONDS_PER_MS;
  #comment: string | null = null;
  #wholeBytes = 0;
  #window: { offset: number; bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array() };

  constructor(source: ByteSource) {
    this.#source = source;
  }

  result(): ScannedFile {
    const { frames, firstMs, lastMs, medianMs } = this.#times;
    const video = this.#tracks.find(({ track }) => track.kind === 'video');
    const codec = video?.track.kind === 'video' ? video.track.codec : null;
    return { wholeBytes: this.#wholeBytes, frames, firstMs, lastMs, medianMs, codec, comment: this.#comment };
  }

  async walk(): Promise<void> {
    let offset = 0;
    while (offset < this.#source.size) {
      const header = await this.#header(offset);
      if (!header || (offset === 0 && header.id !== ID.ebml)) return;
      const body = offset + header.headerBytes;
      if (header.id === ID.segment) {
        offset = body;
        continue;
      }
      // Perch's files have sizes everywhere else; a live cluster without one belongs to somebody else's file.
      if (header.size === null || body + header.size > this.#source.size) return;
      if (header.id === ID.cluster) await this.#cluster(body, body + header.size);
      else if (header.size <= MAX_META_BYTES) await this.#meta(header.id, body, header.size);
      offset = body + header.size;
      this.#wholeBytes = offset;
    }
  }

  async #meta(id: number, offset: number, size: number): Promise<void> {
    if (id !== ID.tracks && id !== ID.info && id !== ID.tags) return;
    const body = await this.#source.read(offset, size);
    try {
      if (id === ID.tracks) this.#tracks = parseTracks(body);
      else if (id === ID.info) this.#scale = parseTimestampScale(body);
      else this.#comment ??= findTag(body, 'COMMENT');
    } catch {
      // A head that makes no sense leaves the file without tracks: it will be called unreadable.
    }
  }

  async #cluster(from: number, to: number): Promise<void> {
    const video = this.#tracks.find(({ track }) => track.kind === 'video')?.number;
    let ticks = 0;
    for (let offset = from; offset < to; ) {
      const header = await this.#header(offset);
      if (!header || header.size === null) return;
      let body = offset + header.headerBytes;
      const end = body + header.size;
      if (end > to) return;
      if (header.id === ID.timestamp) ticks = parseUint(await this.#bytes(body, Math.min(header.size, 9)));
      let isBlock = header.id === ID.simpleBlock;
      if (header.id === ID.blockGroup) {
        const inner = await this.#header(body);
        isBlock = inner?.id === ID.block;
        body += inner?.headerBytes ?? 0;
      }
      if (isBlock) {
        try {
          const block = parseBlock(await this.#bytes(body, BLOCK_HEAD_BYTES));
          if (block.number === video) this.#times.add(((ticks + block.relative) * this.#scale) / NANOSECONDS_PER_MS);
        } catch {
          return;
        }
      }
      offset = end;
    }
  }

  async #header(offset: number) {
    const header = parseElementHeader(await this.#bytes(offset, MAX_HEADER_BYTES), 0);
    return header === 'bad' ? null : header;
  }

  /** A few bytes, through a small window so that neighbouring heads cost one read. */
  async #bytes(offset: number, length: number): Promise<Uint8Array> {
    const { offset: start, bytes } = this.#window;
    if (offset < start || offset + length > start + bytes.length) {
      this.#window = { offset, bytes: await this.#source.read(offset, Math.max(length, WINDOW_BYTES)) };
    }
    const at = offset - this.#window.offset;
    return this.#window.bytes.subarray(at, at + length);
  }
}
