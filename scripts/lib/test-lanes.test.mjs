import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const lanesModule = pathToFileURL(join(import.meta.dirname, 'test-lanes.mjs')).href;

test('lanes are one report: what failed is named, also a file that ends by itself, and the counts are of all', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'perch-lanes-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const head = "import { test } from 'node:test';\n";
  const good = file('good.mjs', `${head}test('good', () => {}); test('left out', { skip: true }, () => {});`);
  const bad = file('bad.mjs', `${head}test('bad', () => { throw new Error('said so'); });`);
  const gone = file('gone.mjs', 'process.exit(3);');
  const lanes = [
    { files: [good, gone], concurrency: 2 },
    { files: [bad], concurrency: 1 },
  ];
  const main = file(
    'main.mjs',
    `import { runLanes } from '${lanesModule}';
const { failed } = await runLanes(${JSON.stringify(lanes)}, 60_000);
console.log('failed: ' + failed.map((path) => path.replace(/.*\\//, '')).sort());`,
  );
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [main], { env });
  assert.match(stdout, /failed: bad\.mjs,gone\.mjs\n$/);
  for (const line of ['tests 4', 'pass 1', 'fail 2', 'skipped 1']) assert.match(stdout, new RegExp(`^ℹ ${line}$`, 'm'));
  assert.match(stdout, /Error: said so/);
});
