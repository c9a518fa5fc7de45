// Every regular expression of the server takes time in proportion to the text: each is run on texts made from itself, of
// doubled lengths. What grows faster is named here with the bound on its text.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createContext, Script } from 'node:vm';
import { pumpsOf, type RegexLiteral, regexLiterals } from './regex-source.ts';

const ROOT = new URL('../../', import.meta.url);
const [SHORT, LONG] = [2000, 8000];
/** Linear: 4. Squared: 16. */
const MAX_GROWTH = 8;
/** Below this a run says nothing about growth: a linear one takes some hundredths of it. */
const SLOW_MS = 8;
/** An exponential one would never end. */
const GIVE_UP_MS = 300;

const context = createContext({});
/** Milliseconds of one run, the best of a few; `Infinity` for one that does not end. */
function time(regex: RegExp, text: string, runs = 3): number {
  Object.assign(context, { regex, text });
  const script = new Script('regex.lastIndex = 0; regex.exec(text)');
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    try {
      script.runInContext(context, { timeout: GIVE_UP_MS });
    } catch {
      continue; // interrupted
    }
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

/** A text on which it takes more than its share, or `null`. */
function worst(literal: RegexLiteral): string | null {
  const regex = new RegExp(literal.source, literal.flags);
  for (const { prefix, pumps } of pumpsOf(literal)) {
    for (const pump of pumps) {
      const text = (length: number, end: string) => prefix + pump.repeat(Math.ceil(length / pump.length)) + end;
      for (const end of ['\u0000', `\n${pump}`]) {
        const long = text(LONG, end);
        if (time(regex, long, 1) < SLOW_MS) continue;
        const slow = time(regex, long, 2);
        if (slow < SLOW_MS) continue;
        if (slow === Number.POSITIVE_INFINITY) return `${JSON.stringify(prefix)} + ${JSON.stringify(pump)} x n: no end`;
        const quick = time(regex, text(SHORT, end));
        if (slow / quick > MAX_GROWTH)
          return `${JSON.stringify(prefix)} + ${JSON.stringify(pump)} x n: ${quick.toFixed(2)} ms, then ${slow.toFixed(2)} ms`;
      }
    }
  }
  return null;
}

/** Those that grow with the square, and why it does no harm: `file: why`, by source. */
const bounded: Readonly<Record<string, string>> = {
  '/#.*$/': 'net/camera-url: an address of at most 2,048 characters',
  '/-+$/': 'core/ids: a slug of at most MAX_SLUG_LENGTH characters',
  '/=+$/': 'base64 that was made here ends in two of them at most',
};

test('the search finds what is bad, and nothing in what is good', () => {
  const literal = (source: string) => ({ source, flags: '', line: 1 });
  for (const bad of ['^(a+)+$', '^(?:a|a)*$', '(x+x+)+y', '^a*a*$', '\\s+$', '^(?:[a-z]+-?)*!'])
    assert.ok(worst(literal(bad)), bad);
  for (const good of ['^[a-z]+$', '^(?:[a-z]+-)*[a-z]+$', '^a{1,64}$', 'x'])
    assert.equal(worst(literal(good)), null, good);
  const source =
    "const a = b / c; // '/x/\nconst d = [/a[/]b/g, `/$" + "{/q+/.source}/`, '/y/'].map((e) => /z\\/+/i.test(e));";
  assert.deepEqual(
    regexLiterals(source).map((each) => `${each.line} ${each.source} ${each.flags}`),
    ['2 a[/]b g', '2 q+ ', '2 z\\/+ i'],
  );
});

test('every regular expression of the server is linear, or works on a bounded text', () => {
  const files = globSync('server/**/*.ts', { cwd: ROOT }).filter(
    (file) => !/\.(test|soak)\.ts$|^server\/(test|bench|sim)\//.test(file),
  );
  const seen = new Map<string, string>();
  for (const file of files)
    for (const literal of regexLiterals(readFileSync(new URL(file, ROOT), 'utf8'))) {
      const key = `/${literal.source}/${literal.flags}`;
      if (seen.has(key)) continue;
      seen.set(key, `${file}:${literal.line}`);
      const slow = worst(literal);
      if (slow === null || bounded[key]) continue;
      assert.fail(`${file}:${literal.line} ${key} is not linear: ${slow}`);
    }
  assert.ok(seen.size > 100, `${seen.size} found`);
  assert.deepEqual(
    Object.keys(bounded).filter((key) => !seen.has(key)),
    [],
    'these are gone',
  );
});
