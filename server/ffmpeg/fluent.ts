// The only import of fluent-ffmpeg (2.1.3: required, unmaintained, pinned). It is used as a process launcher: one input,
// one output, arguments exactly as our builders made them. Three of its habits are switched off here:
// - it asks ffmpeg for its formats and encoders before the first run (two more processes, and a cached failure);
// - when a spawn fails it calls its end handler without the rings it then reads, which throws where nobody can catch it;
// - it kills ffmpeg 20 ms after the output stream's `close` event, also when ffmpeg is just ending well.

import type { ChildProcess } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import ffmpeg from 'fluent-ffmpeg';
import { commonOptions, type FfmpegJob } from './job.ts';

/** The guard script that starts ffmpeg (see there). Exists always, so a missing ffmpeg is an exit code, not a spawn error. */
export const guardPath = fileURLToPath(new URL('guard.sh', import.meta.url));
/** Lines of stderr that fluent-ffmpeg keeps. */
const STDERR_LINES = 60;
/** Bytes that may wait for ffmpeg's stdin before `write` says stop. */
const INPUT_BUFFER_BYTES = 512 * 1024;
const OUTPUT_BUFFER_BYTES = 256 * 1024;

type Ring = { get(): string };
type ProcessCallback = (process: ChildProcess, stdout: Ring, stderr: Ring) => void;
type EndCallback = (error: Error | null | undefined, stdout?: Ring, stderr?: Ring) => void;
/** The inside of a command that we touch. */
type Internals = {
  ffmpegProc?: ChildProcess;
  _checkCapabilities(done: (error: Error | null) => void): void;
  availableEncoders(done: (error: Error | null, encoders: object) => void): void;
  _spawnFfmpeg(args: string[], options: object, onProcess: ProcessCallback, onEnd: EndCallback): void;
};

/** What the process wrapper gets. */
export type Launched = {
  readonly stdin: PassThrough | null;
  readonly stdout: PassThrough | null;
};

/** Callbacks of {@link launch}. */
export type LaunchEvents = {
  /** The process exists. */
  onProcess(process: ChildProcess): void;
  onLine(line: string): void;
  /** Once: the process is gone and its stderr is read to the end; or it never began (`spawnError`). */
  onEnd(stderr: string, spawnError: string | undefined): void;
};

const emptyRing: Ring = { get: () => '' };

/** Starts ffmpeg for one job. Never throws; failures arrive at `onEnd`. */
export function launch(job: FfmpegJob, events: LaunchEvents): Launched {
  const stdin =
    job.input.source === 'pipe' ? new PassThrough({ highWaterMark: INPUT_BUFFER_BYTES, emitClose: false }) : null;
  const stdout =
    job.output.target === 'pipe'
      ? new PassThrough({ highWaterMark: OUTPUT_BUFFER_BYTES, autoDestroy: false, emitClose: false })
      : null;
  // Errors of the pipes are never news: the exit of the process says what happened.
  stdin?.on('error', () => {});
  stdout?.on('error', () => {});

  const command = ffmpeg({ stdoutLines: STDERR_LINES });
  command.setFfmpegPath(guardPath);
  command.input(job.input.source === 'pipe' ? stdin! : (job.input.source as { url: string }).url);
  // Two arguments and more are taken literally; a single one would be split at its space.
  command.inputOptions(...([...commonOptions, ...job.input.options] as unknown as [string, string]));
  if (stdout) command.output(stdout, { end: true });
  else command.output((job.output.target as { file: string }).file);
  command.outputOptions(...(job.output.options as unknown as [string, string]));

  const inside = command as unknown as Internals;
  let spawnError: string | undefined;
  inside._checkCapabilities = (done) => done(null);
  inside.availableEncoders = (done) => done(null, {});
  const spawn = inside._spawnFfmpeg.bind(command);
  inside._spawnFfmpeg = (args, options, onProcess, onEnd) => {
    const onEndSafe: EndCallback = (error, out, err) => {
      if (error && !err) spawnError = (error as NodeJS.ErrnoException).code ?? 'spawn';
      onEnd(error, out ?? emptyRing, err ?? emptyRing);
    };
    try {
      spawn(
        args,
        options,
        (process, out, err) => {
          events.onProcess(process);
          onProcess(process, out, err);
        },
        onEndSafe,
      );
    } catch (error) {
      onEndSafe(error as Error);
    }
  };
  let ended = false;
  const end = (stderr: string | null | undefined) => {
    if (ended) return;
    ended = true;
    events.onEnd(stderr ?? '', spawnError);
  };
  command.on('stderr', (line: string) => events.onLine(line));
  command.on('end', (_stdout: string | null, stderr: string | null) => end(stderr));
  command.on('error', (_error: Error, _stdout: string | null, stderr: string | null) => end(stderr));
  command.run();
  return { stdin, stdout };
}
