// What an ffmpeg writes, as one piece: for small things that are made and sent.

import { NvrError } from '../core/nvr-error.ts';
import type { FfmpegProcess } from './ffmpeg-process.ts';

/**
 * Waits for its end and gives all that it wrote. The process is gone afterwards, whatever happened.
 * @param tooLarge what is said of more than `maxBytes`
 * @throws NvrError `protocol` (too large), or how it ended
 */
export async function wholeOutput(ffmpeg: FfmpegProcess, maxBytes: number, tooLarge: string): Promise<Buffer> {
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of ffmpeg.stdout ?? []) {
      chunks.push(chunk as Uint8Array);
      bytes += (chunk as Uint8Array).length;
      if (bytes > maxBytes) throw new NvrError('protocol', tooLarge);
    }
    const { error } = await ffmpeg.exited;
    if (error) throw error;
    return Buffer.concat(chunks);
  } finally {
    await ffmpeg.stop(0);
  }
}
