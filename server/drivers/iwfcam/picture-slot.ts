// One picture being put together. Slots are reused, so that the hot path allocates nothing per packet.

import type { MediaPacket } from './wire.ts';

const FIRST_CAPACITY = 64;
const OFFSET_BITS = 16;
const LENGTH_MASK = 0xffff;

/** Fragments of one picture, by position. Keeps references to datagrams until the picture is whole. */
export class PictureSlot {
  inUse = false;
  frameIndex = 0;
  /** Order of opening: the oldest is dropped first. */
  openedOrder = 0;
  lastFragmentMs = 0;
  received = 0;
  payloadBytes = 0;
  /** Bytes of memory that the kept datagrams take. */
  keptBytes = 0;
  highest = -1;
  /** From a sane head; 0 while unknown. */
  packetCount = 0;
  totalBytes = 0;
  hasHead = false;
  /** It was joined before it was whole (a firmware that announces no length). */
  wasTried = false;
  width = 0;
  height = 0;
  timestampMs = 0;
  #datagrams: (Uint8Array | null)[] = new Array<Uint8Array | null>(FIRST_CAPACITY).fill(null);
  /** Offset and length of each payload, packed. */
  #windows = new Uint32Array(FIRST_CAPACITY);

  begin(frameIndex: number, order: number): void {
    this.inUse = true;
    this.frameIndex = frameIndex;
    this.openedOrder = order;
    this.received = 0;
    this.payloadBytes = 0;
    this.keptBytes = 0;
    this.highest = -1;
    this.packetCount = 0;
    this.totalBytes = 0;
    this.hasHead = false;
    this.wasTried = false;
    this.width = 0;
    this.height = 0;
    this.timestampMs = 0;
  }

  /** Forgets everything; the datagrams can be freed. */
  release(): void {
    for (let i = 0; i <= this.highest; i++) this.#datagrams[i] = null;
    this.inUse = false;
    this.highest = -1;
  }

  has(packetIndex: number): boolean {
    return packetIndex <= this.highest && this.#datagrams[packetIndex] !== null;
  }

  add(packet: MediaPacket, datagram: Uint8Array, nowMs: number): void {
    const index = packet.packetIndex;
    if (index >= this.#windows.length) this.#grow(index + 1);
    this.#datagrams[index] = datagram;
    this.#windows[index] = ((packet.offset << OFFSET_BITS) | packet.length) >>> 0;
    if (index > this.highest) this.highest = index;
    this.received++;
    this.payloadBytes += packet.length;
    this.keptBytes += datagram.length;
    this.lastFragmentMs = nowMs;
  }

  /** No hole between the first and the highest fragment so far. */
  get isGapFree(): boolean {
    return this.received === this.highest + 1;
  }

  /** Whether what is there ends with the end marker of a JPEG. Only for a gap-free slot. */
  get endsLikeJpeg(): boolean {
    return this.#byteFromEnd(0) === 0xd9 && this.#byteFromEnd(1) === 0xff;
  }

  /** The last byte but `n`; the marker may be cut in two by the last fragment. */
  #byteFromEnd(n: number): number {
    let index = this.highest;
    let back = n;
    while (index >= 0) {
      const window = this.#windows[index]!;
      const length = window & LENGTH_MASK;
      if (back < length) return this.#datagrams[index]![(window >>> OFFSET_BITS) + length - 1 - back]!;
      back -= length;
      index--;
    }
    return -1;
  }

  /** The payloads in order, copied once into memory of their own. Only for a gap-free slot. */
  join(): Uint8Array {
    const picture = Buffer.allocUnsafeSlow(this.payloadBytes);
    let at = 0;
    for (let i = 0; i <= this.highest; i++) {
      const datagram = this.#datagrams[i]!;
      const window = this.#windows[i]!;
      const offset = window >>> OFFSET_BITS;
      const length = window & LENGTH_MASK;
      picture.set(datagram.subarray(offset, offset + length), at);
      at += length;
    }
    return picture;
  }

  #grow(needed: number): void {
    let capacity = this.#windows.length;
    while (capacity < needed) capacity *= 2;
    const windows = new Uint32Array(capacity);
    windows.set(this.#windows);
    this.#windows = windows;
    while (this.#datagrams.length < capacity) this.#datagrams.push(null);
  }
}
