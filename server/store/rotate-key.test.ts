// Rotating the key: everything readable before is readable after, also when it was cut short; the old key opens nothing.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CameraConfig, defaultRecording } from '../core/camera-config.ts';
import { isNvrError } from '../core/nvr-error.ts';
import { CameraTable } from './cameras.ts';
import { DataLock } from './data-lock.ts';
import { openDatabase } from './database.ts';
import { rotateKey } from './rotate-key.ts';
import { Secrets } from './secrets.ts';

const FILES = { database: 'perch.db', key: 'secret.key' };
const secretNames = () => ['password'];

const camera = (n: number): CameraConfig => ({
  ...{ id: `cam_${n}`, slug: `c${n}`, folder: `c${n}`, name: `C${n}`, driver: 'iwfcam', enabled: true, createdAt: n },
  settings: { host: 'a', password: `main secret ${n}` },
  recording: defaultRecording,
  subSource: n === 1 ? { driver: 'iwfcam', settings: { host: 'b', password: 'sub secret' } } : null,
});

function scratch(context: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'perch-rotate-'));
  context.after(() => rmSync(dir, { recursive: true, force: true }));
  const key = join(dir, FILES.key);
  const look = <T>(work: (table: CameraTable) => T): T => {
    const db = openDatabase(join(dir, FILES.database));
    try {
      return work(new CameraTable(db, Secrets.fromFile(key), secretNames));
    } finally {
      db.close();
    }
  };
  look((table) => {
    for (const n of [1, 2, 3]) table.add(camera(n));
  });
  const check = () =>
    look((table) => {
      assert.deepEqual(table.all(), [1, 2, 3].map(camera));
      assert.deepEqual(table.lostSecrets, []);
    });
  const sealed = () =>
    readFileSync(join(dir, FILES.database))
      .toString('latin1')
      .match(/v1\.[\w-]{20,}/g) ?? [];
  return { dir, key, look, check, sealed };
}

test('a new key: all secrets are there, the old ciphertexts are gone from the disk', (context) => {
  const { dir, key, look, check, sealed } = scratch(context);
  // What is deleted stays in free pages, and the old key would open it.
  look((table) => {
    table.add(camera(4));
    table.remove('cam_4');
  });
  const [oldKey, oldTexts] = [readFileSync(key), sealed()];
  assert.ok(oldTexts.length >= 5);
  assert.deepEqual(rotateKey(dir, FILES), { sealed: 4, lost: [] });
  assert.notDeepEqual(readFileSync(key), oldKey);
  assert.equal(statSync(key).mode & 0o777, 0o600);
  assert.ok(!existsSync(`${key}.new`));
  check();
  const disk = readdirSync(dir).map((name) => readFileSync(join(dir, name)).toString('latin1'));
  for (const text of oldTexts) assert.ok(!disk.some((file) => file.includes(text)));
});

test('a rotation cut short after sealing, before the key was changed, is read and finished', (context) => {
  const { dir, key, look, check } = scratch(context);
  assert.throws(
    () =>
      Secrets.rotateFile(key, (_from, to) => {
        look((table) => table.reseal(to));
        throw new Error('the power goes');
      }),
    /power/,
  );
  assert.ok(existsSync(`${key}.new`));
  check();
  look((table) => table.update({ ...camera(2) })); // Perch runs in between and seals with the old key
  check();
  rotateKey(dir, FILES);
  assert.ok(!existsSync(`${key}.new`));
  check();
});

test('a next key that was never written whole is made anew', (context) => {
  const { dir, key, check } = scratch(context);
  writeFileSync(`${key}.new`, 'half');
  check();
  rotateKey(dir, FILES);
  check();
});

test('refused while a Perch is running; a lost secret is named and left alone', (context) => {
  const { dir, key, look } = scratch(context);
  {
    using _running = DataLock.acquire(dir);
    assert.throws(
      () => rotateKey(dir, FILES),
      (error) => isNvrError(error, 'conflict'),
    );
  }
  writeFileSync(key, Buffer.alloc(32, 1), { mode: 0o600 });
  const { sealed, lost } = rotateKey(dir, FILES);
  assert.equal(sealed, 0);
  assert.deepEqual(lost.map((one) => `${one.camera} ${one.setting}`).sort(), [
    'cam_1 password',
    'cam_1 password',
    'cam_2 password',
    'cam_3 password',
  ]);
  assert.equal(look((table) => table.all()).length, 3);
});
