// The parameter sets inside avcC and hvcC records (ISO 14496-15): what RTP senders put into the session description and
// in front of key pictures.

import type { VideoCodec } from '../core/frame.ts';

/** Offset of the first count in each record. */
const AVCC_SETS_AT = 5;
const HVCC_ARRAYS_AT = 22;

/** Reads lengths and units one after the other; `null` when the record ends too early. */
class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  word(): number {
    return (this.byte() << 8) | this.byte();
  }

  unit(): Uint8Array | null {
    const end = this.word() + this.#at;
    if (end > this.#bytes.length) return null;
    const unit = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return unit.length > 0 ? unit : null;
  }
}

/** All sets of a record in its order, as views; `null` when it is damaged or has none. */
export function parameterSets(codec: Exclude<VideoCodec, 'mjpeg'>, record: Uint8Array): Uint8Array[] | null {
  const sets = codec === 'h264' ? avcSets(record) : hvcSets(record);
  return sets && sets.length > 0 ? sets : null;
}

function avcSets(record: Uint8Array): Uint8Array[] | null {
  const reader = new Reader(record, AVCC_SETS_AT);
  const sets: Uint8Array[] = [];
  for (const mask of [0x1f, 0xff]) {
    for (let count = reader.byte() & mask; count > 0; count--) {
      const unit = reader.unit();
      if (!unit) return null;
      sets.push(unit);
    }
  }
  return sets;
}

function hvcSets(record: Uint8Array): Uint8Array[] | null {
  const reader = new Reader(record, HVCC_ARRAYS_AT);
  const sets: Uint8Array[] = [];
  for (let arrays = reader.byte(); arrays > 0; arrays--) {
    reader.byte();
    for (let count = reader.word(); count > 0; count--) {
      const unit = reader.unit();
      if (!unit) return null;
      sets.push(unit);
    }
  }
  return sets;
}
