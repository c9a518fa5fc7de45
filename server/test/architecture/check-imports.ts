// Checks one source file against the tables of rules.ts.

import { posix } from 'node:path';
import { callsOnlyHere, commands, ladder, onlyHere } from './rules.ts';
import { type ImportFact, sourceFacts } from './source-facts.ts';

/** What the checks need to know about package.json. */
export type Packages = { readonly dependencies: ReadonlySet<string>; readonly all: ReadonlySet<string> };

const isTest = (path: string) => /\.test\.tsx?$/.test(path) || /^server\/(test|bench)\//.test(path);

/** The row of a path under server/: its folder, or its own name for a file beside the folders; a test shares its file's. */
const rowOf = (path: string) => (path.split('/')[1] ?? '').replace(/\.test\.ts$/, '.ts');

/** `a/*` and `a/*\/wire.ts` patterns of the ladder against a path without `server/`. */
function allows(pattern: string, target: string): boolean {
  if (pattern === '*') return true;
  if (!pattern.includes('*')) return target === pattern || target.startsWith(`${pattern}/`);
  return new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`).test(target);
}

/** Every rule that this file of server/ breaks, as `path:line: what`. */
export function checkServerFile(path: string, source: string, packages: Packages): string[] {
  const problems: string[] = [];
  const row = rowOf(path);
  const own = ladder[row];
  if (!own) return [`${path}: "${row}" has no row in the ladder`];
  const test = isTest(path);
  const { imports, calls } = sourceFacts(path, source);

  for (const each of imports) {
    const say = (text: string) => problems.push(`${path}:${each.line}: ${text}`);
    if (each.specifier === '(computed)') {
      if (!test) say('imports a computed name; nobody can check it');
    } else if (each.specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(path), each.specifier);
      if (!/\.(ts|sql|json)$/.test(target)) say(`${each.specifier} lacks its .ts`);
      if (!test && isTest(target)) say(`${target} is for tests only`);
      else if (!test && !isEdge(path, target, [row, ...own])) say(`${row} may not import ${target}`);
    } else if (!test) {
      problems.push(...checkModule(path, row, each, packages));
    }
  }
  if (test) return problems;
  for (const { name, line } of calls) {
    const rule = callsOnlyHere.find((candidate) => candidate.name.test(name));
    if (!rule || rule.rows.includes(row)) continue;
    if (name.startsWith('console.') && commands.test(path)) continue;
    problems.push(`${path}:${line}: ${name}() is allowed only in ${rule.rows.join(', ') || 'commands'}`);
  }
  return problems;
}

function isEdge(path: string, target: string, allowed: readonly string[]): boolean {
  if (!target.startsWith('server/')) return false;
  // A command is a small composition root: it may put the rows together, never the other way round.
  if (commands.test(path)) return true;
  if (commands.test(target)) return false;
  return allowed.some((pattern) => allows(pattern, target.slice('server/'.length)));
}

function checkModule(path: string, row: string, each: ImportFact, packages: Packages): string[] {
  const { specifier, names, typeOnly, line } = each;
  const at = `${path}:${line}: `;
  const rule = onlyHere.find((candidate) => candidate.modules.test(specifier));
  if (rule && !rule.rows.includes(row)) {
    const pure = names.length > 0 && names.every((name) => rule.pure?.includes(name));
    if (!pure && !(typeOnly && rule.typesFree)) return [`${at}${specifier} belongs in ${rule.rows.join(', ')}`];
  }
  if (specifier.startsWith('node:')) return [];
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const known = typeOnly ? packages.all : packages.dependencies;
  return known.has(name) ? [] : [`${at}${name} is not among package.json's dependencies`];
}

/** Every rule that this file of web/ breaks: from the server it may take only types of the schemas; one file fetches. */
export function checkWebFile(path: string, source: string): string[] {
  if (/\.test\.tsx?$/.test(path)) return [];
  const problems: string[] = [];
  const { imports, calls } = sourceFacts(path, source);
  for (const { specifier, typeOnly, line } of imports) {
    if (specifier.startsWith('node:')) problems.push(`${path}:${line}: ${specifier} does not exist in a browser`);
    if (!specifier.startsWith('.')) continue;
    const target = posix.join(posix.dirname(path), specifier);
    if (target.startsWith('web/')) continue;
    if (!(typeOnly && target.startsWith('server/http/schemas/'))) {
      problems.push(`${path}:${line}: web may import only types of server/http/schemas, not ${target}`);
    }
  }
  for (const { name, line } of calls) {
    if (/^((window|globalThis)\.)?fetch$/.test(name) && path !== 'web/src/api.ts') {
      problems.push(`${path}:${line}: only web/src/api.ts calls fetch`);
    }
    if (name.startsWith('console.')) problems.push(`${path}:${line}: ${name}()`);
  }
  return problems;
}
