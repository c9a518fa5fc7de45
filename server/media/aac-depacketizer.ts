// AAC over RTP (RFC 3640, mode AAC-hbr, the one cameras use): access units with their sizes in front, or one cut into pieces.

import { type AacConfig, parseAacConfig } from './aac.ts';
import type { RtpPacket } from './rtp.ts';
import type { Depacketizer, RtpOutput } from './rtp-depacketizer.ts';

/** Largest access unit: 13 bits of size. */
const MAX_UNIT_BYTES = 8191;

/** Bits of the header of each access unit, by the session description. */
type HeaderBits = { readonly size: number; readonly index: number; readonly delta: number };

/** See the head of this file. */
export class AacDepacketizer implements Depacketizer {
  readonly config: AacConfig;
  readonly #codecConfig: Uint8Array;
  readonly #bits: HeaderBits;
  readonly #output: RtpOutput;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #wanted = 0;

  /** @returns `null` when the description does not say how to read the stream */
  static create(fmtp: ReadonlyMap<string, string>, output: RtpOutput): AacDepacketizer | null {
    const hex = fmtp.get('config') ?? '';
    if (!/^([0-9a-f]{2}){2,64}$/i.test(hex)) return null;
    const codecConfig = new Uint8Array(Buffer.from(hex, 'hex'));
    const config = parseAacConfig(codecConfig);
    const number = (name: string, missing: number) => Number(fmtp.get(name) ?? missing);
    const bits = {
      size: number('sizelength', 13),
      index: number('indexlength', 3),
      delta: number('indexdeltalength', 3),
    };
    const isRight = Object.values(bits).every((count) => Number.isInteger(count) && count >= 0 && count <= 16);
    return config && isRight && bits.size > 0 ? new AacDepacketizer(config, codecConfig, bits, output) : null;
  }

  private constructor(config: AacConfig, codecConfig: Uint8Array, bits: HeaderBits, output: RtpOutput) {
    this.config = config;
    this.#codecConfig = codecConfig;
    this.#bits = bits;
    this.#output = output;
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  push({ payload, timestamp, marker }: RtpPacket, lost: number): void {
    if (lost > 0 && this.#bytes > 0) this.#forget(true);
    const sizes = readSizes(payload, this.#bits);
    if (!sizes) {
      this.#forget(true);
      return;
    }
    let at = sizes.end;
    const only = sizes.units.length === 1 ? sizes.units[0]! : 0;
    if (only > payload.length - at || this.#bytes > 0) {
      this.#piece(payload.subarray(at), only, timestamp, marker);
      return;
    }
    for (const [n, size] of sizes.units.entries()) {
      if (at + size > payload.length) {
        this.#forget(true);
        return;
      }
      this.#give(payload.slice(at, at + size), timestamp + n * this.config.samples);
      at += size;
    }
  }

  /** One piece of an access unit that is larger than a packet; each repeats the size of the whole. */
  #piece(piece: Uint8Array, size: number, timestamp: number, marker: boolean): void {
    if (size > MAX_UNIT_BYTES || (this.#bytes > 0 && size !== this.#wanted)) {
      this.#forget(true);
      return;
    }
    this.#wanted = size;
    this.#pieces.push(piece.slice());
    this.#bytes += piece.length;
    if (this.#bytes >= size) {
      const unit = Buffer.concat(this.#pieces);
      this.#forget(false);
      if (unit.length === size) this.#give(new Uint8Array(unit), timestamp);
      else this.#output.drop('damaged');
    } else if (marker || this.#pieces.length > MAX_UNIT_BYTES) {
      this.#forget(true);
    }
  }

  #forget(isLoss: boolean): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#wanted = 0;
    if (isLoss) this.#output.drop('damaged');
  }

  #give(data: Uint8Array, timestamp: number): void {
    if (data.length === 0) return;
    const { sampleRate, channels, samples } = this.config;
    this.#output.frame({
      ...{ kind: 'audio', codec: 'aac', data, sampleRate, channels, samples },
      ...{ codecConfig: this.#codecConfig, timestamp: timestamp >>> 0 },
    });
  }
}

/** The section of access unit headers: its length in bits, then size and index of each. */
function readSizes(payload: Uint8Array, bits: HeaderBits): { units: number[]; end: number } | null {
  if (payload.length < 2) return null;
  const headerBits = (payload[0]! << 8) | payload[1]!;
  const end = 2 + Math.ceil(headerBits / 8);
  if (end > payload.length || headerBits === 0) return null;
  const read = (at: number, count: number) => {
    let value = 0;
    for (let bit = at; bit < at + count; bit++) value = value * 2 + ((payload[2 + (bit >> 3)]! >> (7 - (bit & 7))) & 1);
    return value;
  };
  const units: number[] = [];
  for (let at = 0; at + bits.size <= headerBits; ) {
    units.push(read(at, bits.size));
    at += bits.size + (units.length === 1 ? bits.index : bits.delta);
  }
  return units.length > 0 ? { units, end } : null;
}
