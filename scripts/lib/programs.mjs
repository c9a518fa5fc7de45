// Programs that do not come from npm: ffmpeg to run, a browser and other clients to test.

import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cannotPrepare, run } from './run.mjs';

/**
 * `commands`: all must be there. `debian`: the packages that bring them. `optional`: tests that want them are skipped,
 * and say so, where they cannot be had. Without commands, Debian's list of installed packages is asked.
 */
const TO_RUN = [
  { commands: ['ffmpeg', 'ffprobe'], debian: ['ffmpeg'] },
  { commands: ['setpriv'], debian: ['util-linux'], linuxOnly: true },
];
const TO_TEST = [
  { commands: ['chromium'], debian: ['chromium'] },
  { commands: ['openssl'], debian: ['openssl'], optional: true },
  // The programs that the README promises URLs for; `npm test` reads the media with each of them.
  { commands: ['curl'], debian: ['curl'], optional: true },
  { commands: ['sox'], debian: ['sox'], optional: true },
  { commands: ['motion'], debian: ['motion'], optional: true },
  { commands: ['cvlc'], debian: ['vlc-bin', 'vlc-plugin-base'], optional: true },
  // An RTSP server that is not ours.
  {
    commands: [],
    debian: [
      ...['gir1.2-gst-rtsp-server-1.0', 'python3-gi', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-bad'],
      ...['gstreamer1.0-plugins-ugly', 'gstreamer1.0-libav'],
    ],
    optional: true,
  },
  // With it, a WebRTC client.
  { commands: [], debian: ['gstreamer1.0-nice', 'gir1.2-gst-plugins-bad-1.0'], optional: true },
];
const DPKG_LISTS = '/var/lib/dpkg/info';

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

/** Whether Debian has installed all these packages; other systems are not asked. */
function hasPackages(names) {
  if (!existsSync(DPKG_LISTS)) return true;
  const lists = new Set(readdirSync(DPKG_LISTS).map((file) => file.replace(/(:\w+)?\.list$/, '')));
  return names.every((name) => lists.has(name));
}

/** What is not there, of what this run needs or would like. */
export function missingPrograms({ forTests }) {
  const needed = forTests ? [...TO_RUN, ...TO_TEST] : TO_RUN;
  return needed.filter(({ commands, debian, linuxOnly }) => {
    if (linuxOnly && process.platform !== 'linux') return false;
    return commands.length > 0 ? !commands.every((command) => which(command)) : !hasPackages(debian);
  });
}

const namesOf = (missing) =>
  missing.flatMap(({ commands, debian }) =>
    commands.length > 0 ? commands.filter((command) => !which(command)) : debian.slice(0, 1),
  );

/** Gets what is missing with apt-get where that can be done, else ends with one line that says what is missing and how. */
export async function installPrograms({ forTests, mayInstall, say }) {
  const missing = missingPrograms({ forTests });
  const names = namesOf(missing);
  const packages = missing.flatMap(({ debian }) => debian);
  const are = names.length > 1 ? 'are' : 'is';
  const hasApt = which('apt-get') !== null;
  const isRoot = process.getuid?.() === 0;
  if (!mayInstall || !hasApt || !isRoot) {
    if (missing.every(({ optional }) => optional)) {
      return say(`${names.join(', ')} ${are} missing: tests that use them are skipped`);
    }
    const why = !mayInstall ? ', and PERCH_NO_INSTALL is set' : hasApt ? ', and only root may install it here' : '';
    const how = hasApt
      ? `Run: ${isRoot ? '' : 'sudo '}apt-get install -y ${packages.join(' ')}`
      : process.platform === 'darwin'
        ? `Run: brew install ${packages.join(' ')}`
        : `Install it with your system's package manager (Debian's name${packages.length > 1 ? 's' : ''}: ${packages.join(', ')}).`;
    cannotPrepare(`${names.join(', ')} ${are} missing${why}. ${how}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Another apt (unattended upgrades) may hold dpkg's lock for a while.
  const apt = (args) =>
    run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      what: `apt-get ${args[0]}`,
      env,
      uninterrupted: true,
    });
  say(`${names.join(', ')} ${are} missing; running: apt-get install ${packages.join(' ')}`);
  await apt(['update']);
  await apt(['install', '-y', '--no-install-recommends', ...packages]);
  const still = missingPrograms({ forTests });
  if (still.length > 0) {
    cannotPrepare(`${namesOf(still).join(', ')} still missing after apt-get installed ${packages.join(' ')}.`);
  }
}
