// npm's packages: are they the ones of package-lock.json, and installing them without running their scripts.

import { accessSync, constants, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cannotPrepare, run } from './run.mjs';

const readJson = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
};

/** The Node that the program runs on is itself a package, because a machine's own may be too old. */
const pinnedNode = (root) => join(root, 'node_modules/node/bin/node');

/** Whether `entry` of a lock file is a prebuilt binary for this machine: optional to npm, but nothing runs without it. */
function isForThisMachine(entry) {
  const suits = (list, mine) => list === undefined || list.includes(mine);
  return entry.os?.includes(process.platform) && suits(entry.cpu, process.arch) && suits(entry.libc, 'glibc');
}

/**
 * Whether node_modules holds what package-lock.json says. npm writes what it installed into a hidden lock file, last of
 * all, and removes it first: comparing the two needs no stamp of ours and cannot be fooled by a killed `npm ci`.
 */
export function packagesReady({ root, withDev }) {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages;
  const installed = readJson(join(root, 'node_modules/.package-lock.json'))?.packages;
  if (!wanted || !installed) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || (entry.dev && !withDev) || (entry.optional && !isForThisMachine(entry))) continue;
    const found = installed[path];
    if (found?.version !== entry.version || found.integrity !== entry.integrity) return false;
  }
  const direct = wanted[''];
  const names = Object.keys({ ...direct.dependencies, ...(withDev ? direct.devDependencies : {}) });
  if (!names.every((name) => existsSync(join(root, 'node_modules', name, 'package.json')))) return false;
  return hasNode(root, wanted, withDev);
}

function hasNode(root, wanted, withDev) {
  const version = wanted['node_modules/node']?.version ?? '';
  if (!withDev && !existsSync(join(root, 'node_modules/.bin/node'))) {
    return Number(process.versions.node.split('.')[0]) >= Number(version.split('.')[0]);
  }
  try {
    accessSync(join(root, 'node_modules/.bin/node'), constants.X_OK);
    return statSync(pinnedNode(root)).size > 0;
  } catch {
    return false;
  }
}

/** The machine's own Node and npm: the pinned ones are removed while packages are installed. */
function machineTools(root) {
  const bin = join(root, 'node_modules');
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(bin));
  const node = folders.map((folder) => join(folder, 'node')).find((file) => existsSync(file));
  const npm = process.env.npm_execpath;
  const env = { ...process.env, PATH: folders.join(delimiter) };
  if (node && npm?.endsWith('.js') && existsSync(npm)) return { command: node, first: [npm], env };
  return { command: 'npm', first: [], env };
}

/** Installs with the lock file's versions. `npm rebuild node` is the one install script that runs: it fetches Node. */
export async function installPackages({ root, mayInstall, say }) {
  if (!mayInstall) {
    cannotPrepare(
      'the npm packages are missing or not those of package-lock.json, and PERCH_NO_INSTALL is set. Run: npm ci --ignore-scripts && npm rebuild node',
    );
  }
  const { command, first, env } = machineTools(root);
  const npm = (args, what) => run(command, [...first, ...args], { what, env });
  say('installing packages (npm ci; a minute or so the first time)');
  await npm(['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'], 'npm ci');
  say('getting the pinned Node (npm rebuild node)');
  await npm(['rebuild', 'node'], 'npm rebuild node');
  if (!packagesReady({ root, withDev: true })) {
    cannotPrepare(
      'npm ended well, but node_modules is still not what package-lock.json says. Remove node_modules and start again.',
    );
  }
  // What run.sh keeps is of no use to another Node or other packages, and would only grow.
  rmSync(join(root, '.prepare/compile-cache'), { recursive: true, force: true });
  await run(pinnedNode(root), ['--version'], { what: 'the pinned Node' });
}
