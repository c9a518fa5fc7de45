import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nestsDeeper } from './bodies.ts';

test('depth counts brackets outside of strings', () => {
  const table: [string, number, boolean][] = [
    ['{}', 1, false],
    ['{"a":{}}', 1, true],
    ['[{},{},{}]', 2, false],
    ['{"a":"[[[[[["}', 1, false],
    ['{"a\\"[[[":1}', 1, false],
    ['{"a\\\\":[]}', 1, true],
    ['"[[[', 0, false],
    ['"\\', 0, false],
    ['', 0, false],
    [']]]]{', 0, false],
    ['['.repeat(10_000), 32, true],
  ];
  for (const [json, limit, expected] of table) assert.equal(nestsDeeper(json, limit), expected, json.slice(0, 40));
});
