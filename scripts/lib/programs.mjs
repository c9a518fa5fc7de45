// Programs that do not come from npm: ffmpeg to run, a browser and other clients to test.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cannotPrepare, run } from './run.mjs';

/** `commands`: all must be there. `debian`: the packages that bring them. */
const TO_RUN = [
  { commands: ['ffmpeg', 'ffprobe'], debian: ['ffmpeg'] },
  { commands: ['setpriv'], debian: ['util-linux'], linuxOnly: true },
];
const TO_TEST = [
  { commands: ['chromium'], debian: ['chromium'] },
  // The programs that the README promises URLs for; `npm test` reads the media with each of them.
  { commands: ['curl'], debian: ['curl'] },
  { commands: ['openssl'], debian: ['openssl'] },
  { commands: ['sox'], debian: ['sox'] },
  { commands: ['motion'], debian: ['motion'] },
  { commands: ['cvlc'], debian: ['vlc-bin', 'vlc-plugin-base'] },
];

/** Absolute path of a command on PATH, or null. */
function which(command) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      const file = join(folder, command);
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not in this folder
    }
  }
  return null;
}

/** The programs that are not on PATH. */
export function missingPrograms({ forTests }) {
  const needed = forTests ? [...TO_RUN, ...TO_TEST] : TO_RUN;
  return needed.filter(
    ({ commands, linuxOnly }) =>
      !(linuxOnly && process.platform !== 'linux') && !commands.every((command) => which(command)),
  );
}

/** Gets what is missing with apt-get where that can be done, else ends with one line that says what is missing and how. */
export async function installPrograms({ forTests, mayInstall, say }) {
  const missing = missingPrograms({ forTests });
  const names = missing.flatMap(({ commands }) => commands.filter((command) => !which(command))).join(', ');
  const packages = missing.flatMap(({ debian }) => debian);
  const are = names.includes(',') ? 'are' : 'is';
  const hasApt = which('apt-get') !== null;
  const isRoot = process.getuid?.() === 0;
  if (!mayInstall || !hasApt || !isRoot) {
    const why = !mayInstall ? ', and PERCH_NO_INSTALL is set' : hasApt ? ', and only root may install it here' : '';
    const how = hasApt
      ? `Run: ${isRoot ? '' : 'sudo '}apt-get install -y ${packages.join(' ')}`
      : process.platform === 'darwin'
        ? `Run: brew install ${packages.join(' ')}`
        : `Install it with your system's package manager (Debian's name${packages.length > 1 ? 's' : ''}: ${packages.join(', ')}).`;
    cannotPrepare(`${names} ${are} missing${why}. ${how}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Another apt (unattended upgrades) may hold dpkg's lock for a while.
  const apt = (args) =>
    run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      what: `apt-get ${args[0]}`,
      env,
      uninterrupted: true,
    });
  say(`${names} ${are} missing; running: apt-get install ${packages.join(' ')}`);
  await apt(['update']);
  await apt(['install', '-y', '--no-install-recommends', ...packages]);
  const still = missingPrograms({ forTests });
  if (still.length > 0)
    cannotPrepare(`${still[0].commands[0]} is still missing after apt-get installed ${packages.join(' ')}.`);
}
