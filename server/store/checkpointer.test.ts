// The write-ahead log is moved into the database by a thread, is bounded without it, and is gone when all is closed.

import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { Checkpointer } from './checkpointer.ts';
import { openDatabase, WAL_LIMIT_BYTES } from './database.ts';

const MEGABYTE = 1024 * 1024;

function world(t: TestContext, isTight = () => false) {
  const folder = mkdtempSync(join(tmpdir(), 'perch-wal-'));
  const file = join(folder, 'perch.db');
  const db = openDatabase(file);
  t.after(() => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });
  db.exec('create table filled (bytes blob)');
  const insert = db.prepare('insert into filled values (randomblob(?))');
  /** Fills the log, a megabyte with each commit. */
  const fill = (megabytes: number) => {
    for (let n = 0; n < megabytes; n++) insert.run(MEGABYTE);
  };
  const clock = new ManualClock(0);
  const warnings: unknown[] = [];
  const log = { ...silentLogger, warn: (fields: unknown) => void warnings.push(fields) };
  const checkpointer = new Checkpointer({ db, file, clock, log: log as typeof silentLogger, isTight });
  t.after(() => checkpointer.stop());
  checkpointer.start();
  const checked = async (count: number) => {
    while (checkpointer.done < count) {
      await clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const walBytes = () => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  return { folder, file, db, fill, clock, checkpointer, checked, walBytes, warnings };
}

test('what the log holds gets into the database without a commit, and the log begins anew', async (t) => {
  const { db, file, folder, fill, clock, checkpointer, checked, walBytes } = world(t);
  fill(2);
  await clock.advance(5000);
  assert.equal(checkpointer.done, 0, 'little is left where it is');
  fill(8);
  const before = statSync(file).size;
  const full = walBytes();
  assert.ok(full > 10 * MEGABYTE && checkpointer.waitingPages > 0);
  await checked(1);
  assert.equal(checkpointer.waitingPages, 0);
  assert.ok(statSync(file).size > before + 8 * MEGABYTE, 'it is in the database');
  // As a power cut right now would leave it: the log is still there, and says the same.
  const cut = join(folder, 'cut.db');
  for (const suffix of ['', '-wal']) copyFileSync(file + suffix, cut + suffix);
  fill(1);
  assert.ok(walBytes() < full, 'the log was written anew from its begin, and cut to size');
  const left = openDatabase(cut);
  assert.equal(left.prepare('select count(*) from filled').pluck().get(), 10);
  assert.equal(left.pragma('integrity_check', { simple: true }), 'ok');
  left.close();
  assert.equal(db.prepare('select count(*) from filled').pluck().get(), 11);
});

test('a disk that is nearly full: the log is emptied whatever it holds, so that it need not grow', async (t) => {
  let isTight = false;
  const { fill, clock, checkpointer, checked, walBytes } = world(t, () => isTight);
  fill(1);
  await clock.advance(2000);
  assert.equal(checkpointer.done, 0);
  isTight = true;
  await checked(1);
  const size = walBytes();
  fill(1);
  assert.equal(walBytes(), size, 'the same bytes are used again');
});

test('a thread that cannot work is told of once, the log stays bounded, and it goes on when it can', async (t) => {
  const { file, fill, clock, checked, walBytes, warnings } = world(t);
  renameSync(file, `${file}.away`);
  fill(9);
  while (warnings.length === 0) {
    await clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  fill(60);
  assert.ok(walBytes() < WAL_LIMIT_BYTES + 4 * MEGABYTE, 'SQLite does it in a commit then');
  renameSync(`${file}.away`, file);
  fill(9);
  await checked(1);
  assert.equal(warnings.length, 1);
});

test('who writes much and waits for room keeps the log short, and is not held by a thread that cannot work', async (t) => {
  const { file, fill, clock, checkpointer, walBytes } = world(t);
  const before = WAL_LIMIT_BYTES;
  for (let n = 0; n < 60; n++) {
    fill(1);
    await checkpointer.room();
  }
  assert.ok(checkpointer.done >= 2, `${checkpointer.done}`);
  assert.ok(walBytes() < 0.75 * before, `${walBytes()} bytes, no commit had to do it`);
  await checkpointer.stop();
  renameSync(file, `${file}.away`);
  fill(20);
  const waiting = checkpointer.room();
  await clock.advance(2000);
  await waiting;
  renameSync(`${file}.away`, file);
});

test('closed in order nothing is left of the log, and a thread with nothing to do ends', async (t) => {
  const { file, fill, clock, checkpointer, checked, db } = world(t);
  fill(9);
  await checked(1);
  await clock.advance(60_000);
  fill(9);
  await checked(2);
  await checkpointer.stop();
  db.close();
  assert.equal(existsSync(`${file}-wal`), false, 'no other connection was open');
});
