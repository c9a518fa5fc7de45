// Checks that need more than one file's syntax: lengths, READMEs, migrations, package.json and its lock, machine paths.

import { MAX_LINES } from './rules.ts';

/** A source tree: path from the repository's root -> text. */
export type Tree = ReadonlyMap<string, string>;

const isCode = (path: string) => /^(server|web|scripts|tools)\/.+\.(ts|tsx|mjs|js|css|sh|lua)$/.test(path);

/** Files of code that are too long. */
export function checkLengths(tree: Tree): string[] {
  const long: string[] = [];
  for (const [path, text] of tree) {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    if (isCode(path) && lines > MAX_LINES)
      long.push(`${path}: ${lines} lines, ${MAX_LINES} are allowed: split it by job`);
  }
  return long;
}

/** Folders of server/ with code but without a README.md; drivers each have their own too. */
export function checkReadmes(tree: Tree): string[] {
  const folders = new Set<string>();
  for (const path of tree.keys()) {
    const match = /^(server\/(?:drivers\/)?[^/]+)\/.*\.ts$/.exec(path);
    if (match?.[1]) folders.add(match[1]).add(match[1].split('/').slice(0, 2).join('/'));
  }
  return [...folders].filter((folder) => !tree.has(`${folder}/README.md`)).map((folder) => `${folder}: no README.md`);
}

const CONSTRAINT = /^(primary key|foreign key|unique|check|constraint)\b/i;

/** Columns of migrations without a comment, on their own line or on the line above. */
export function checkMigrations(tree: Tree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    if (!/^migrations\/.+\.sql$/.test(path)) continue;
    let inTable = false;
    let above = '';
    text.split('\n').forEach((raw, index) => {
      const line = raw.trim();
      const added = /^alter table .+ add column\b/i.test(line);
      const isColumn = inTable && /^["`[]?[a-z_]\w*/i.test(line) && !CONSTRAINT.test(line);
      if ((isColumn || added) && !/--\s*\S/.test(line) && !/^--\s*\S/.test(above)) {
        problems.push(`${path}:${index + 1}: a column without a comment: ${line}`);
      }
      if (/^create (temp )?(virtual )?table\b/i.test(line)) inTable = !line.replace(/--.*/, '').includes(';');
      else if (/^\).*;/.test(line)) inTable = false;
      above = line;
    });
  }
  return problems;
}

type LockEntry = { readonly resolved?: string; readonly integrity?: string; readonly link?: boolean };

/** Versions that are not exact; lock entries that name a registry or lack a checksum; a lock that differs. */
export function checkPackages(tree: Tree): string[] {
  const problems: string[] = [];
  const manifest = JSON.parse(tree.get('package.json') ?? '{}') as Record<string, Record<string, string> | undefined>;
  const lock = JSON.parse(tree.get('package-lock.json') ?? '{}') as { packages?: Record<string, LockEntry> };
  const root = (lock.packages?.[''] ?? {}) as Record<string, Record<string, string> | undefined>;
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']) {
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
      if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        problems.push(`package.json: ${name} is "${version}", not one version`);
      if (root[kind]?.[name] !== version)
        problems.push(`package-lock.json: ${name} is not ${version} as in package.json`);
    }
  }
  for (const [path, entry] of Object.entries(lock.packages ?? {})) {
    if (path === '') continue;
    if (entry.resolved !== undefined) problems.push(`package-lock.json: ${path} names an address`);
    if (entry.integrity === undefined) problems.push(`package-lock.json: ${path} has no checksum`);
  }
  if (!lock.packages) problems.push('package-lock.json is missing');
  return problems;
}

// Written in parts, so that this file does not find itself.
const MACHINE_PATH = new RegExp(`(?<![\\w.~-])/(${['work', 'farm', 'root', 'Users', 'home'].join('|')})/\\w`);

/** Paths of somebody's machine. */
export function checkMachinePaths(tree: Tree): string[] {
  const problems: string[] = [];
  for (const [path, text] of tree) {
    if (path === 'package-lock.json' || !MACHINE_PATH.test(text)) continue;
    text.split('\n').forEach((line, index) => {
      if (MACHINE_PATH.test(line))
        problems.push(`${path}:${index + 1}: a path of one machine: ${line.trim().slice(0, 100)}`);
    });
  }
  return problems;
}
