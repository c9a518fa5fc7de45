// IMA ADPCM in two shapes: the camera's blocks (4-byte header, low nibble first) and the continuous stream that tools
// such as sox read (no header, high nibble first). Source: protocols/iwfcam.md section 13, pinned by its vectors.

const BLOCK_HEAD_BYTES = 4;
const MAX_STEP_INDEX = 88;
const MAX_SAMPLE = 32767;
const MIN_SAMPLE = -32768;

/** The standard 89 steps. */
export const STEPS = new Int32Array([
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118,
  130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060,
  1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484,
  7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
]);
/** How a code moves the index into {@link STEPS}, by its three low bits. */
export const INDEX_CHANGE = new Int32Array([-1, -1, -1, -1, 2, 4, 6, 8]);

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** Samples in a camera block of so many bytes; the header's predictor is not one (section 13). */
export function blockSamples(blockBytes: number): number {
  return Math.max(0, 2 * (blockBytes - BLOCK_HEAD_BYTES));
}

/**
 * Decodes one camera block to 16-bit PCM, bit for bit like the vendor's decoder (a multiplication where the textbook
 * sums shifts: that one drifts by up to 2 per sample).
 * @returns no samples when the block is too short or its step index is out of range
 */
export function decodeImaBlock(block: Uint8Array): Int16Array {
  if (block.length <= BLOCK_HEAD_BYTES || block[2]! > MAX_STEP_INDEX) return new Int16Array(0);
  const pcm = new Int16Array(blockSamples(block.length));
  let predictor = ((block[0]! | (block[1]! << 8)) << 16) >> 16;
  let index = block[2]!;
  for (let n = 0; n < pcm.length; n++) {
    const byte = block[BLOCK_HEAD_BYTES + (n >> 1)]!;
    const code = (n & 1) === 0 ? byte & 15 : byte >> 4;
    const step = STEPS[index]!;
    const difference = ((step * (code & 7)) >> 2) + (step >> 3);
    predictor = clamp((code & 8) !== 0 ? predictor - difference : predictor + difference, MIN_SAMPLE, MAX_SAMPLE);
    index = clamp(index + INDEX_CHANGE[code & 7]!, 0, MAX_STEP_INDEX);
    pcm[n] = predictor;
  }
  return pcm;
}

/** 16-bit samples as little-endian bytes, whatever the machine. */
export function pcmBytes(pcm: Int16Array): Uint8Array {
  const bytes = new Uint8Array(pcm.length * 2);
  for (let n = 0; n < pcm.length; n++) {
    bytes[2 * n] = pcm[n]!;
    bytes[2 * n + 1] = pcm[n]! >> 8;
  }
  return bytes;
}

/**
 * PCM to one continuous IMA stream, high nibble first, without headers: what `sox -t ima` reads. The state runs on
 * from call to call; with an odd number of samples the last nibble waits for the next call.
 */
export class ImaStreamEncoder {
  #predictor = 0;
  #index = 0;
  #pending = -1;

  encode(pcm: Int16Array): Uint8Array {
    const held = this.#pending >= 0 ? 1 : 0;
    const bytes = new Uint8Array((pcm.length + held) >> 1);
    let at = 0;
    for (let n = 0; n < pcm.length; n++) {
      const code = this.#encodeSample(pcm[n]!);
      if (this.#pending < 0) this.#pending = code;
      else {
        bytes[at++] = (this.#pending << 4) | code;
        this.#pending = -1;
      }
    }
    return bytes;
  }

  /** Follows `(2 * code + 1) * step / 8`, which is what sox and ffmpeg compute, so that no drift builds up. */
  #encodeSample(sample: number): number {
    const step = STEPS[this.#index]!;
    const difference = sample - this.#predictor;
    const size = Math.min(7, Math.floor((4 * Math.abs(difference)) / step));
    const change = ((2 * size + 1) * step) >> 3;
    const next = difference < 0 ? this.#predictor - change : this.#predictor + change;
    this.#predictor = clamp(next, MIN_SAMPLE, MAX_SAMPLE);
    this.#index = clamp(this.#index + INDEX_CHANGE[size]!, 0, MAX_STEP_INDEX);
    return difference < 0 ? size | 8 : size;
  }
}
