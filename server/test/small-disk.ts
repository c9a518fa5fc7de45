// A small file system of its own for tests of full, missing and read-only disks: a tmpfs, where the machine lets us.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const mount = (...args: string[]) => execFileSync('mount', args, { stdio: 'pipe' });

/** Why there can be none here, or `false`: for a test's `skip`. */
export const noSmallDisk: string | false = (() => {
  if (process.platform !== 'linux') return 'a tmpfs needs Linux';
  if (process.getuid?.() !== 0) return 'mounting needs root';
  const probe = mkdtempSync(join(tmpdir(), 'perch-mount-'));
  try {
    mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe);
    execFileSync('umount', [probe], { stdio: 'pipe' });
    return false;
  } catch {
    return 'this machine does not let us mount a tmpfs';
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
})();

/** Mounts a tmpfs on a folder that exists; it is gone after the test. */
export function mountSmallDisk(t: TestContext, folder: string, megabytes: number) {
  mount('-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder);
  const unmount = (at: string) => execFileSync('umount', ['-l', at], { stdio: 'pipe' });
  const places = [folder];
  t.after(() => {
    for (const place of places.toReversed()) {
      // Once for each time it was mounted there, until there is nothing.
      for (let more = true; more; ) {
        try {
          unmount(place);
        } catch {
          more = false;
        }
      }
      if (place !== folder) rmSync(place, { recursive: true, force: true });
    }
  });
  return {
    remount: (mode: 'ro' | 'rw') => mount('-o', `remount,${mode}`, folder),
    /** Takes the disk away from its place, as a pulled cable does; what is on it stays. */
    takeAway() {
      const away = mkdtempSync(join(tmpdir(), 'perch-away-'));
      places.push(away);
      mount('--bind', folder, away);
      unmount(folder);
    },
    bringBack() {
      mount('--bind', places.at(-1)!, folder);
    },
  };
}
