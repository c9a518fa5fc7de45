// Arguments for an ffmpeg that plays a camera: JPEGs at their own pace on stdout, for the simulators. Pure.
// The output is `mpjpeg`, because its parts carry their length: no searching for markers.

import { resolve } from 'node:path';
import type { FfmpegJob } from './job.ts';

/** What the camera sees. A still picture gets the moving bar and the clock too, a video is left as it is. */
export type JpegSourceInput = { readonly kind: 'test' } | { readonly kind: 'still' | 'video'; readonly path: string };

/** Options of {@link jpegSourceJob}. */
export type JpegSourceOptions = {
  readonly input: JpegSourceInput;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** ffmpeg's scale for MJPEG: 2 (best) to 31. */
  readonly quality: number;
  /** A TrueType font for clock and counter; `null` leaves them out. */
  readonly fontFile: string | null;
};

/** Pixels that the bar moves from one picture to the next. */
const BAR_STEP_PIXELS = 8;

/** Cuts any shape of picture to the wanted one without distorting it. */
function fit({ width, height, fps }: JpegSourceOptions): string {
  return (
    `scale=${width}:${height}:force_original_aspect_ratio=decrease,` +
    `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2,setsar=1,fps=${fps}`
  );
}

/** A moving bar, and the time of day with a counter of pictures when there is a font. */
function overlay({ width, height, fps, fontFile }: JpegSourceOptions): string {
  const bar = `color=white:size=${BAR_STEP_PIXELS}x${height}:rate=${fps}[bar];[plain][bar]overlay=x='mod(n*${BAR_STEP_PIXELS},W)'`;
  if (fontFile === null) return bar;
  // `%{localtime}` and `%{n}` are ffmpeg's own expansions; the values need no further escaping.
  const size = Math.max(12, Math.round(width / 18));
  return (
    `${bar},drawtext=fontfile=${fontFile}:text='%{localtime}  %{n}':fontsize=${size}:fontcolor=white:` +
    `box=1:boxcolor=black@0.7:boxborderw=${Math.round(size / 4)}:x=(w-tw)/2:y=h-th*2`
  );
}

/** One ffmpeg, in real time, for ever. */
export function jpegSourceJob(options: JpegSourceOptions): FfmpegJob {
  const { input, width, height, fps, quality } = options;
  const graph = input.kind === 'video' ? `[0:v:0]${fit(options)}` : `[0:v:0]${fit(options)}[plain];${overlay(options)}`;
  const inputs = {
    test: ['-re', '-f', 'lavfi'],
    still: ['-re', '-loop', '1', '-framerate', String(fps), '-f', 'image2'],
    video: ['-re', '-stream_loop', '-1', '-protocol_whitelist', 'file'],
  };
  return {
    input: {
      options: inputs[input.kind],
      source: {
        url: input.kind === 'test' ? `testsrc2=size=${width}x${height}:rate=${fps}` : `file:${resolve(input.path)}`,
      },
    },
    output: {
      options: [
        ...['-filter_complex', graph, '-an', '-sn', '-dn'],
        // The standard Huffman tables, as small cameras have them (and as RTP needs them).
        ...['-c:v', 'mjpeg', '-huffman', 'default', '-q:v', String(quality), '-pix_fmt', 'yuvj422p'],
        ...['-flush_packets', '1', '-f', 'mpjpeg'],
      ],
      target: 'pipe',
    },
  };
}
