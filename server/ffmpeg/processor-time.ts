// What a process has taken from the processor so far.

import { readdirSync, readFileSync } from 'node:fs';

const NANOSECONDS = 1e9;

/**
 * Processor seconds of a process with all its threads that still run (`schedstat`; `stat` counts only 10 ms ticks).
 * @returns `null` when the process is gone, or the system does not tell (not Linux)
 */
export function processorSeconds(pid: number): number | null {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    );
    return threads.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / NANOSECONDS;
  } catch {
    return null;
  }
}
