// JPEG to H.264 for live use and recording: what every output needs (yuv420p, High up to 4.1, no B-frames, key frames on
// even UTC seconds and at segment boundaries), without holding a frame back.

import type { EncoderSettings } from '../core/camera-config.ts';
import { type EncoderKind, encoderArguments } from './encoders.ts';
import { decodeBounds, type FfmpegJob, matroskaInput } from './job.ts';

/** Key frames are at least this frequent, and begin on multiples of it since the epoch. */
export const KEY_INTERVAL_SECONDS = 2;
/** Level 4.1: 8192 macroblocks a frame, at most this many in one direction. */
const MAX_MACROBLOCKS = 8192;
const MAX_MACROBLOCKS_PER_SIDE = 256;
const MACROBLOCK = 16;
/** Above this many pixels one thread may not keep up. */
const ONE_THREAD_PIXELS = 1280 * 720;
/** x264's own ceiling is far off; forced key frames rule. */
const MAX_GOP_FRAMES = 600;
/** Doubles: 0.123 + 1.877 may be just under 2; half a millisecond is under the resolution of our times. */
const HALF_MS = 0.0005;

/** What one run of the encoder is made for. */
export type EncoderJobOptions = {
  readonly width: number;
  readonly height: number;
  readonly settings: EncoderSettings;
  /** What does the work; libx264 unless given. */
  readonly kind?: EncoderKind;
  /** Wall-clock time of the stream's zero, whole milliseconds since the epoch. */
  readonly epochMs: number;
  readonly segmentSeconds: number;
};

const PRESETS = ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow'] as const;

/** The size that fits level 4.1 and yuv420p: shrunk in proportion when too large, always even. */
export function chooseEncodedSize(width: number, height: number): { width: number; height: number } {
  const even = (value: number) => Math.max(2, Math.floor(value / 2) * 2);
  const fits = (w: number, h: number) => {
    const across = Math.ceil(w / MACROBLOCK);
    const down = Math.ceil(h / MACROBLOCK);
    return across * down <= MAX_MACROBLOCKS && Math.max(across, down) <= MAX_MACROBLOCKS_PER_SIDE;
  };
  let size = { width: even(width), height: even(height) };
  for (let scale = 1; !fits(size.width, size.height) && scale > 0; scale -= 1 / 64) {
    size = { width: even(width * scale), height: even(height * scale) };
  }
  return size;
}

/**
 * ffmpeg's `force_key_frames` expression: true for the first frame at or after each even second and each segment boundary.
 * Times are the stream's; `epochMs` ties them to the wall clock.
 */
export function keyFrameExpression(epochMs: number, segmentSeconds: number): string {
  const periods = [KEY_INTERVAL_SECONDS];
  if (segmentSeconds % KEY_INTERVAL_SECONDS !== 0) periods.push(segmentSeconds);
  // The offset is kept small: a double of seconds since the epoch has no room for milliseconds in ffmpeg's parser.
  const offset = (epochMs % (1000 * KEY_INTERVAL_SECONDS * segmentSeconds)) / 1000 + HALF_MS;
  const crossed = periods.map(
    (period) => `gt(floor((t+${offset.toFixed(4)})/${period}),floor((prev_forced_t+${offset.toFixed(4)})/${period}))`,
  );
  return `expr:if(isnan(prev_forced_t),1,${crossed.join('+')})`;
}

/** Matroska with JPEG in, FLV with H.264 out (see `media/flv-reader.ts` why), same times. */
export function encoderJob(options: EncoderJobOptions): FfmpegJob {
  const { width, height, settings, kind = 'libx264', epochMs, segmentSeconds } = options;
  const size = chooseEncodedSize(width, height);
  const resized = size.width !== width || size.height !== height;
  const preset = PRESETS.find((known) => known === settings.preset) ?? 'veryfast';
  const quality = Math.min(51, Math.max(1, Math.round(settings.quality) || 23));
  const threads = width * height > ONE_THREAD_PIXELS ? '2' : '1';
  // JPEG is full range, BT.601: say so on the way in, and mark the result, or HD pictures come out greenish in players.
  const scale = `scale=${resized ? `${size.width}:${size.height}:` : ''}in_range=full:out_range=tv`;
  const hardware = kind === 'libx264' ? null : encoderArguments(kind, quality, size.width * size.height);
  const x264 = [
    ...['-c:v', 'libx264', '-preset', preset, '-tune', 'zerolatency', '-crf', String(quality), '-threads', threads],
    ...['-profile:v', 'high', '-level:v', '4.1', '-bf', '0', '-sc_threshold', '0', '-x264-params', 'fps=30'],
  ];
  return {
    input: {
      ...matroskaInput,
      options: [
        ...(hardware?.before ?? []),
        ...decodeBounds,
        '-threads',
        '1',
        '-flags',
        'low_delay',
        ...matroskaInput.options,
      ],
    },
    output: {
      options: [
        ...[
          '-map',
          '0:v:0',
          '-vf',
          `${scale},${hardware?.format ?? 'format=yuv420p'}`,
          '-fps_mode',
          'passthrough',
          '-enc_time_base',
          '1:1000',
        ],
        ...(hardware?.codec ?? x264),
        ...['-g', String(MAX_GOP_FRAMES)],
        ...['-force_key_frames', keyFrameExpression(epochMs, segmentSeconds)],
        ...['-color_range', 'tv', '-colorspace', 'smpte170m', '-color_primaries', 'bt709', '-color_trc', 'bt709'],
        ...['-flush_packets', '1', '-flvflags', 'no_duration_filesize', '-f', 'flv'],
      ],
      target: 'pipe',
    },
  };
}
