// Recordings that no browser plays, made playable while they are sent: one ffmpeg per viewer, few of them.

import type { Readable } from 'node:stream';
import { NvrError } from '../core/nvr-error.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { playJob } from '../ffmpeg/still-job.ts';

/** Viewers at the same time; each may take a whole processor. */
const MAX_PLAYERS = 4;

/** See the head of this file. */
export class Playback {
  #players = 0;

  /**
   * H.264 in fragmented MP4, from an offset on. Ends with the file, or when the signal aborts.
   * @throws NvrError `unavailable` when too many play already
   */
  open(file: string, offsetSeconds: number, signal: AbortSignal): Readable {
    if (this.#players >= MAX_PLAYERS)
      throw new NvrError('unavailable', 'Too many recordings are being converted; try again');
    this.#players++;
    const ffmpeg = FfmpegProcess.start(playJob(file, offsetSeconds));
    const leave = () => void ffmpeg.kill();
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    void ffmpeg.exited.then(() => {
      this.#players--;
      signal.removeEventListener('abort', leave);
    });
    return ffmpeg.stdout!;
  }
}
