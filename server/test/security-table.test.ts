// docs/security-tests.md names the test of every promise: those tests exist, under these names.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

test('every promise of the table has a test, and every test that it names exists', () => {
  const rows = read('docs/security-tests.md')
    .split('\n')
    .filter((line) => /^\| (?!Promise)/.test(line));
  assert.ok(rows.length > 45, String(rows.length));
  let named = 0;
  for (const row of rows) {
    for (const [, file, title] of row.matchAll(/`([\w/-]+\.test\.m?[jt]s)`: (.+?)(?=; `| \|)/g)) {
      const path = ['server/', ''].map((folder) => folder + file).find((each) => existsSync(new URL(each, ROOT)));
      assert.ok(path, `${file} does not exist`);
      const found = read(path).replaceAll("\\'", "'");
      assert.ok(found.includes(title!), `${file} has no test "${title}"`);
      named++;
    }
    assert.match(row, /\.test\.m?[jt]s`|npm run/, row);
  }
  assert.ok(named > 60, String(named));
});
