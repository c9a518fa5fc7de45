// One recording file from Matroska on stdin: pictures and AAC copied, other sound to AAC, flushed as it goes so that a kill leaves a file.

import type { RecordingFormat } from '../core/camera-config.ts';
import { type FfmpegJob, matroskaInput } from './job.ts';

/** Longest piece that is not yet in the file: length of a fragment or cluster. */
export const FLUSH_MS = 500;
/** How long ffmpeg may hold pictures back for sound that does not come. */
const INTERLEAVE_MS = 500;
/** Sound up to this rate is speech from a small camera. */
const NARROW_BAND_HZ = 16_000;

/** What a segment file is made of. */
export type SegmentJobOptions = {
  readonly file: string;
  readonly format: RecordingFormat;
  /** H.265 is tagged so that Apple's players take it. */
  readonly codec: 'mjpeg' | 'h264' | 'h265';
  /** The sound track, or `null` when there is none: AAC is copied, PCM becomes AAC. */
  readonly sound: { readonly codec: 'pcm-s16le' | 'aac'; readonly sampleRate: number } | null;
  /** Written into the header: who recorded this, and when exactly it begins. */
  readonly comment: string;
  readonly startAt: number;
};

/** Arguments for one segment. The file exists already (its name is reserved) and is overwritten. */
export function segmentJob({ file, format, codec, sound, comment, startAt }: SegmentJobOptions): FfmpegJob {
  const container =
    format === 'mp4'
      ? [
          // delay_moov: without it the AAC priming shifts every picture but the first (see design/recordings.md).
          ...[
            '-movflags',
            '+frag_keyframe+empty_moov+default_base_moof+delay_moov',
            '-frag_duration',
            `${FLUSH_MS}000`,
          ],
          ...(codec === 'h265' ? ['-tag:v', 'hvc1'] : []),
          ...['-f', 'mp4'],
        ]
      : ['-cluster_time_limit', String(FLUSH_MS), '-f', 'matroska'];
  return {
    input: matroskaInput,
    output: {
      options: [
        ...['-map', '0:v:0', '-c:v', 'copy', ...soundOptions(sound)],
        ...['-max_interleave_delta', `${INTERLEAVE_MS}000`, '-flush_packets', '1'],
        ...['-metadata', `comment=${comment}`, '-metadata', `creation_time=${new Date(startAt).toISOString()}`],
        ...container,
      ],
      target: { file },
    },
  };
}

function soundOptions(sound: SegmentJobOptions['sound']): string[] {
  if (!sound) return [];
  if (sound.codec === 'aac') return ['-map', '0:a:0', '-c:a', 'copy'];
  return ['-map', '0:a:0', '-c:a', 'aac', '-b:a', sound.sampleRate <= NARROW_BAND_HZ ? '32k' : '96k'];
}
