// The bill of materials and the audit step of CI.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { judge } from './audit.mjs';
import { makeSbom } from './sbom.mjs';

const lockText = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

test('the bill lists everything that runs, with version and checksum, and what needs what', () => {
  const { packages } = JSON.parse(lockText);
  const sbom = makeSbom(manifest, lockText);
  assert.equal(sbom.bomFormat, 'CycloneDX');
  assert.match(sbom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const refs = new Set(sbom.components.map((component) => component['bom-ref']));
  assert.equal(refs.size, sbom.components.length);
  for (const [path, { dev, version }] of Object.entries(packages)) {
    if (path === '' || dev) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 13);
    assert.ok(refs.has(`pkg:npm/${name.replace('@', '%40')}@${version}`), path);
  }
  for (const { name, hashes } of sbom.components) assert.match(hashes[0]?.content ?? '', /^[0-9a-f]{40,128}$/, name);
  const own = sbom.dependencies.find(({ ref }) => ref === sbom.metadata.component['bom-ref']);
  assert.equal(own.dependsOn.length, Object.keys(manifest.dependencies).length);
  for (const { dependsOn } of sbom.dependencies) for (const ref of dependsOn) assert.ok(refs.has(ref), ref);
  assert.deepEqual(makeSbom(manifest, lockText), sbom, 'the same bytes each time');
  assert.ok(makeSbom(manifest, lockText, { dev: true }).components.length > sbom.components.length);
});

test('the audit step says "not checked" when the registry has no answer, and fails for high holes only', () => {
  assert.deepEqual(judge('{"message":"404 Not Found - POST /-/npm/v1/security/audits"}').exitCode, 0);
  for (const output of ['', 'garbage', '{"error":{"summary":"offline"}}', '{"message":"404"}', '{}'])
    assert.match(judge(output).text, /not checked/);
  const report = (counts) => JSON.stringify({ auditReportVersion: 2, metadata: { vulnerabilities: counts } });
  assert.equal(judge(report({ high: 1 })).exitCode, 1);
  assert.equal(judge(report({ moderate: 3, low: 1 })).exitCode, 0);
  assert.doesNotMatch(judge(report({})).text, /not checked/);
});

test('CI runs the audit step', () => {
  const ci = readFileSync(new URL('../.ci/run', import.meta.url), 'utf8');
  assert.match(ci, /^node scripts\/audit\.mjs/m);
});
