// Opening, migrating and sealing.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import { migrate, openDatabase, readMigrations, schemaVersion } from './database.ts';
import { Secrets } from './secrets.ts';

function withFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'perch-store-'));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a new database is at the newest version and opens again unchanged', () => {
  withFolder((folder) => {
    const file = join(folder, 'perch.db');
    const first = openDatabase(file);
    assert.equal(schemaVersion(first), readMigrations().length);
    assert.equal(first.pragma('journal_mode', { simple: true }), 'wal');
    for (const name of [file, `${file}-wal`]) assert.equal(statSync(name).mode & 0o077, 0, 'for this user only');
    first.close();
    const second = openDatabase(file);
    assert.equal(migrate(second), 0);
    second.close();
  });
});

test('a database of a newer Perch is refused with what to do, and not touched', () => {
  withFolder((folder) => {
    const file = join(folder, 'perch.db');
    const db = openDatabase(file);
    db.pragma('user_version = 9999');
    db.close();
    assert.throws(
      () => openDatabase(file),
      (error) => isNvrError(error, 'conflict') && /9999.*newer Perch/.test(error.message),
    );
  });
});

test('a migration that fails leaves the version before it', () => {
  const db = openDatabase(':memory:');
  const version = schemaVersion(db);
  const broken = [
    ...readMigrations(),
    { version: version + 1, name: 'good.sql', sql: 'create table good (a)' },
    { version: version + 2, name: 'bad.sql', sql: 'create table half (a); select nonsense' },
  ];
  assert.throws(() => migrate(db, broken));
  assert.equal(schemaVersion(db), version + 1);
  assert.equal(db.prepare("select count(*) n from sqlite_master where name = 'half'").pluck().get(), 0);
});

test('a file that is no database is a clear error', () => {
  withFolder((folder) => {
    const file = join(folder, 'perch.db');
    writeFileSync(file, 'this is not a database, it only sits where one should be'.repeat(100));
    assert.throws(
      () => openDatabase(file),
      (error) => isNvrError(error, 'unavailable') && error.message.includes(file),
    );
  });
});

test('secrets open with their key and context only', () => {
  const secrets = Secrets.ephemeral();
  const sealed = secrets.encrypt('pä55', 'cam_1/password');
  assert.equal(secrets.decrypt(sealed, 'cam_1/password'), 'pä55');
  assert.throws(
    () => secrets.decrypt(sealed, 'cam_2/password'),
    (error) => isNvrError(error, 'bad_input'),
  );
  assert.throws(
    () => Secrets.ephemeral().decrypt(sealed, 'cam_1/password'),
    (error) => isNvrError(error, 'bad_input'),
  );
  assert.throws(
    () => secrets.decrypt('v1.AAAA', 'cam_1/password'),
    (error) => isNvrError(error, 'bad_input'),
  );
  assert.notEqual(sealed, secrets.encrypt('pä55', 'cam_1/password'), 'never the same twice');
});

test('the key file is made once, for this user only, and a damaged one is refused', () => {
  withFolder((folder) => {
    const file = join(folder, 'secret.key');
    const sealed = Secrets.fromFile(file).encrypt('x', 'c');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(Secrets.fromFile(file).decrypt(sealed, 'c'), 'x');
    writeFileSync(file, 'short');
    assert.throws(
      () => Secrets.fromFile(file),
      (error) => isNvrError(error, 'bad_input'),
    );
  });
});

test('a key that could not be written whole is no key', { skip: !existsSync('/dev/full') }, () => {
  withFolder((folder) => {
    const file = join(folder, 'secret.key');
    symlinkSync('/dev/full', `${file}.tmp`);
    assert.throws(
      () => Secrets.fromFile(file),
      (error) => isNvrError(error, 'unavailable') && /ENOSPC/.test(error.message),
    );
    assert.equal(existsSync(file), false);
    Secrets.fromFile(file);
    assert.deepEqual(readdirSync(folder), ['secret.key']);
  });
});

test('a database that cannot be migrated is a clear error', () => {
  withFolder((folder) => {
    const file = join(folder, 'perch.db');
    const db = openDatabase(file);
    db.pragma('user_version = 0');
    db.close();
    assert.throws(
      () => openDatabase(file),
      (error) => isNvrError(error, 'unavailable') && error.message.includes(file),
    );
  });
});
