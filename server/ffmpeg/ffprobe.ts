// Asks ffprobe about a file: bounded in time and output. fluent-ffmpeg's own ffprobe is neither, so this is a plain execFile.

import { execFile } from 'node:child_process';
import { NvrError } from '../core/nvr-error.ts';
import { guardPath } from './fluent.ts';
import { decodeBounds, recordingInput } from './job.ts';
import { classifyExit, redactText } from './stderr.ts';

/** The guard's answer when there is no ffprobe. */
const EXIT_NOT_FOUND = 127;
const PROBE_TIMEOUT_MS = 15_000;
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;

/** What ffprobe was asked to print, as JSON; only what we ask for is there. Values come from a file: check them. */
export type ProbeResult = {
  readonly format?: {
    readonly duration?: string;
    readonly tags?: Readonly<Record<string, string>>;
    readonly format_name?: string;
  };
  readonly streams?: readonly Readonly<Record<string, string | number | undefined>>[];
  readonly packets?: readonly Readonly<Record<string, string | undefined>>[];
};

/**
 * Runs ffprobe with the given selection, for example `['-show_streams']`.
 * @throws NvrError `protocol` when the file cannot be read as media, `timeout`, `unavailable` when ffprobe is missing
 */
export function ffprobe(file: string, selection: readonly string[], signal?: AbortSignal): Promise<ProbeResult> {
  const bounds = ['-v', 'error', ...decodeBounds, ...recordingInput];
  const args = [guardPath, '--ffprobe', ...bounds, '-of', 'json', ...selection, '-i', `file:${file}`];
  const options = { timeout: PROBE_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' as const, signal };
  return new Promise((resolve, reject) => {
    execFile('/bin/sh', args, options, (error, stdout, stderr) => {
      if (!error) {
        try {
          return resolve(JSON.parse(stdout) as ProbeResult);
        } catch (cause) {
          return reject(new NvrError('protocol', 'ffprobe answered something that is not JSON', { cause }));
        }
      }
      const { code, killed } = error as { code?: unknown; killed?: boolean };
      if (error.name === 'AbortError') return reject(new NvrError('cancelled', 'Cancelled', { cause: error }));
      if (killed) return reject(new NvrError('timeout', 'ffprobe took too long'));
      if (code === EXIT_NOT_FOUND)
        return reject(classifyExit({ code: null, signal: null, stderr: '', spawnError: 'ENOENT' }));
      const known = classifyExit({ code: typeof code === 'number' ? code : 1, signal: null, stderr });
      const said =
        redactText(stderr)
          .split('\n')
          .find((line) => line !== '') ?? '';
      reject(
        new NvrError(
          known?.code === 'exhausted' ? 'exhausted' : 'protocol',
          `The file cannot be read as media: ${said}`,
        ),
      );
    });
  });
}
