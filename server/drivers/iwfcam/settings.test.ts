import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { isNvrError } from '../../core/nvr-error.ts';
import { checkSettings, readSettings, settingsSchema } from './settings.ts';

const schema = Compile(settingsSchema);

test('the schema takes what users enter and refuses the rest', () => {
  const good = [
    { host: '192.168.1.20' },
    { host: 'camera.lan', port: 10105, password: 'geheim', passwordToken: '', advertiseAddress: '', localPort: 41773 },
    { uid: 'TEST001-0123456789AB-0001F4' },
    { host: 'c', passwordToken: '9E8040834b3a', advertiseAddress: '10.0.0.1' },
  ];
  for (const settings of good) assert.ok(schema.Check(settings), JSON.stringify(settings));
  const bad = [
    { host: 'http://x' },
    { host: '-x' },
    { host: 'a b' },
    { host: `${'a'.repeat(300)}` },
    { uid: '' },
    { uid: 'x'.repeat(33) },
    { uid: 'a\nb' },
    { host: 'c', port: 0 },
    { host: 'c', port: 70000 },
    { host: 'c', port: '10104' },
    { host: 'c', passwordToken: '9e80' },
    { host: 'c', advertiseAddress: 'me' },
    { host: 'c', localPort: -1 },
    { host: 'c', more: 1 },
  ];
  for (const settings of bad) assert.ok(!schema.Check(settings), JSON.stringify(settings));
});

test('every field has a title and a description for the form', () => {
  for (const [name, field] of Object.entries(settingsSchema.properties)) {
    assert.ok((field as { title?: string }).title && (field as { description?: string }).description, name);
  }
});

test('the rules between fields name the field', () => {
  const bad: [object, string][] = [
    [{}, 'host'],
    [{ host: '' }, 'host'],
    [{ host: '224.0.0.1' }, 'host'],
    [{ host: '255.255.255.255' }, 'host'],
    [{ host: '0.0.0.0' }, 'host'],
    [{ host: '1.2.3' }, 'host'],
    [{ host: 'cloud.ismartol.com' }, 'host'],
    [{ host: 'esn-cam.oss-cn-qingdao.aliyuncs.com' }, 'host'],
    [{ host: '10.0.0.1', advertiseAddress: '300.0.0.1' }, 'advertiseAddress'],
  ];
  for (const [settings, field] of bad) {
    assert.throws(
      () => checkSettings(settings as Record<string, unknown>),
      (error) => isNvrError(error, 'bad_input') && error.message.startsWith(`${field}:`),
      JSON.stringify(settings),
    );
  }
  checkSettings({ uid: 'X' });
  checkSettings({ host: '127.0.0.2' });
});

test('what is left out is filled in', () => {
  assert.deepEqual(readSettings({ host: 'c' }), {
    uid: null,
    host: 'c',
    port: 10104,
    token: '9e8040834b3a',
    advertiseAddress: null,
    localPort: null,
  });
  assert.equal(readSettings({ host: 'c', password: '' }).token, '9e8040834b3a');
  assert.equal(readSettings({ host: 'c', password: '1234' }).token, 'f738436534ac');
  assert.equal(readSettings({ host: 'c', password: '1234', passwordToken: '0123456789AB' }).token, '0123456789AB');
});
