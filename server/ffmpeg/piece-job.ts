// A few seconds of a recording as H.264 in one MP4 fragment: what HLS plays of recordings that are not H.264.

import { chooseEncodedSize } from './encoder-job.ts';
import { decodeBounds, type FfmpegJob, recordingInput } from './job.ts';

/** ffmpeg's `-to` counts from nothing when `-ss` is 0. */
const ALMOST_ZERO = '0.001';

/** Which part of a local file; times are the file's own, seconds. `end` `null`: to the end. */
export type PieceJobOptions = {
  readonly file: string;
  readonly start: number;
  readonly end: number | null;
  /** Of the pictures, when they are known; they are only made smaller. */
  readonly width?: number;
  readonly height?: number;
};

/**
 * ftyp, moov and one or more fragments on stdout. Times are those of the file, so that pieces follow one another; head and
 * codec settings are the same for every piece of a file. The pictures are cut by the filter, which is exact.
 */
export function pieceJob({ file, start, end, width = 0, height = 0 }: PieceJobOptions): FfmpegJob {
  const size = width > 0 && height > 0 ? chooseEncodedSize(width, height) : null;
  const scale = size && (size.width !== width || size.height !== height) ? `scale=${size.width}:${size.height},` : '';
  const until = end === null ? '' : `:end=${end.toFixed(3)}`;
  return {
    input: {
      options: [
        ...[...decodeBounds, ...recordingInput, '-copyts', '-seek_timestamp', '1'],
        // Accurate seeking would drop the picture at 0, of which `ALMOST_ZERO` lies behind.
        ...(start > 0 ? ['-ss', start.toFixed(3)] : ['-noaccurate_seek', '-ss', ALMOST_ZERO]),
        ...(end === null ? [] : ['-to', end.toFixed(3)]),
      ],
      source: { url: `file:${file}` },
    },
    output: {
      options: [
        ...['-map', '0:v:0', '-map', '0:a:0?', '-c:a', 'copy'],
        ...['-vf', `trim=start=${start.toFixed(3)}${until},${scale}scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p`],
        ...['-fps_mode', 'passthrough', '-enc_time_base', '1:1000'],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '23', '-profile:v', 'high', '-bf', '0', '-g', '600'],
        ...['-avoid_negative_ts', 'disabled', '-use_editlist', '0', '-f', 'mp4'],
        ...['-movflags', '+frag_discont+frag_keyframe+empty_moov+default_base_moof'],
      ],
      target: 'pipe',
    },
  };
}
