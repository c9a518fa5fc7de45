// JPEG over RTP (RFC 2435): packets to standalone pictures.

import { encodeJpegHead, quantizerTables } from './jpeg-rtp.ts';
import type { RtpPacket } from './rtp.ts';
import type { Depacketizer, RtpDrop, RtpOutput } from './rtp-depacketizer.ts';

const HEAD_BYTES = 8;
/** Largest picture: the offset has 24 bits. */
const MAX_SCAN_BYTES = 0xffffff;
/** Tables with a number are kept: the sender may leave them out in later pictures. */
const FIRST_SENT_Q = 128;
const EVERY_TIME_Q = 255;

type Tables = { readonly tables: Uint8Array; readonly precision: number };
type Picture = {
  readonly timestamp: number;
  readonly head: Uint8Array;
  readonly width: number;
  readonly height: number;
};

/** See the head of this file. */
export class JpegDepacketizer implements Depacketizer {
  readonly #output: RtpOutput;
  readonly #size: { readonly width: number; readonly height: number } | null;
  readonly #kept = new Map<number, Tables>();
  #picture: Picture | null = null;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #badTimestamp = -1;

  /** @param size from the session description, for pictures beyond 2040 pixels, which the packets cannot express */
  constructor(output: RtpOutput, size: { readonly width: number; readonly height: number } | null) {
    this.#output = output;
    this.#size = size;
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  push({ payload, timestamp, marker }: RtpPacket, lost: number): void {
    if (lost > 0 && this.#picture) this.#drop('damaged', this.#picture.timestamp);
    if (payload.length < HEAD_BYTES) {
      this.#drop('damaged', timestamp);
      return;
    }
    const offset = (payload[1]! << 16) | (payload[2]! << 8) | payload[3]!;
    const start = offset === 0 ? this.#begin(payload, timestamp) : HEAD_BYTES + (hasRestarts(payload[4]!) ? 4 : 0);
    if (start < 0) return;
    const picture = this.#picture;
    if (!picture || picture.timestamp !== timestamp || offset !== this.#bytes) {
      // The beginning of this picture was lost; told once.
      if (this.#badTimestamp !== timestamp) this.#drop('damaged', timestamp);
      return;
    }
    if (start > payload.length || this.#bytes + payload.length > MAX_SCAN_BYTES) {
      this.#drop('damaged', timestamp);
      return;
    }
    this.#pieces.push(payload.slice(start));
    this.#bytes += payload.length - start;
    if (marker) this.#finish(picture);
  }

  /** The first packet of a picture. @returns where its scan begins, or -1 when it cannot be read */
  #begin(payload: Uint8Array, timestamp: number): number {
    if (this.#picture) this.#drop('damaged', this.#picture.timestamp);
    const type = payload[4]!;
    const quality = payload[5]!;
    const width = payload[6]! * 8 || (this.#size?.width ?? 0);
    const height = payload[7]! * 8 || (this.#size?.height ?? 0);
    if ((type & ~0x41) !== 0 || width === 0 || height === 0) return this.#drop('unsupported', timestamp);
    let at = HEAD_BYTES;
    let restartInterval = 0;
    if (hasRestarts(type)) {
      restartInterval = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
      at += 4;
    }
    let tables: Tables | undefined = { tables: quantizerTables(quality), precision: 0 };
    if (quality === 0 || (quality >= 100 && quality < FIRST_SENT_Q)) return this.#drop('unsupported', timestamp);
    if (quality >= FIRST_SENT_Q) {
      const length = ((payload[at + 2] ?? 0) << 8) | (payload[at + 3] ?? 0);
      const end = at + 4 + length;
      if (end > payload.length) return this.#drop('damaged', timestamp);
      if (length > 0) {
        tables = { tables: payload.slice(at + 4, end), precision: payload[at + 1]! };
        if (quality !== EVERY_TIME_Q) this.#kept.set(quality, tables);
      } else {
        tables = this.#kept.get(quality);
      }
      at = end;
    }
    const head = tables && encodeJpegHead({ type, width, height, restartInterval, ...tables });
    if (!head) return this.#drop('damaged', timestamp);
    this.#picture = { timestamp, head, width, height };
    return at;
  }

  #drop(reason: RtpDrop, timestamp: number): -1 {
    this.#picture = null;
    this.#pieces = [];
    this.#bytes = 0;
    this.#badTimestamp = timestamp;
    this.#output.drop(reason);
    return -1;
  }

  #finish({ timestamp, head, width, height }: Picture): void {
    const pieces = this.#pieces;
    const last = pieces.at(-1);
    const hasEnd = last !== undefined && last.length >= 2 && last.at(-2) === 0xff && last.at(-1) === 0xd9;
    const data = new Uint8Array(
      Buffer.concat(hasEnd ? [head, ...pieces] : [head, ...pieces, Buffer.from([0xff, 0xd9])]),
    );
    this.#picture = null;
    this.#pieces = [];
    this.#bytes = 0;
    this.#output.frame({ kind: 'video', codec: 'mjpeg', key: true, data, width, height, timestamp });
  }
}

const hasRestarts = (type: number) => type >= 64 && type < 128;
