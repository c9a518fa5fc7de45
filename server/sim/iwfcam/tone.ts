// What the simulated microphone hears: 440 Hz, in the vendor's blocks (section 13): 516 bytes, a header of zeros, low
// nibble first, and the coder begins anew in every block.

import { INDEX_CHANGE, STEPS } from '../../media/ima-adpcm.ts';

/** Samples and milliseconds of one block. */
export const BLOCK_SAMPLES = 1024;
export const BLOCK_MS = 128;

const HEADER_BYTES = 4;
const SAMPLE_RATE = 8000;
const TONE_HZ = 440;
const AMPLITUDE = 9000;
/** After so many blocks the phase is where it began: 1024 * 440 / 8000 = 56.32 periods a block. */
const CYCLE_BLOCKS = 25;
const MAX_STEP_INDEX = STEPS.length - 1;

const clamp = (value: number, min: number, max: number) => Math.min(max, Math.max(min, value));

/** One block of PCM as the vendor's encoder writes it. */
export function encodeVendorBlock(pcm: Int16Array): Uint8Array {
  const block = new Uint8Array(HEADER_BYTES + Math.ceil(pcm.length / 2));
  let predictor = 0;
  let index = 0;
  for (const [n, sample] of pcm.entries()) {
    const step = STEPS[index]!;
    const difference = sample - predictor;
    const magnitude = Math.min(7, Math.floor((Math.abs(difference) * 4) / step));
    const change = ((step * magnitude) >> 2) + (step >> 3);
    predictor = clamp(predictor + (difference < 0 ? -change : change), -32768, 32767);
    index = clamp(index + INDEX_CHANGE[magnitude]!, 0, MAX_STEP_INDEX);
    const code = magnitude | (difference < 0 ? 8 : 0);
    block[HEADER_BYTES + (n >> 1)]! |= n % 2 === 0 ? code : code << 4;
  }
  return block;
}

const blocks: Uint8Array[] = [];

/** Block number `n` of an endless tone. Shared: do not change it. */
export function toneBlock(n: number): Uint8Array {
  const number = n % CYCLE_BLOCKS;
  let block = blocks[number];
  if (!block) {
    const pcm = Int16Array.from({ length: BLOCK_SAMPLES }, (_, sample) =>
      Math.trunc(AMPLITUDE * Math.sin((2 * Math.PI * TONE_HZ * (number * BLOCK_SAMPLES + sample)) / SAMPLE_RATE)),
    );
    block = encodeVendorBlock(pcm);
    blocks[number] = block;
  }
  return block;
}
