// Takes an endless WAV stream apart, in whatever pieces it arrives. Pure.

/** What the header says. */
export type WavFormat = { readonly sampleRate: number; readonly channels: number };

const MAX_HEADER_BYTES = 4096;
const PCM = 1;
const SAMPLE_RATE = { min: 3_000, max: 192_000 } as const;

/** 16-bit PCM only, which is what Perch sends. `push` throws on anything else. */
export class WavReader {
  #format: WavFormat | null = null;
  #rest = new Uint8Array(0);

  get format(): WavFormat | null {
    return this.#format;
  }

  /** @returns the samples that are complete now, from -1 to 1, first channel only; empty while the header is not whole */
  push(bytes: Uint8Array): Float32Array<ArrayBuffer> {
    let all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    if (!this.#format) {
      const at = this.#parseHeader(all);
      if (at === null) {
        if (all.length > MAX_HEADER_BYTES) throw new Error('no WAV header');
        this.#rest = all;
        return new Float32Array(0);
      }
      all = all.slice(at);
    }
    const { channels } = this.#format as unknown as WavFormat;
    const step = 2 * channels;
    const count = Math.floor(all.length / step);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const samples = new Float32Array(count);
    for (let i = 0; i < count; i++) samples[i] = view.getInt16(i * step, true) / 32768;
    this.#rest = all.slice(count * step);
    return samples;
  }

  /** Where the samples begin, or `null` when more bytes are needed. */
  #parseHeader(bytes: Uint8Array): number | null {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const name = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
    if (bytes.length < 12) return null;
    if (name(0) !== 'RIFF' || name(8) !== 'WAVE') throw new Error('not a WAV stream');
    let format: WavFormat | null = null;
    for (let at = 12; at + 8 <= bytes.length; ) {
      const size = view.getUint32(at + 4, true);
      if (name(at) === 'data') {
        if (!format) throw new Error('WAV data before its format');
        this.#format = format;
        return at + 8;
      }
      if (name(at) === 'fmt ' && at + 24 <= bytes.length) {
        format = { channels: view.getUint16(at + 10, true), sampleRate: view.getUint32(at + 12, true) };
        const known = view.getUint16(at + 8, true) === PCM && view.getUint16(at + 22, true) === 16;
        const sane = format.channels >= 1 && format.channels <= 8 && format.sampleRate >= SAMPLE_RATE.min;
        if (!known || !sane || format.sampleRate > SAMPLE_RATE.max) throw new Error('WAV of a kind that is not played');
      }
      at += 8 + size + (size & 1);
    }
    return null;
  }
}
