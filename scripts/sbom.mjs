// `npm run sbom`: the software bill of materials (CycloneDX 1.5 JSON) of what runs, from package-lock.json, on stdout.
// Made from the lock file alone: the same commit gives the same bytes, installed or not. `-- --dev` adds what only builds.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

/** The bill for a manifest and its lock file, as an object. */
export function makeSbom(manifest, lockText, { dev = false } = {}) {
  const { packages } = JSON.parse(lockText);
  const kept = Object.entries(packages).filter(([path, entry]) => path !== '' && (dev || !entry.dev));
  const refOf = (path) =>
    path === '' ? purl(manifest.name, manifest.version) : purl(nameOf(path), packages[path].version);
  const components = new Map();
  for (const [path, entry] of kept) {
    const ref = refOf(path);
    components.set(ref, {
      type: 'library',
      'bom-ref': ref,
      name: nameOf(path),
      version: entry.version,
      scope: entry.dev ? 'excluded' : entry.optional ? 'optional' : 'required',
      hashes: hashesOf(entry.integrity),
      ...(entry.license && { licenses: [{ expression: entry.license }] }),
      purl: ref,
    });
  }
  const dependencies = new Map();
  for (const [path, entry] of [['', packages['']], ...kept]) {
    const wanted = {
      ...entry.dependencies,
      ...entry.optionalDependencies,
      ...(path === '' && dev && entry.devDependencies),
    };
    const found = Object.keys(wanted).flatMap((name) => resolve(packages, path, name) ?? []);
    const dependsOn = dependencies.get(refOf(path)) ?? new Set();
    for (const other of found) if (dev || !packages[other].dev) dependsOn.add(refOf(other));
    dependencies.set(refOf(path), dependsOn);
  }
  const digest = createHash('sha256').update(lockText).digest('hex');
  const uuid = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': refOf(''),
        name: manifest.name,
        version: manifest.version,
        purl: refOf(''),
      },
    },
    components: [...components.values()].sort((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1)),
    dependencies: [...dependencies]
      .map(([ref, dependsOn]) => ({ ref, dependsOn: [...dependsOn].sort() }))
      .sort((a, b) => (a.ref < b.ref ? -1 : 1)),
  };
}

const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
const purl = (name, version) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

function hashesOf(integrity = '') {
  return integrity.split(' ').flatMap((item) => {
    const [algorithm, value] = item.split(/-(.*)/s);
    const alg = { sha512: 'SHA-512', sha256: 'SHA-256', sha1: 'SHA-1' }[algorithm];
    return alg && value ? [{ alg, content: Buffer.from(value, 'base64').toString('hex') }] : [];
  });
}

/** Where Node would find a package: beside the one that wants it, or in a folder above. */
function resolve(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[path]) return path;
    if (folder === '') return null;
    if (!folder.includes('/node_modules/')) folder = '';
    if (folder === '') return packages[`node_modules/${name}`] ? `node_modules/${name}` : null;
  }
}

if (process.argv[1] && import.meta.url === new URL(`file://${process.argv[1]}`).href) {
  const sbom = makeSbom(JSON.parse(read('package.json')), read('package-lock.json'), {
    dev: process.argv.includes('--dev'),
  });
  process.stdout.write(`${JSON.stringify(sbom, null, 2)}\n`);
}
