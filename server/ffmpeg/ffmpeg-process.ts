// One running ffmpeg: bounded stderr, one report of its end, and a stop that always ends: end of input, SIGTERM, SIGKILL.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { type Clock, systemClock, type Timer } from '../core/clock.ts';
import { type Logger, silentLogger } from '../core/logger.ts';
import type { NvrError } from '../core/nvr-error.ts';
import { launch } from './fluent.ts';
import type { FfmpegJob } from './job.ts';
import { classifyExit, isInterrupted, redactText } from './stderr.ts';

/** How long ffmpeg has to finish its file after the end of its input. */
export const FINISH_MS = 3000;
/** How long it has after SIGTERM. */
export const TERM_MS = 1000;

/** How an ffmpeg ended. `error` is null when its output is whole. */
export type FfmpegExit = {
  readonly error: NvrError | null;
  /** It ended by SIGINT or SIGTERM: its output is whole, its input may not have been read to the end. */
  readonly interrupted: boolean;
  /** What it said, redacted and bounded. */
  readonly stderr: string;
};

/** Options of {@link FfmpegProcess.start}. */
export type FfmpegProcessOptions = {
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Every line of stderr, redacted. */
  readonly onLine?: (line: string) => void;
};

/** A running ffmpeg. `exited` always resolves; await `stop()` to be rid of it. */
export class FfmpegProcess implements AsyncDisposable {
  /** Feed it here; `null` when the job reads a file. */
  readonly stdin: Writable | null;
  /** Read it to the end; `null` when the job writes a file. */
  readonly stdout: Readable | null;
  /** Resolves once, when the process is gone; never rejects. */
  readonly exited: Promise<FfmpegExit>;
  readonly #clock: Clock;
  #process: ChildProcess | null = null;
  #exit: FfmpegExit | null = null;
  #pendingSignal: NodeJS.Signals | null = null;
  #stopping: Promise<FfmpegExit> | null = null;

  /** Starts ffmpeg. Never throws: a missing ffmpeg is an exit with `unavailable`. */
  static start(job: FfmpegJob, options: FfmpegProcessOptions = {}): FfmpegProcess {
    return new FfmpegProcess(job, options);
  }

  private constructor(job: FfmpegJob, { clock = systemClock, log = silentLogger, onLine }: FfmpegProcessOptions) {
    this.#clock = clock;
    let resolveExit: (exit: FfmpegExit) => void = () => {};
    this.exited = new Promise((resolve) => {
      resolveExit = resolve;
    });
    const { stdin, stdout } = launch(job, {
      onProcess: (process) => {
        this.#process = process;
        if (this.#pendingSignal) process.kill(this.#pendingSignal);
      },
      onLine: (line) => {
        const text = redactText(line);
        log.debug({ said: text }, 'ffmpeg says');
        onLine?.(text);
      },
      onEnd: (raw, spawnError) => {
        const { exitCode = null, signalCode = null } = this.#process ?? {};
        const end = {
          code: exitCode,
          signal: signalCode,
          stderr: raw,
          ...(spawnError === undefined ? {} : { spawnError }),
        };
        this.#exit = { error: classifyExit(end), interrupted: isInterrupted(end), stderr: redactText(raw) };
        this.stdin?.destroy();
        if (this.stdout && !this.#process) this.stdout.push(null);
        resolveExit(this.#exit);
      },
    });
    this.stdin = stdin;
    this.stdout = stdout;
  }

  /** The process id; `null` before the spawn and when it failed. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** How it ended, or `null` while it runs. */
  get exit(): FfmpegExit | null {
    return this.#exit;
  }

  /**
   * Writes to stdin. Resolves when ffmpeg can take more: a caller that waits never queues more than one write.
   * Resolves also when ffmpeg is gone; look at `exit`.
   */
  async write(...chunks: readonly Uint8Array[]): Promise<void> {
    const { stdin } = this;
    if (!stdin || this.#exit || stdin.destroyed || stdin.writableEnded) return;
    let room = true;
    stdin.cork();
    for (const chunk of chunks) room = stdin.write(chunk);
    stdin.uncork();
    if (!room) await Promise.race([once(stdin, 'drain').catch(() => {}), this.exited]);
  }

  /** Ends it in three steps; resolves when it is gone, whatever it does. Calling it again waits for the same end. */
  stop(finishMs = FINISH_MS): Promise<FfmpegExit> {
    this.#stopping ??= this.#stop(finishMs);
    return this.#stopping;
  }

  /** SIGTERM, now: it ends its output without reading the rest of its input. */
  interrupt(): void {
    this.stdin?.end();
    this.#signal('SIGTERM');
  }

  /** SIGKILL, now. */
  kill(): Promise<FfmpegExit> {
    this.#signal('SIGKILL');
    return this.exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop().then(() => {});
  }

  async #stop(finishMs: number): Promise<FfmpegExit> {
    if (this.stdin) {
      this.stdin.end();
      if (await this.#endsWithin(finishMs)) return this.exited;
    }
    this.#signal('SIGTERM');
    if (await this.#endsWithin(TERM_MS)) return this.exited;
    return this.kill();
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#exit) return;
    if (this.#process) this.#process.kill(signal);
    else this.#pendingSignal = signal;
  }

  async #endsWithin(delayMs: number): Promise<boolean> {
    let timer: Timer | null = null;
    const late = new Promise<boolean>((resolve) => {
      timer = this.#clock.after(delayMs, () => resolve(false));
    });
    const ended = await Promise.race([this.exited.then(() => true), late]);
    (timer as Timer | null)?.cancel();
    return ended;
  }
}
