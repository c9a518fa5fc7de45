// What an ffmpeg is asked to do, as data. Argument builders return it; `ffmpeg-process.ts` runs it.

/** Where bytes come from: this program (stdin), or a file or lavfi source that ffmpeg opens itself. */
export type JobInput = {
  readonly options: readonly string[];
  readonly source: 'pipe' | { readonly url: string };
};

/** Where bytes go: this program (stdout), or a file that ffmpeg writes. A file is overwritten: reserve its name first. */
export type JobOutput = {
  readonly options: readonly string[];
  readonly target: 'pipe' | { readonly file: string };
};

/** One run of ffmpeg: one input, one output (all that fluent-ffmpeg allows for pipes, and all Perch needs). */
export type FfmpegJob = { readonly input: JobInput; readonly output: JobOutput };

/**
 * Options for every Matroska stream on stdin: known format, no look-ahead. Never `-fflags nobuffer`: with it ffmpeg throws
 * away the frames it looked at while probing (one frame lost with 5.1).
 */
export const matroskaInput: JobInput = {
  options: ['-probesize', '32', '-analyzeduration', '0', '-f', 'matroska'],
  source: 'pipe',
};

/** Largest single piece of memory that ffmpeg may ask for; the whole process is bounded by the guard script. */
const MAX_ALLOC_BYTES = 512 * 1024 * 1024;
/** 8K and a little: a JPEG of 1.5 MB can claim 16,000 x 16,000, which took 436 MB to decode. */
export const MAX_DECODED_PIXELS = 36_000_000;

/** Input options of every job that decodes pictures of a camera: larger ones are refused by their header. */
export const decodeBounds = ['-max_pixels', String(MAX_DECODED_PIXELS)] as const;

/**
 * Input options for files in the recordings folder. Their content is believed to be one of our two containers and nothing
 * else: a playlist under a recording's name would have ffmpeg open other files of this machine.
 */
export const recordingInput = ['-protocol_whitelist', 'file', '-format_whitelist', 'mov,matroska'] as const;

/** The same for a list of such files. */
export const recordingListInput = ['-protocol_whitelist', 'file', '-format_whitelist', 'concat,mov,matroska'] as const;

/** Options common to all runs: quiet, no keyboard, bounded. */
export const commonOptions = [
  ...['-hide_banner', '-nostats', '-nostdin', '-loglevel', 'warning'],
  ...['-max_alloc', String(MAX_ALLOC_BYTES)],
] as const;
