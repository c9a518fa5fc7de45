// A picture cut into datagrams once, for all cameras and clients that send it: each sending copies the whole template in
// one go and patches the few bytes that differ. With a hundred cameras in one process this is most of the work.

import { encodeVideo, mediaKind } from '../../drivers/iwfcam/wire.ts';
import type { Picture } from '../pictures.ts';

/** How pictures are cut. */
export type FragmentStyle = {
  readonly fragmentBytes: number;
  readonly head: boolean;
  /** Video, or data for an ordered snapshot. */
  readonly mediaKind: number;
};

/** What differs from one sending to the next. */
export type Sending = { readonly session: number; readonly frameIndex: number; readonly timestampMs: number };

/** Fields of a media datagram that are patched (section 11). */
const SESSION_AT = 8;
const KIND_AT = 14;
const FRAME_INDEX_AT = 16;
const TIMESTAMP_AT = 36;

const prepared = new WeakMap<Picture, Map<string, PreparedPicture>>();

/** The datagrams of one picture in one style. */
export class PreparedPicture {
  /** All datagrams in one piece, and where each ends. */
  readonly #template: Buffer;
  readonly #ends: readonly number[];
  readonly #hasHead: boolean;

  /** The same object for the same picture and style. */
  static of(picture: Picture, style: FragmentStyle): PreparedPicture {
    const key = `${style.fragmentBytes} ${style.head} ${style.mediaKind}`;
    const styles = prepared.get(picture) ?? new Map<string, PreparedPicture>();
    const found = styles.get(key) ?? new PreparedPicture(picture, style);
    prepared.set(picture, styles.set(key, found));
    return found;
  }

  private constructor({ data, width, height }: Picture, style: FragmentStyle) {
    const count = Math.ceil(data.length / style.fragmentBytes);
    const head = { totalBytes: data.length, packetCount: count, width, height, timestampMs: 0 };
    const datagrams = Array.from({ length: count }, (_, packetIndex) =>
      encodeVideo({
        session: 0,
        frameIndex: 0,
        packetIndex,
        ...(packetIndex === 0 && style.head ? { head } : {}),
        payload: data.subarray(packetIndex * style.fragmentBytes, (packetIndex + 1) * style.fragmentBytes),
      }),
    );
    let end = 0;
    this.#ends = datagrams.map((datagram) => (end += datagram.length));
    this.#template = Buffer.concat(datagrams);
    this.#hasHead = style.head;
    if (style.mediaKind === mediaKind.video) return;
    for (const at of this.#starts()) this.#template.writeUInt16LE(style.mediaKind, at + KIND_AT);
  }

  /** How many datagrams it takes. */
  get fragments(): number {
    return this.#ends.length;
  }

  /** The datagrams of one sending, in memory of their own. */
  datagrams({ session, frameIndex, timestampMs }: Sending): Uint8Array[] {
    const bytes = Buffer.from(this.#template);
    for (const at of this.#starts()) {
      bytes.writeUInt32LE(session, at + SESSION_AT);
      bytes.writeUInt16LE(frameIndex, at + FRAME_INDEX_AT);
    }
    if (this.#hasHead) bytes.writeUInt32LE(timestampMs >>> 0, TIMESTAMP_AT);
    let start = 0;
    return this.#ends.map((end) => {
      const datagram = bytes.subarray(start, end);
      start = end;
      return datagram;
    });
  }

  #starts(): number[] {
    return [0, ...this.#ends.slice(0, -1)];
  }
}
