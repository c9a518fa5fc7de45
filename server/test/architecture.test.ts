// The house rules: who may import whom, which doors are where, how long a file may be. First the checks themselves are
// tested on planted violations, then they look at the real tree.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkServerFile, checkWebFile, type Packages } from './architecture/check-imports.ts';
import {
  checkLengths,
  checkMachinePaths,
  checkMigrations,
  checkPackages,
  checkReadmes,
  type Tree,
} from './architecture/check-tree.ts';
import { readTree } from './architecture/read-tree.ts';

const somePackages: Packages = {
  dependencies: new Set(['better-sqlite3', 'fastify', '@fastify/static', 'fluent-ffmpeg', 'sharp', 'typebox']),
  all: new Set(['better-sqlite3', 'fastify', '@fastify/static', 'fluent-ffmpeg', 'sharp', 'typebox', 'vite']),
};

function tree(files: Record<string, string>): Tree {
  return new Map(Object.entries(files));
}

suite('the checks find planted violations', () => {
  const planted: [path: string, source: string, what: RegExp][] = [
    ['server/core/a.ts', "import { x } from '../net/net.ts';", /a\.ts:1: core may not import server\/net\/net\.ts/],
    ['server/core/a.ts', "\nimport type { X } from '../net/net.ts';", /a\.ts:2: core may not import/],
    ['server/core/a.ts', "import { type X } from '../net/net.ts';", /core may not import/],
    ['server/core/a.ts', "export * from '../net/net.ts';", /core may not import/],
    ['server/core/a.ts', "export type { X } from '../net/net.ts';", /core may not import/],
    ['server/core/a.ts', "const x = await import('../net/net.ts');", /core may not import/],
    ['server/core/a.ts', "type X = import('../net/net.ts').X;", /core may not import/],
    ['server/core/a.ts', "import '../net/net.ts';", /core may not import/],
    ['server/core/a.ts', 'const x = await import(name);', /computed/],
    ['server/core/a.ts', "import { config } from '../config.ts';", /core may not import server\/config\.ts/],
    ['server/live/a.ts', "import { x } from '../recording/b.ts';", /live may not import/],
    ['server/live/a.ts', "import { x } from '../../web/src/api.ts';", /live may not import web/],
    ['server/sim/a.ts', "import { x } from '../drivers/iwfcam/session.ts';", /sim may not import/],
    ['server/sim/a.ts', "import { x } from '../drivers/iwfcam/parts/wire.ts';", /sim may not import/],
    ['server/http/a.ts', "import { x } from '../net/system-net.ts';", /http may not import/],
    ['server/http/a.ts', "import { x } from '../live/live.test.ts';", /for tests only/],
    ['server/http/a.ts', "import { x } from '../test/harness.ts';", /for tests only/],
    ['server/http/a.ts', "import { x } from '../store/fsck-cli.ts';", /may not import/],
    ['server/app.ts', "import { x } from './demo.ts';", /app\.ts may not import server\/demo\.ts/],
    ['server/util/a.ts', 'export {};', /"util" has no row/],
    ['server/core/a.ts', "import { x } from './b';", /lacks its \.ts/],
    ['server/cameras/a.ts', "import Sqlite from 'better-sqlite3';", /better-sqlite3 belongs in store/],
    ['server/cameras/a.ts', "import type { Database } from 'better-sqlite3';", /better-sqlite3 belongs in store/],
    ['server/live/a.ts', "import type { FastifyReply } from 'fastify';", /fastify belongs in http/],
    ['server/live/a.ts', "import x from '@fastify/static';", /@fastify\/static belongs in http/],
    ['server/drivers/iwfcam/a.ts', "import dgram from 'node:dgram';", /node:dgram belongs in net/],
    ['server/drivers/iwfcam/a.ts', "import { connect, isIP } from 'node:net';", /node:net belongs in net/],
    ['server/http/a.ts', "import { createServer } from 'node:http';", /node:http belongs in net/],
    ['server/recording/a.ts', "import { spawn } from 'node:child_process';", /node:child_process belongs in ffmpeg/],
    ['server/recording/a.ts', "const c = await import('node:child_process');", /node:child_process belongs in ffmpeg/],
    ['server/recording/a.ts', "import ffmpeg from 'fluent-ffmpeg';", /fluent-ffmpeg belongs in ffmpeg/],
    ['server/media/a.ts', "import sharp from 'sharp';", /sharp belongs in/],
    ['server/core/a.ts', "import { build } from 'vite';", /vite is not among/],
    ['server/core/a.ts', "import { x } from 'left-pad';", /left-pad is not among/],
    ['server/core/a.ts', "console.log('x');", /console\.log\(\)/],
    ['server/core/a.ts', "const x = await fetch('http://x');", /fetch\(\)/],
    ['server/core/a.ts', "const x = process.getBuiltinModule('net');", /getBuiltinModule/],
  ];
  for (const [path, source, what] of planted) {
    test(`${path}: ${source.trim()}`, () => assert.match(checkServerFile(path, source, somePackages).join('\n'), what));
  }

  const allowed: [path: string, source: string][] = [
    ['server/core/a.ts', "import type { X } from './b.ts'; // import { y } from '../net/net.ts'"],
    ['server/core/a.ts', "const text = `import { y } from '../net/net.ts'`; log.console.log(text); db.fetch(1);"],
    [
      'server/core/a.test.ts',
      "import { x } from '../sim/iwfcam/simulator.ts'; import { createServer } from 'node:http';",
    ],
    ['server/sim/iwfcam/a.ts', "import { x } from '../../drivers/iwfcam/wire.ts';"],
    ['server/http/routes/a.ts', "import { x } from '../../live/mjpeg.ts'; import f from 'fastify';"],
    ['server/live/a.ts', "import type { ServerResponse } from 'node:http'; import { isIPv4 } from 'node:net';"],
    ['server/core/a.ts', "import type { Plugin } from 'vite'; import { Type } from 'typebox';"],
    ['server/sim/cli.ts', "console.log('listening');"],
    ['server/test/harness.ts', "import { startApp } from '../app.ts'; import { spawn } from 'node:child_process';"],
  ];
  for (const [path, source] of allowed) {
    test(`allowed, ${path}: ${source}`, () => assert.deepEqual(checkServerFile(path, source, somePackages), []));
  }

  test('web', () => {
    const find = (source: string, path = 'web/src/a.tsx') => checkWebFile(path, source).join('\n');
    assert.match(find("import { x } from '../../server/http/schemas/a.ts';"), /only types/);
    assert.match(find("import type { X } from '../../server/core/a.ts';"), /only types/);
    assert.match(find("await fetch('/api');"), /only web\/src\/api\.ts calls fetch/);
    assert.match(find("import x from 'node:fs';"), /browser/);
    assert.equal(find("import type { X } from '../../server/http/schemas/a.ts';"), '');
    assert.equal(find("await fetch('/api');", 'web/src/api.ts'), '');
  });

  test('long files', () => {
    assert.deepEqual(checkLengths(tree({ 'server/a.ts': 'x\n'.repeat(400), 'docs/a.md': 'x\n'.repeat(900) })), []);
    assert.match(checkLengths(tree({ 'web/src/a.tsx': 'x\n'.repeat(401) })).join(), /401 lines/);
  });

  test('folders without a README', () => {
    const files = {
      'server/core/a.ts': '',
      'server/drivers/iwfcam/a.ts': '',
      'server/drivers/README.md': '',
      'server/main.ts': '',
    };
    assert.deepEqual(checkReadmes(tree(files)), ['server/core: no README.md', 'server/drivers/iwfcam: no README.md']);
  });

  test('columns without a comment', () => {
    const sql = [
      'create table a (',
      '  id text primary key, -- who',
      '  -- when',
      '  at integer not null,',
      '  name text,',
      '  primary key (id)',
      ') strict;',
      'create index a_at on a (at);',
      'alter table a add column more text;',
    ].join('\n');
    const found = checkMigrations(tree({ 'migrations/0001-a.sql': sql }));
    assert.deepEqual(
      found.map((text) => text.split(':')[1]),
      ['5', '9'],
    );
  });

  test('packages', () => {
    const find = (version: string, entry: object) =>
      checkPackages(
        tree({
          'package.json': JSON.stringify({ dependencies: { a: version } }),
          'package-lock.json': JSON.stringify({
            packages: { '': { dependencies: { a: '1.0.0' } }, 'node_modules/a': entry },
          }),
        }),
      ).join('\n');
    assert.equal(find('1.0.0', { integrity: 'sha512-x' }), '');
    assert.match(find('^1.0.0', { integrity: 'sha512-x' }), /not one version/);
    assert.match(find('1.0.1', { integrity: 'sha512-x' }), /not 1\.0\.1 as in/);
    assert.match(find('1.0.0', {}), /no checksum/);
    assert.match(find('1.0.0', { integrity: 'sha512-x', resolved: 'https://example.org/a.tgz' }), /names an address/);
  });

  test('paths of one machine', () => {
    const find = (text: string) => checkMachinePaths(tree({ 'docs/a.md': text })).length;
    assert.equal(find(['see /', 'work/main'].join('')), 1);
    assert.equal(find(['"/', 'root/x"'].join('')), 1);
    assert.equal(find('/data /tmp ./work/x web/root/a http://x/home'), 0);
  });
});

suite('the tree keeps the rules', () => {
  const files = readTree();
  const manifest = JSON.parse(files.get('package.json') ?? '{}') as Record<'dependencies' | 'devDependencies', object>;
  const packages: Packages = {
    dependencies: new Set(Object.keys(manifest.dependencies)),
    all: new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })),
  };
  const none = (problems: string[]) => assert.ok(problems.length === 0, `\n  ${problems.join('\n  ')}`);
  const code = (folder: string) => [...files].filter(([path]) => path.startsWith(folder) && /\.tsx?$/.test(path));

  test('there is a tree to look at', () => assert.ok(code('server/').length > 20));
  test('the ladder of imports in server/', () => {
    none(code('server/').flatMap(([path, source]) => checkServerFile(path, source, packages)));
  });
  test('the imports of web/', () => none(code('web/src/').flatMap(([path, source]) => checkWebFile(path, source))));
  test('no file is too long', () => none(checkLengths(files)));
  test('every folder of server/ says what lives there', () => none(checkReadmes(files)));
  test('every column of the database is commented', () => none(checkMigrations(files)));
  test('packages are pinned and locked, without registry addresses', () => none(checkPackages(files)));
  test('no path of one machine is in the tree', () => none(checkMachinePaths(files)));
});
