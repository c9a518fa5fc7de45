import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { openDatabase } from './database.ts';
import { isDataMissing, knownDataFile, rememberData } from './known-data.ts';
import { DataWatch, openCopy } from './read-only-data.ts';
import { SettingsTable } from './settings.ts';

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'perch-data-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a copy has what the write-ahead log holds, takes changes, leaves no file, and changes nothing where it came from', (t) => {
  const folder = scratch(t);
  const file = join(folder, 'perch.db');
  const db = openDatabase(file);
  t.after(() => db.close());
  const settings = new SettingsTable(db);
  settings.set({ ...settings.current, siteName: 'In the log' });
  assert.ok(statSync(`${file}-wal`).size > 0);
  const copy = openCopy(file);
  t.after(() => copy.close());
  const copied = new SettingsTable(copy);
  assert.equal(copied.current.siteName, 'In the log');
  copied.set({ ...copied.current, siteName: 'Forgotten' });
  assert.equal(new SettingsTable(copy).current.siteName, 'Forgotten');
  assert.equal(new SettingsTable(db).current.siteName, 'In the log');
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith('perch-read-only-')),
    [],
  );
});

test('a data directory that goes away and comes back: the same one is no news, another file system is', async (t) => {
  const folder = scratch(t);
  const [dataDir, away] = [join(folder, 'data'), join(folder, 'away')];
  const databaseFile = join(dataDir, 'perch.db');
  mkdirSync(dataDir);
  writeFileSync(databaseFile, 'a database');
  const clock = new ManualClock(0);
  const watch = new DataWatch({ dataDir, databaseFile, readOnly: false, clock });
  t.after(() => watch.stop());
  let reason = '';
  void watch.back.then((why) => {
    reason = why;
  });
  renameSync(dataDir, away);
  await clock.advance(5000);
  renameSync(away, dataDir);
  await clock.advance(5000);
  assert.equal(reason, '');
  renameSync(dataDir, away);
  cpSync(away, dataDir, { recursive: true });
  await clock.advance(5000);
  assert.match(reason, /another file system/);
});

test('what held a Perch is remembered only for other file systems; a home that cannot be written is no fault', (t) => {
  const folder = scratch(t);
  const file = knownDataFile({ XDG_STATE_HOME: folder });
  assert.equal(file, join(folder, 'perch/data-directories.json'));
  writeFileSync(join(folder, 'file'), '');
  rememberData(join(folder, 'file/x.json'), '/proc');
  rememberData(file, '/proc'); // a file system of its own on every Linux
  assert.equal(isDataMissing(file, '/proc'), false, 'still on it: emptied by hand');
  mkdirSync(join(folder, 'perch'), { recursive: true });
  writeFileSync(
    file,
    JSON.stringify([{ dataDir: '/none/perch', disk: '9fa0:0' }, { dataDir: folder, disk: 'other:1' }, 3]),
  );
  assert.equal(isDataMissing(file, '/none/perch'), true);
  assert.equal(isDataMissing(file, folder), true, 'on another file system than before, and without a database');
  writeFileSync(join(folder, 'perch.db'), '');
  assert.equal(isDataMissing(file, folder), false);
  writeFileSync(file, '{');
  assert.equal(isDataMissing(file, '/none/perch'), false);
});
