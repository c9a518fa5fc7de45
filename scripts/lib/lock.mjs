// One preparation at a time per checkout. A lock is a numbered file in .prepare; the highest number counts, and the number
// only grows: a dead holder is passed by taking the next number, so nothing that counts is ever deleted and two processes
// that find the same dead holder cannot both win.

import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MS = 100;
const NAME = /^lock-(\d{1,9})$/;

/** A process's start time in clock ticks since boot, so that a reused pid is not taken for its holder; '' where unknown. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name (field 2) may hold spaces and brackets; start time is field 22.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function isAlive({ pid, start }) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  return start === startOf(pid);
}

function readHolder(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}

const numbers = (folder) =>
  readdirSync(folder)
    .map((name) => Number(NAME.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);

/** Puts `text` at `file` whole or not at all; false when the file is there already. */
function createWhole(folder, file, text) {
  const draft = join(folder, `draft-${process.pid}`);
  writeFileSync(draft, text);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/**
 * Waits for the lock of a checkout and takes it; the lock of a killed process is taken over.
 * @param {string} root
 * @param {(pid: number) => void} onWait told once per holder
 * @returns {Promise<{ release(): void }>}
 */
export async function acquireLock(root, onWait = () => {}) {
  const folder = join(root, '.prepare');
  mkdirSync(folder, { recursive: true });
  const me = JSON.stringify({ pid: process.pid, start: startOf(process.pid) });
  let told = 0;
  for (;;) {
    const newest = numbers(folder).at(-1) ?? 0;
    const holder = newest > 0 ? readHolder(join(folder, `lock-${newest}`)) : {};
    if (isAlive(holder)) {
      if (told !== holder.pid) onWait(holder.pid);
      told = holder.pid;
      await sleep(WAIT_MS);
      continue;
    }
    const mine = newest + 1;
    const file = join(folder, `lock-${mine}`);
    if (!createWhole(folder, file, me)) continue;
    const all = numbers(folder);
    if (all.at(-1) !== mine) {
      unlinkSync(file); // we slept while others went further: ours never counted
      continue;
    }
    for (const number of all) if (number < mine) unlinkQuietly(join(folder, `lock-${number}`));
    return {
      release() {
        const draft = join(folder, `draft-${process.pid}`);
        writeFileSync(draft, '{}');
        renameSync(draft, file); // free, but the number stays
      },
    };
  }
}

function unlinkQuietly(file) {
  try {
    unlinkSync(file);
  } catch {
    // another holder's cleaning was quicker
  }
}
