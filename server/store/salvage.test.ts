import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import { openDatabase } from './database.ts';
import { openOrSalvage } from './salvage.ts';
import { SegmentIndex } from './segment-index.ts';

const SEGMENTS = 3000;
const PAGE = 4096;

/** A closed database with a user and many segments. */
function planted(t: TestContext): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'perch-salvage-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'perch.db');
  const db = openDatabase(file);
  const columns = db
    .prepare<[], { name: string; notnull: number; type: string }>("select * from pragma_table_info('users')")
    .all();
  const needed = columns.filter(({ notnull }) => notnull);
  const value = ({ name, type }: { name: string; type: string }) =>
    name === 'role' ? 'admin' : type === 'INTEGER' ? 1 : 'u';
  db.prepare(
    `insert into users (${needed.map(({ name }) => name).join(', ')}) values (${needed.map(() => '?').join(', ')})`,
  ).run(...needed.map((column) => value(column)));
  const index = new SegmentIndex(db);
  index.transaction(() => {
    for (let n = 0; n < SEGMENTS; n++) {
      index.add({
        ...{
          id: `seg_${n}`,
          camera: 'cam_a',
          folder: 'a',
          path: `a/2026-05-03/${n}.mp4`,
          startAt: n * 1000,
          frames: 1,
        },
        ...{ endAt: n * 1000 + 1000, bytes: 10, format: 'mp4', codec: 'h264', endReason: 'boundary', hasMotion: false },
        protected: n === SEGMENTS - 1,
      });
    }
  });
  db.close();
  return { folder, file };
}

/** Overwrites one page in the middle of the table of segments. */
function damageRows(file: string): void {
  const db = openDatabase(file);
  const leaves = db
    .prepare<[], number>("select pageno from dbstat where name = 'segments' and pagetype = 'leaf' order by path")
    .pluck()
    .all();
  db.close();
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(PAGE, 0xee), 0, PAGE, (leaves[leaves.length >> 1]! - 1) * PAGE);
  closeSync(handle);
}

test('a damaged page of recordings: the start goes on, all other rows are kept, the damaged database is put aside', (t) => {
  const { folder, file } = planted(t);
  damageRows(file);
  writeFileSync(`${file}-wal`, ''); // as after a crash
  const { db, salvage } = openOrSalvage(file, join(folder, 'quarantine'));
  t.after(() => db.close());
  assert.ok(salvage && existsSync(salvage.place));
  assert.deepEqual(salvage.damagedTables, ['segments']);
  const kept = [...new SegmentIndex(db).rows()];
  assert.ok(kept.length > 0.95 * SEGMENTS && kept.length < SEGMENTS, `${kept.length} rows kept`);
  assert.equal(kept.find(({ id }) => id === `seg_${SEGMENTS - 1}`)?.protected, true, 'also what is behind the damage');
  assert.equal(db.prepare('select count(*) from users').pluck().get(), 1);
  assert.equal(db.pragma('integrity_check', { simple: true }), 'ok');
  assert.equal(openOrSalvage(file, join(folder, 'quarantine')).salvage, null);
});

test('a sound database is opened as it is, after a crash too; garbage is refused and left where it is', (t) => {
  const { folder, file } = planted(t);
  const { db, salvage } = openOrSalvage(file, join(folder, 'quarantine'));
  copyFileSync(`${file}-wal`, join(folder, 'wal'));
  db.close();
  copyFileSync(join(folder, 'wal'), `${file}-wal`);
  assert.equal(salvage, null);
  const again = openOrSalvage(file, join(folder, 'quarantine'));
  assert.equal(again.salvage, null);
  assert.equal([...new SegmentIndex(again.db).rows()].length, SEGMENTS);
  again.db.close();
  writeFileSync(file, Buffer.alloc(20_000, 7));
  assert.throws(
    () => openOrSalvage(file, join(folder, 'quarantine')),
    (error) => isNvrError(error, 'unavailable'),
  );
  assert.equal(statSync(file).size, 20_000);
  assert.equal(existsSync(join(folder, 'quarantine')), false);
});
