// Runs one command of the preparation and ends it when the preparation itself is told to end.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

const PARENT_CHECK_MS = 200;
const KEPT_OUTPUT = 16_000;
/** Read at once: the shell may die at any moment. */
const parent = process.ppid;

/** Something a person has to see to; its message is one line. */
export class PrepareError extends Error {
  exitCode;

  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @returns {never} */
export function cannotPrepare(message, exitCode) {
  throw new PrepareError(message, exitCode);
}

/**
 * Runs a command to its end. Its output is kept and shown only when it fails.
 * A SIGINT, SIGTERM or SIGHUP, or the death of our parent shell (npm ends only the shell), ends the command and with it
 * the preparation. `uninterrupted` (apt-get: dpkg must not be left half way) lets the command finish first.
 * @param {{ what: string, env?: NodeJS.ProcessEnv, uninterrupted?: boolean }} options
 */
export function run(command, args, { what, env = process.env, uninterrupted = false }) {
  return new Promise((resolve, reject) => {
    // A process group of its own: a signal of ours reaches what the command started, a Ctrl-C of the terminal only us.
    const plain = process.stderr.isTTY ? {} : { NO_COLOR: '1' };
    const options = { cwd: root, env: { ...env, ...plain }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] };
    const child = spawn(command, args, options);
    let output = '';
    const keep = (bytes) => {
      output = (output + bytes).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);

    let endedBy = null;
    const end = (signal) => {
      if (endedBy) return;
      endedBy = signal;
      if (uninterrupted) return void process.stderr.write(`perch: ending as soon as ${what} is done\n`);
      try {
        process.kill(-child.pid, 'SIGTERM');
      } catch {
        // already gone
      }
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, end);
    const watch = setInterval(() => process.ppid !== parent && end('SIGTERM'), PARENT_CHECK_MS);
    const settle = () => {
      clearInterval(watch);
      for (const signal of signals) process.off(signal, end);
    };

    child.on('error', (error) => {
      settle();
      reject(new PrepareError(`${what} could not be run: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      settle();
      if (endedBy) return reject(new PrepareError('ended before it was ready', 128 + constants.signals[endedBy]));
      if (code === 0) return resolve();
      process.stderr.write(output);
      reject(new PrepareError(`${what} failed (${signal ?? `exit code ${code}`}); its output is above`));
    });
  });
}
