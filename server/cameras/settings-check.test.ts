// What users send about a camera: defaults, masks, and refusals that name the field.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { isNvrError } from '../core/nvr-error.ts';
import type { CameraDriver } from '../drivers/driver.ts';
import { createHttpMjpegDriver } from '../drivers/http-mjpeg/index.ts';
import { createHttpSnapshotDriver } from '../drivers/http-snapshot/index.ts';
import { createRtspDriver } from '../drivers/rtsp/index.ts';
import { checkDriverSettings, checkName, checkStoredSettings, SECRET_MASK } from './settings-check.ts';

const driver = {
  id: 'iwfcam',
  settingsSchema: Type.Object(
    {
      host: Type.String(),
      port: Type.Optional(Type.Integer({ default: 10104, minimum: 1 })),
      password: Type.Optional(Type.String({ maxLength: 8 })),
      list: Type.Optional(Type.Array(Type.String(), { default: [] })),
    },
    { additionalProperties: false },
  ),
  secrets: ['password'],
  hostSettings: ['host', 'port'],
} as unknown as CameraDriver;

const refuses = (work: () => unknown, text: RegExp) =>
  assert.throws(work, (error) => isNvrError(error, 'bad_input') && text.test(error.message));

test('defaults of the schema are filled in, and never shared', () => {
  const one = checkDriverSettings(driver, { host: 'a' }, null);
  assert.deepEqual(one, { host: 'a', port: 10104, list: [] });
  assert.notEqual(one.list, checkDriverSettings(driver, { host: 'a' }, null).list);
});

test('a default written out is not a changed host', () => {
  const stored = { host: 'a', password: 'pa55' }; // of an older version: without the defaults
  const kept = checkDriverSettings(driver, { host: 'a', port: 10104, password: SECRET_MASK }, stored);
  assert.equal(kept.password, 'pa55');
  const again = checkDriverSettings(driver, { host: 'a', password: SECRET_MASK }, { ...stored, port: 10104 });
  assert.equal(again.password, 'pa55');
  refuses(
    () => checkDriverSettings(driver, { host: 'a', port: 81, password: SECRET_MASK }, stored),
    /^settings\.password: enter it again, because settings\.port has changed/,
  );
});

test('what is wrong by itself is said first, under the name that the caller used', () => {
  const stored = { host: 'a', password: 'pa55' };
  refuses(
    () => checkDriverSettings(driver, { host: 'a', port: 'x', password: SECRET_MASK }, stored),
    /^settings\.port: must be/,
  );
  refuses(
    () => checkDriverSettings(driver, { host: 'b', password: SECRET_MASK }, stored, 'subSource.settings'),
    /^subSource\.settings\.password: .*subSource\.settings\.host has changed/,
  );
  refuses(
    () => checkDriverSettings(driver, { host: 'b', hots: 1 }, null, 'subSource.settings'),
    /^subSource\.settings\.hots: there is no such setting/,
  );
});

test('a stored secret that cannot be opened is asked for again, and never dialled with', () => {
  const stored = { host: 'a', password: { $secret: 'v1.AAAA' } };
  refuses(() => checkStoredSettings(driver, stored), /^settings\.password: .*enter it again/);
  refuses(
    () => checkDriverSettings(driver, { host: 'a', password: SECRET_MASK }, stored),
    /^settings\.password: .*enter it again/,
  );
  assert.equal(checkDriverSettings(driver, { host: 'a', password: 'new' }, stored).password, 'new');
});

test('stored settings are checked as strictly as new ones', () => {
  assert.deepEqual(checkStoredSettings(driver, { host: 'a' }), { host: 'a', port: 10104, list: [] });
  refuses(() => checkStoredSettings(driver, { host: 5 }), /^settings\.host: must be string/);
});

test('a name is printable text', () => {
  assert.equal(checkName('  Tür 日本 🚪 '), 'Tür 日本 🚪');
  for (const name of ['', ' ', 'a\nb', 'a\u0000', '\ud800', 'x'.repeat(101), 5, null]) {
    refuses(() => checkName(name), /^name/);
  }
});

test('of an address the host counts, not the path: a changed path keeps the password, a changed host, port or scheme does not', () => {
  const cases: readonly [CameraDriver, string][] = [
    [createRtspDriver(), 'rtsps'],
    [createHttpMjpegDriver(), 'https'],
    [createHttpSnapshotDriver(), 'https'],
  ];
  for (const [source, secure] of cases) {
    const stored = { url: `${secure}://10.0.0.2:81/main`, username: 'admin', password: 'pa55' };
    const change = (url: string) => checkDriverSettings(source, { ...stored, url, password: SECRET_MASK }, stored);
    for (const path of ['/sub', '', '/a?user={username}&pwd={password}']) {
      assert.equal(change(`${secure}://10.0.0.2:81${path}`).password, 'pa55', path);
    }
    assert.equal(change(`${secure.toUpperCase()}://10.0.0.2:81/x`).password, 'pa55');
    const plain = secure.slice(0, -1);
    const others = [`${secure}://10.0.0.3:81/main`, `${secure}://10.0.0.2:82/main`, `${secure}://10.0.0.2/main`];
    for (const url of [...others, `${plain}://10.0.0.2:81/main`]) {
      refuses(() => change(url), /^settings\.password: enter it again, because settings\.url has changed/);
    }
  }
});
