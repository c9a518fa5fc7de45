// The web page: built with vite when a source changed. A stamp holds name, size and time of every source.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cannotPrepare, run } from './run.mjs';

const NOT_SOURCES = new Set(['dist', 'node_modules']);
const stampFile = (root) => join(root, '.prepare/web-stamp');

function describeTree(folder, name = '') {
  const lines = [];
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!NOT_SOURCES.has(entry.name)) lines.push(...describeTree(path, `${name}${entry.name}/`));
    } else lines.push(describeFile(path, name + entry.name));
  }
  return lines;
}

function describeFile(path, name) {
  const { size, mtimeMs } = statSync(path);
  return `${name} ${size} ${mtimeMs}`;
}

/** What the built page was made from. The lock file stands for vite and the libraries. */
const describeSources = (root) =>
  [...describeTree(join(root, 'web')), describeFile(join(root, 'package-lock.json'), 'lock')].join('\n');

/** Whether web/dist was built from the sources as they are now. */
export function webReady(root) {
  try {
    return (
      existsSync(join(root, 'web/dist/index.html')) && readFileSync(stampFile(root), 'utf8') === describeSources(root)
    );
  } catch {
    return false;
  }
}

/** Builds beside web/dist and swaps, so that a running server or a failed build never leaves half a page. */
export async function buildWeb({ root, say }) {
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const dist = join(root, 'web/dist');
  if (!existsSync(vite)) {
    if (existsSync(join(dist, 'index.html')))
      return say('web/dist is not known to be up to date, and vite is not installed: using it as it is');
    cannotPrepare(
      'web/dist is missing and vite is not installed, so the page cannot be built. Run: npm ci --ignore-scripts --include=dev && npm rebuild node',
    );
  }
  const next = join(root, '.prepare/web-next');
  const old = join(root, '.prepare/web-old');
  const pinned = join(root, 'node_modules/.bin/node');
  const sources = describeSources(root); // before the build: a change during it must build again
  say('building the web page');
  mkdirSync(join(root, '.prepare'), { recursive: true });
  for (const folder of [next, old]) rmSync(folder, { recursive: true, force: true });
  const args = [
    vite,
    'build',
    '--config',
    join(root, 'web/vite.config.ts'),
    '--outDir',
    next,
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ];
  await run(existsSync(pinned) ? pinned : process.execPath, args, { what: 'vite build' });
  if (!existsSync(join(next, 'index.html'))) cannotPrepare('vite build ended well but made no index.html');
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(next, dist);
  rmSync(old, { recursive: true, force: true });
  writeFileSync(stampFile(root), sources);
}
