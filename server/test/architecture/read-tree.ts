// Reads the checkout's text files from disk (no git: a source archive has none).

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tree } from './check-tree.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const NOT_OURS = new Set(['node_modules', '.git', 'dist', 'data', '.prepare', 'captures', '.vscode', '.idea']);
const TEXT =
  /\.(ts|tsx|mjs|js|css|html|json|md|sql|sh|yml|yaml|lua|toml|svg)$|(^|\/)(Dockerfile|LICENSE|run|\.[a-z]+)$/;

/** Every text file of the checkout that is ours. */
export function readTree(): Tree {
  const tree = new Map<string, string>();
  const read = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!NOT_OURS.has(entry.name)) read(path);
      } else if (entry.isFile() && TEXT.test(path) && path !== 'bench-results.json') {
        tree.set(path, readFileSync(join(root, path), 'utf8'));
      }
    }
  };
  read('');
  return tree;
}
