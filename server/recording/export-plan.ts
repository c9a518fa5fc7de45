// How one file is made of a span: which parts of which recordings, joined as they are or made alike first. Pure.

import { chooseEncodedSize } from '../ffmpeg/encoder-job.ts';
import type { PieceForm } from '../ffmpeg/export-job.ts';
import type { PlaybackFile } from './playback-source.ts';

/** A recording with what its bytes say. */
export type ExportSource = PlaybackFile & {
  /** Sample descriptions (see `Mp4Fragments`); `null` for MJPEG. */
  readonly signature: string | null;
  readonly width: number;
  readonly height: number;
  readonly audio: { readonly sampleRate: number; readonly channels: number } | null;
};

/** The whole plan. `null` form: the recordings are joined as they are. */
export type ExportPlan = { readonly form: PieceForm | null };

/** Extra space: heads of files, and what else is written meanwhile. */
const MARGIN_BYTES = 64 * 1024 * 1024;
const MIN_SIZE = 16;

/** Bytes of the finished file, and bytes that must be free for making it. */
export type ExportEstimate = { readonly bytes: number; readonly neededBytes: number };

/** Estimates from the index alone. MJPEG becomes H.264, which is smaller: its own size is the safe side. */
export function estimateExport(files: readonly PlaybackFile[], from: number, to: number): ExportEstimate {
  let bytes = 0;
  for (const { startAt, endAt, bytes: size } of files) {
    const shared = Math.min(to, endAt) - Math.max(from, startAt);
    bytes += (size * Math.max(0, shared)) / Math.max(1, endAt - startAt);
  }
  bytes = Math.ceil(bytes);
  const alike = new Set(files.map(({ codec }) => codec)).size === 1 && files[0]?.format === 'mp4';
  return { bytes, neededBytes: (alike ? bytes : 2 * bytes) + MARGIN_BYTES };
}

/** Whether the recordings can be joined as they are, else what they are all made into. */
export function choosePlan(sources: readonly ExportSource[]): ExportPlan {
  const [first] = sources;
  if (!first) return { form: null };
  const same = first.signature !== null && sources.every(({ signature }) => signature === first.signature);
  if (same) return { form: null };
  const audio = sources.find((source) => source.audio)?.audio ?? null;
  const sizes = new Set(
    sources.map(({ codec, width, height, signature }) => `${codec} ${width} ${height} ${videoPart(signature)}`),
  );
  if (first.signature !== null && sizes.size === 1) return { form: { video: 'copy', audio } };
  const size = chooseEncodedSize(Math.max(MIN_SIZE, first.width), Math.max(MIN_SIZE, first.height));
  return { form: { video: size, audio } };
}

/** The pictures' part of a signature: Perch's files have them as their first track. */
function videoPart(signature: string | null): string {
  return signature?.split(' ').slice(0, 2).join(' ') ?? 'none';
}
