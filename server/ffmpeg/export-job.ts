// Arguments that make one MP4 of several recordings: a join without decoding, and the pieces it is made of when they differ.

import { decodeBounds, type FfmpegJob, recordingInput, recordingListInput } from './job.ts';

/** Microseconds of output so far, as `-progress` says it. */
const OUT_TIME = /^out_time_us=(\d{1,16})$/;
const AAC_BIT_RATE = '64k';
const progress = ['-progress', 'pipe:2', '-stats_period', '1'] as const;

/** What all pieces of one export have in common. */
export type PieceForm = {
  /** `copy` when all pictures are coded alike. */
  readonly video: 'copy' | { readonly width: number; readonly height: number };
  /** `null`: no recording has sound; else silence stands in where one has none. */
  readonly audio: { readonly sampleRate: number; readonly channels: number } | null;
};

/** One piece: which part of which file. Seconds from its begin; `duration` `null`: to its end. */
export type ExportPiece = {
  readonly file: string;
  readonly start: number;
  readonly duration: number | null;
  readonly hasSound: boolean;
  /** How long it is, for the silence of one without sound. */
  readonly lengthMs: number;
};

/**
 * Joins the files of a list (see {@link joinList}) into one MP4, nothing decoded. They have the same codec settings, so their
 * packets are taken as they are (`auto_convert` would write the settings into every key picture again).
 */
export function joinJob(list: string, target: string): FfmpegJob {
  return {
    input: {
      options: [...recordingListInput, '-f', 'concat', '-safe', '0', '-auto_convert', '0'],
      source: { url: `file:${list}` },
    },
    output: {
      options: [...['-map', '0:v:0', '-map', '0:a:0?', '-c', 'copy'], ...progress, ...['-f', 'mp4']],
      target: { file: target },
    },
  };
}

/** The list of files for {@link joinJob}, relative to its own place; names are ours and need no quoting beyond `'`. */
export function joinList(files: readonly { readonly name: string; readonly durationMs: number }[]): string {
  const lines = files.map(({ name, durationMs }) => `file '${name}'\nduration ${(durationMs / 1000).toFixed(3)}`);
  return `ffconcat version 1.0\n${lines.join('\n')}\n`;
}

/** Makes a piece in the common form. */
export function exportPieceJob(
  { file, start, duration, hasSound, lengthMs }: ExportPiece,
  form: PieceForm,
  target: string,
): FfmpegJob {
  const { video, audio } = form;
  const silence = audio && !hasSound;
  const layout = audio?.channels === 2 ? 'stereo' : 'mono';
  const filters: string[] = [];
  if (video !== 'copy') {
    const { width, height } = video;
    filters.push(
      `[0:v:0]scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2,` +
        `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p[v]`,
    );
  }
  if (silence)
    filters.push(`anullsrc=r=${audio.sampleRate}:cl=${layout},atrim=duration=${(lengthMs / 1000).toFixed(3)}[a]`);
  const sound = audio
    ? [
        ...['-map', silence ? '[a]' : '0:a:0', '-c:a', 'aac', '-b:a', AAC_BIT_RATE],
        ...['-ar', String(audio.sampleRate), '-ac', String(audio.channels)],
      ]
    : [];
  const pictures =
    video === 'copy'
      ? ['-map', '0:v:0', '-c:v', 'copy']
      : [
          ...['-map', '[v]', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '21', '-profile:v', 'high', '-bf', '0'],
          ...['-g', '60', '-fps_mode', 'passthrough', '-enc_time_base', '1:1000', '-video_track_timescale', '16000'],
        ];
  return {
    input: {
      options: [
        ...[...decodeBounds, ...recordingInput, ...(start > 0 ? ['-ss', start.toFixed(3)] : [])],
        ...(duration === null ? [] : ['-t', duration.toFixed(3)]),
      ],
      source: { url: `file:${file}` },
    },
    output: {
      options: [
        ...(filters.length > 0 ? ['-filter_complex', filters.join(';')] : []),
        ...[...pictures, ...sound, ...progress, '-f', 'mp4'],
      ],
      target: { file: target },
    },
  };
}

/** Milliseconds of output that a line of ffmpeg's progress tells; `null` for any other line. */
export function parseProgress(line: string): number | null {
  const match = OUT_TIME.exec(line.trim());
  return match ? Number(match[1]) / 1000 : null;
}
