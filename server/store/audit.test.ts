import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { AuditLog } from './audit.ts';
import { openDatabase } from './database.ts';
import { defaultSettings, SettingsTable } from './settings.ts';

test('the trail is bounded, texts are cut, pages go back in time', () => {
  const db = openDatabase(':memory:');
  const audit = new AuditLog(db, new ManualClock(), 1000);
  const entry = { via: 'session', address: '192.0.2.1', action: 'camera.changed', detail: null } as const;
  for (let n = 0; n < 4000; n++) audit.add({ ...entry, username: 'u'.repeat(1000), target: `camera ${n}` });
  const page = audit.list(10);
  assert.equal(page[0]?.target, 'camera 3999');
  assert.equal(page[0]?.username.length, 200);
  assert.equal(audit.list(1, page[9]!.id)[0]?.target, 'camera 3989');
  const { rows } = db.prepare<[], { rows: number }>('select count(*) as rows from audit').get()!;
  assert.ok(rows <= 1500, `${rows} rows`);
});

test('settings survive, and names of another version are left alone', () => {
  const db = openDatabase(':memory:');
  const table = new SettingsTable(db);
  table.set({ ...table.current, siteName: 'Cabin' });
  db.prepare(`insert into settings (name, value) values ('fromTheFuture', '1')`).run();
  assert.deepEqual(new SettingsTable(db).current, { ...defaultSettings, siteName: 'Cabin' });
});
