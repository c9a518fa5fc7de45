// What ffmpeg said and how it ended, as one of our errors. Pure. ffmpeg prints URLs with their passwords: redacted here.

import { type ErrorCode, NvrError } from '../core/nvr-error.ts';

/** Longest text kept of what one ffmpeg said. */
export const MAX_STDERR_CHARS = 4000;
/** Longest line kept. */
const MAX_LINE_CHARS = 500;

/** How the process ended, and what it had said by then. */
export type ProcessEnd = {
  readonly code: number | null;
  readonly signal: string | null;
  /** Raw; redacted by {@link classifyExit}. */
  readonly stderr: string;
  /** The spawn itself failed with this code (ENOENT, EAGAIN...). */
  readonly spawnError?: string;
};

/** ffmpeg's exit code after SIGINT or SIGTERM: it has written its trailer, the file is whole. */
const EXIT_INTERRUPTED = 255;
/** What a shell answers when a program does not exist. */
const EXIT_NOT_FOUND = 127;

const MISSING = 'ffmpeg is not installed, or not on PATH. Install it (Debian, Ubuntu: apt-get install ffmpeg).';

/** First match wins; the texts are those of libavutil's error table and of the muxers (ffmpeg 4 to 7). */
const PATTERNS: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/No space left on device|Disk quota exceeded|File too large/i, 'exhausted', 'the disk is full'],
  [/Cannot allocate memory|Too many open files/i, 'exhausted', 'the machine has no memory or file handles left'],
  [/401 Unauthorized|403 Forbidden|authorization failed/i, 'refused', 'the credentials were rejected'],
  [/Read-only file system|Permission denied|Input\/output error/i, 'unavailable', 'the disk cannot be written'],
  [
    /Connection refused|Connection timed out|No route to host|Name or service not known/i,
    'unavailable',
    'the source cannot be reached',
  ],
  [
    /Unknown encoder|Unrecognized option|Option .* not found|Unknown decoder/i,
    'bad_input',
    'this ffmpeg lacks something Perch asked for',
  ],
  [
    /Invalid data found|moov atom not found|could not find codec parameters|EBML header parsing failed/i,
    'protocol',
    'the stream cannot be read',
  ],
];

/**
 * Hides user information in URLs (`rtsp://user:pass@host` becomes `rtsp://***@host`) and values of query parameters that
 * look like secrets, drops control characters, bounds length.
 */
export function redactText(text: string): string {
  return (
    text
      // A password may itself contain '@' or '/': everything up to the last '@' before white space or a quote goes.
      .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s'"]*@/gi, '$1***@')
      .replace(/([?&;](?:token|pass(?:word)?|pwd|user(?:name)?|auth|key|secret)=)[^&\s'"]*/gi, '$1***')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being removed
      .replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, ' ')
      .split('\n')
      .map((line) => line.slice(0, MAX_LINE_CHARS))
      .join('\n')
      .slice(-MAX_STDERR_CHARS)
  );
}

/** The last line that says something. */
function lastLine(stderr: string): string {
  return (
    stderr
      .split('\n')
      .filter((line) => line.trim() !== '')
      .at(-1)
      ?.trim() ?? ''
  );
}

/** Whether SIGINT or SIGTERM ended it in order. */
export function isInterrupted({ code, signal }: Pick<ProcessEnd, 'code' | 'signal'>): boolean {
  return signal === null && code === EXIT_INTERRUPTED;
}

/**
 * The error of an ended ffmpeg, or `null` when its output is whole: exit 0, or ended by SIGINT or SIGTERM after writing its
 * trailer. A segmentation fault and an exit code are the same event to Perch; what it said decides the code.
 */
export function classifyExit(end: ProcessEnd): NvrError | null {
  const stderr = redactText(end.stderr);
  const context = { exitCode: end.code, signal: end.signal, said: lastLine(stderr) };
  if (end.spawnError === 'ENOENT' || (end.code === EXIT_NOT_FOUND && stderr.includes('perch-guard'))) {
    return new NvrError('unavailable', MISSING, { context });
  }
  if (end.spawnError !== undefined) {
    // EAGAIN, ENOMEM, EMFILE: the machine is full. A guard script without its execute bit is not.
    const code = ['EACCES', 'EPERM'].includes(end.spawnError) ? 'unavailable' : 'exhausted';
    return new NvrError(code, `ffmpeg could not be started (${end.spawnError})`, { context });
  }
  if (end.signal === null && (end.code === 0 || end.code === EXIT_INTERRUPTED)) return null;
  const how = end.signal === null ? `ended with code ${end.code}` : `was killed (${end.signal})`;
  for (const [pattern, code, meaning] of PATTERNS) {
    if (pattern.test(stderr)) return new NvrError(code, `ffmpeg ${how}: ${meaning}`, { context });
  }
  return new NvrError('unavailable', `ffmpeg ${how}${context.said ? `: ${context.said}` : ''}`, { context });
}
