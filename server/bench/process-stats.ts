// What the kernel knows about a process. Linux only.

import { readdirSync, readFileSync } from 'node:fs';
import { processorSeconds } from '../ffmpeg/processor-time.ts';

/** Processor seconds of all threads since their start. @throws Error when the process is gone */
export function cpuSeconds(pid: number): number {
  const seconds = processorSeconds(pid);
  if (seconds === null) throw new Error(`The kernel tells nothing of process ${pid}`);
  return seconds;
}

/** Resident memory now. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

/** Processes of that name that a process has started and that still run. */
export function childrenOf(parent: number, name: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const [, comm, ppid] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return comm === name && Number(ppid) === parent;
      } catch {
        return false; // gone meanwhile
      }
    });
}

/** The middle and the tail of a list of figures; it is sorted in place. */
export function percentile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}

/** Waits on the real clock: benchmarks are the one place where that is the point. */
export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
