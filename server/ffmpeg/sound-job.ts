// A camera's sound from one codec to another, as it comes: PCM to AAC for browsers, AAC to PCM for those who know nothing
// else. Pure.

import { type FfmpegJob, matroskaInput } from './job.ts';

/** Bits per second and channel: speech, and anything better. */
const NARROW_BIT_RATE = 32_000;
const BIT_RATE = 64_000;
const NARROW_BAND_HZ = 16_000;

/** What goes in, and what is wanted of it. */
export type SoundJobOptions = {
  readonly sampleRate: number;
  /** Of what comes out. */
  readonly outRate: number;
  readonly outChannels: number;
};

const common = ['-map', '0:a:0', '-vn', '-sn', '-dn'];

/** Matroska with PCM in, ADTS out, each access unit as soon as it is made. */
export function encodeSoundJob({ sampleRate, outRate, outChannels }: SoundJobOptions): FfmpegJob {
  const bitRate = outChannels * (sampleRate <= NARROW_BAND_HZ ? NARROW_BIT_RATE : BIT_RATE);
  return {
    input: matroskaInput,
    output: {
      options: [
        ...[...common, '-c:a', 'aac', '-profile:a', 'aac_low', '-b:a', String(bitRate)],
        ...['-ar', String(outRate), '-ac', String(outChannels), '-flush_packets', '1', '-f', 'adts'],
      ],
      target: 'pipe',
    },
  };
}

/** Matroska with AAC in, bare 16-bit samples out. */
export function decodeSoundJob({ outRate, outChannels }: Omit<SoundJobOptions, 'sampleRate'>): FfmpegJob {
  return {
    input: matroskaInput,
    output: {
      options: [
        ...[...common, '-c:a', 'pcm_s16le', '-ar', String(outRate), '-ac', String(outChannels)],
        ...['-flush_packets', '1', '-f', 's16le'],
      ],
      target: 'pipe',
    },
  };
}
