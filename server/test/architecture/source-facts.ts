// What a source file imports and calls, read from its syntax tree: `import type`, re-exports, `import('x').T` and dynamic
// imports are all there, unlike in what type stripping leaves.

import { parseSync } from 'vite';

/** One import, of whatever form. `names` are the imported names; empty means the whole module. */
export type ImportFact = {
  readonly specifier: string;
  readonly names: readonly string[];
  readonly typeOnly: boolean;
  readonly line: number;
};

/** A call or `new` of a plain or dotted name. */
export type CallFact = { readonly name: string; readonly line: number };

/** Imports and calls of one file. */
export type SourceFacts = { readonly imports: ImportFact[]; readonly calls: CallFact[] };

type Node = { readonly type: string; readonly start: number; readonly [key: string]: unknown };

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

function* walk(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child);
  }
}

/** `a`, `a.b`, `a.b.c`; null for anything computed. */
function dottedName(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === 'Identifier') return String(node.name);
  if (node.type !== 'MemberExpression' || node.computed === true) return null;
  const object = dottedName(node.object);
  const property = dottedName(node.property);
  return object && property && `${object}.${property}`;
}

function moduleName(node: unknown): string {
  const value = isNode(node) ? node.value : undefined;
  return typeof value === 'string' ? value : '(computed)';
}

function namesOf(node: Node): { names: string[]; typeOnly: boolean } {
  const specifiers = (Array.isArray(node.specifiers) ? node.specifiers : []).filter(isNode);
  const kind = (each: Node) => each.importKind === 'type' || each.exportKind === 'type';
  return {
    names: specifiers.map((each) => dottedName(each.imported ?? each.local) ?? '*'),
    typeOnly: kind(node) || (specifiers.length > 0 && specifiers.every(kind)),
  };
}

/** @throws Error when the file cannot be parsed */
export function sourceFacts(path: string, source: string): SourceFacts {
  const parsed = parseSync(path, source);
  if (parsed.errors.length > 0) throw new Error(`${path}: ${parsed.errors[0]?.message}`);
  const facts: SourceFacts = { imports: [], calls: [] };
  const lineOf = (node: Node) => source.slice(0, node.start).split('\n').length;
  for (const node of walk(parsed.program as unknown as Node)) {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        if (node.source)
          facts.imports.push({ specifier: moduleName(node.source), ...namesOf(node), line: lineOf(node) });
        break;
      case 'ImportExpression':
        facts.imports.push({ specifier: moduleName(node.source), names: [], typeOnly: false, line: lineOf(node) });
        break;
      case 'TSImportType':
        facts.imports.push({ specifier: moduleName(node.source), names: [], typeOnly: true, line: lineOf(node) });
        break;
      case 'TSExternalModuleReference':
        facts.imports.push({ specifier: moduleName(node.expression), names: [], typeOnly: false, line: lineOf(node) });
        break;
      case 'CallExpression':
      case 'NewExpression': {
        const name = dottedName(node.callee);
        if (name) facts.calls.push({ name, line: lineOf(node) });
        break;
      }
    }
  }
  return facts;
}
