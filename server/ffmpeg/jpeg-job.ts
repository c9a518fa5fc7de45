// H.264 or H.265 to JPEG, picture by picture, for viewers that know nothing else. Pure.

import { decodeBounds, type FfmpegJob, matroskaInput } from './job.ts';

/** ffmpeg's scale for MJPEG: 2 (best) to 31. */
const QUALITY = 4;

/** Matroska with coded video in, `mpjpeg` out: its parts carry their length, and each leaves as soon as it is coded. */
export function jpegJob(): FfmpegJob {
  return {
    input: {
      ...matroskaInput,
      options: [...decodeBounds, '-threads', '1', '-flags', 'low_delay', ...matroskaInput.options],
    },
    output: {
      options: [
        ...['-map', '0:v:0', '-an', '-sn', '-dn'],
        // Pictures are counted: with B-frames the times that they came at are in another order, which no encoder takes.
        ...['-vf', 'setpts=N/TB,scale=out_range=full,format=yuvj420p'],
        ...[
          '-fps_mode',
          'passthrough',
          '-c:v',
          'mjpeg',
          '-huffman',
          'default',
          '-q:v',
          String(QUALITY),
          '-threads',
          '1',
        ],
        ...['-flush_packets', '1', '-f', 'mpjpeg'],
      ],
      target: 'pipe',
    },
  };
}
