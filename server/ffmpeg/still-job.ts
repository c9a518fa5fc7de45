// One small JPEG out of a recording, and a recording made playable for browsers on the way.

import { decodeBounds, type FfmpegJob, recordingInput } from './job.ts';

/** Width of a thumbnail. */
export const THUMBNAIL_WIDTH = 320;

/** The picture at an offset into a local file, small. Only that key frame's neighbourhood is read and decoded. */
export function stillJob(file: string, offsetSeconds: number): FfmpegJob {
  const seek = offsetSeconds > 0 ? ['-ss', offsetSeconds.toFixed(3)] : [];
  return {
    input: {
      options: [...decodeBounds, ...recordingInput, '-threads', '1', ...seek],
      source: { url: `file:${file}` },
    },
    output: {
      options: [
        ...['-map', '0:v:0', '-frames:v', '1', '-vf', `scale='min(${THUMBNAIL_WIDTH},iw)':-2`],
        ...['-q:v', '6', '-an', '-f', 'mjpeg'],
      ],
      target: 'pipe',
    },
  };
}

/** A local recording as fragmented H.264 MP4 on stdout, from an offset on: for browsers, which play no MJPEG. */
export function playJob(file: string, offsetSeconds: number): FfmpegJob {
  const seek = offsetSeconds > 0 ? ['-ss', offsetSeconds.toFixed(3)] : [];
  return {
    input: { options: [...decodeBounds, ...recordingInput, ...seek], source: { url: `file:${file}` } },
    output: {
      options: [
        ...['-map', '0:v:0', '-map', '0:a:0?', '-c:a', 'copy', '-fps_mode', 'passthrough', '-enc_time_base', '1:1000'],
        ...[
          '-vf',
          "scale='min(1920,iw)':'min(1080,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2,format=yuv420p",
        ],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '24', '-profile:v', 'high', '-bf', '0', '-g', '60'],
        ...['-movflags', '+frag_keyframe+empty_moov+default_base_moof+delay_moov', '-frag_duration', '1000000'],
        ...['-f', 'mp4'],
      ],
      target: 'pipe',
    },
  };
}
