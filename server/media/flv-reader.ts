// Reads FLV as a stream: how the encoder's H.264 comes back. Chosen over Matroska on that side only: ffmpeg's Matroska writer
// gives a frame out when the next one arrives (50 ms late at 20 fps, measured with 5.1), its FLV writer at once.
// Format: Adobe "Video File Format Specification" version 10.1, annex E; H.264 in AVC packets. Bounded; bad bytes throw.

import { NvrError } from '../core/nvr-error.ts';

/** Largest tag that FLV can express. */
export const MAX_TAG_BYTES = 0xffffff;
const FILE_HEADER_BYTES = 13; // header of 9, then the first "previous tag size"
const TAG_HEADER_BYTES = 11;
const TRAILER_BYTES = 4;
const VIDEO_TAG = 9;
const AVC = 7;
const AVC_PREFIX_BYTES = 5;
const KEY_FRAME = 1;

/** What the reader hands out: the avcC once (and when it changes), then frames in AVCC form. Data is a copy of its own. */
export type FlvEvent =
  | { readonly kind: 'config'; readonly data: Uint8Array }
  | { readonly kind: 'frame'; readonly timeMs: number; readonly key: boolean; readonly data: Uint8Array };

/** An incremental reader of FLV with one H.264 stream. */
export class FlvReader {
  #buffer = new Uint8Array(64 * 1024);
  #start = 0;
  #end = 0;
  #started = false;

  /** @throws NvrError `protocol` when the bytes are not FLV with H.264 */
  push(bytes: Uint8Array): FlvEvent[] {
    this.#append(bytes);
    const events: FlvEvent[] = [];
    if (!this.#started) {
      if (this.#end - this.#start < FILE_HEADER_BYTES) return events;
      const [f, l, v, version] = this.#buffer.subarray(this.#start);
      if (f !== 0x46 || l !== 0x4c || v !== 0x56 || version !== 1) throw new NvrError('protocol', 'This is not FLV');
      this.#start += FILE_HEADER_BYTES;
      this.#started = true;
    }
    for (;;) {
      const available = this.#end - this.#start;
      if (available < TAG_HEADER_BYTES) return events;
      const tag = this.#buffer.subarray(this.#start, this.#end);
      const size = (tag[1]! << 16) | (tag[2]! << 8) | tag[3]!;
      if (available < TAG_HEADER_BYTES + size + TRAILER_BYTES) return events;
      if (tag[0] === VIDEO_TAG) {
        // 24 bits, then the upper 8; read as unsigned.
        const timeMs = ((tag[7]! << 24) | (tag[4]! << 16) | (tag[5]! << 8) | tag[6]!) >>> 0;
        const event = parseVideo(tag.subarray(TAG_HEADER_BYTES, TAG_HEADER_BYTES + size), timeMs);
        if (event) events.push(event);
      }
      this.#start += TAG_HEADER_BYTES + size + TRAILER_BYTES;
    }
  }

  #append(bytes: Uint8Array): void {
    const used = this.#end - this.#start;
    if (this.#end + bytes.length > this.#buffer.length) {
      const needed = used + bytes.length;
      const target = needed > this.#buffer.length ? new Uint8Array(needed * 2) : this.#buffer;
      if (target === this.#buffer) target.copyWithin(0, this.#start, this.#end);
      else target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = target;
      this.#start = 0;
      this.#end = used;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }
}

function parseVideo(body: Uint8Array, timeMs: number): FlvEvent | null {
  if (body.length < AVC_PREFIX_BYTES || (body[0]! & 0x0f) !== AVC) {
    throw new NvrError('protocol', 'FLV video that is not H.264');
  }
  const data = body.slice(AVC_PREFIX_BYTES);
  if (body[1] === 0) return { kind: 'config', data };
  // Type 2 is the end of the sequence.
  return body[1] === 1 && data.length > 0 ? { kind: 'frame', timeMs, key: body[0]! >> 4 === KEY_FRAME, data } : null;
}
