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

/** Options common to all runs: quiet, no keyboard. */
export const commonOptions = ['-hide_banner', '-nostats', '-nostdin', '-loglevel', 'warning'] as const;
