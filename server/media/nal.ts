// NAL units of H.264 and H.265: bits of their parameter sets, start codes, and access units in length-prefixed form.

/** Bytes before each NAL unit in an access unit of this house (avcC and hvcC say so too). */
export const NAL_LENGTH_BYTES = 4;
/** Largest access unit; a keyframe of an 8-megapixel camera has one or two megabytes. */
export const MAX_ACCESS_UNIT_BYTES = 8 * 1024 * 1024;
/** NAL units of one access unit: slices and a few others. */
export const MAX_NAL_UNITS = 1024;
/** Largest side of a picture that is believed. */
export const MAX_PICTURE_SIDE = 16_384;

/** Thrown inside this folder only when a parameter set ends too early; callers see `null`. */
class OutOfBits extends Error {}

/** Reads the bits of a NAL unit, emulation prevention bytes left out. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #bit = 0;

  /** @param nal the unit with its header of `skip` bytes */
  constructor(nal: Uint8Array, skip: number) {
    this.#bytes = withoutEmulation(nal.subarray(skip));
  }

  bits(count: number): number {
    let value = 0;
    for (let n = 0; n < count; n++) {
      const byte = this.#bytes[this.#bit >> 3];
      if (byte === undefined) throw new OutOfBits();
      value = value * 2 + ((byte >> (7 - (this.#bit & 7))) & 1);
      this.#bit++;
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** Unsigned Exp-Golomb. */
  ue(): number {
    let zeros = 0;
    while (this.bits(1) === 0) if (++zeros > 32) throw new OutOfBits();
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** Signed Exp-Golomb. */
  se(): number {
    const value = this.ue();
    return value % 2 === 1 ? (value + 1) / 2 : -value / 2;
  }
}

function withoutEmulation(bytes: Uint8Array): Uint8Array {
  const plain = new Uint8Array(bytes.length);
  let length = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    plain[length++] = byte;
  }
  return plain.subarray(0, length);
}

/** Runs a parser of bits; `null` when the unit is too short. */
export function parseBits<T>(nal: Uint8Array, skip: number, parse: (bits: BitReader) => T | null): T | null {
  try {
    return parse(new BitReader(nal, skip));
  } catch (error) {
    if (error instanceof OutOfBits) return null;
    throw error;
  }
}

const START_CODE = Buffer.from([0, 0, 1]);

/**
 * Cuts a byte stream with start codes (Annex B) into units, as views. What is before the first start code is a unit too:
 * some cameras put several units with start codes between them where one belongs.
 */
export function splitStartCodes(bytes: Uint8Array): Uint8Array[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let code = view.indexOf(START_CODE);
  if (code < 0) return [bytes];
  const units: Uint8Array[] = [];
  let start = 0;
  while (units.length < MAX_NAL_UNITS) {
    let end = code < 0 ? view.length : code;
    // Zeros before a start code belong to it.
    if (code >= 0) while (end > start && view[end - 1] === 0) end--;
    if (end > start) units.push(bytes.subarray(start, end));
    if (code < 0) break;
    start = code + START_CODE.length;
    code = view.indexOf(START_CODE, start);
  }
  return units;
}

/** Units to one access unit with lengths in front: what MP4 and Matroska hold. New memory. */
export function joinUnits(units: readonly Uint8Array[]): Uint8Array {
  let total = 0;
  for (const unit of units) total += NAL_LENGTH_BYTES + unit.length;
  const data = new Uint8Array(total);
  const view = new DataView(data.buffer);
  let at = 0;
  for (const unit of units) {
    view.setUint32(at, unit.length);
    data.set(unit, at + NAL_LENGTH_BYTES);
    at += NAL_LENGTH_BYTES + unit.length;
  }
  return data;
}

/** The units of a length-prefixed access unit, as views; `null` when a length lies. */
export function splitUnits(data: Uint8Array): Uint8Array[] | null {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const units: Uint8Array[] = [];
  for (let at = 0; at < data.length; ) {
    if (at + NAL_LENGTH_BYTES > data.length) return null;
    const end = at + NAL_LENGTH_BYTES + view.getUint32(at);
    if (end > data.length) return null;
    units.push(data.subarray(at + NAL_LENGTH_BYTES, end));
    at = end;
  }
  return units;
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
