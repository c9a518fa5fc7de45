import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SettingSchema } from '../api-types.ts';
import { fieldsOf, MASKED, problemText, settingsFrom, settingsPatch, valuesFrom } from './setting-fields.ts';

const schema: SettingSchema = {
  type: 'object',
  required: ['host'],
  properties: {
    host: { type: 'string', title: 'Address' },
    port: { type: 'integer', title: 'Port', default: 10104, advanced: true },
    password: { type: 'string', format: 'password' },
    relay: { anyOf: [{ const: 'auto' }, { const: 'never' }], default: 'auto' },
    loud: { type: 'boolean' },
    advertiseAddress: { type: 'string' },
    deep: { type: 'object', properties: {} },
  },
};
const fields = fieldsOf(schema);

test('draws what a form can show, in the order of the schema', () => {
  assert.deepEqual(
    fields.map(({ name, kind, required, advanced }) => [name, kind, required, advanced]),
    [
      ['host', 'text', true, false],
      ['port', 'integer', false, true],
      ['password', 'secret', false, false],
      ['relay', 'choice', false, false],
      ['loud', 'switch', false, false],
      ['advertiseAddress', 'text', false, false],
    ],
  );
  assert.equal(fields.at(-1)?.title, 'Advertise address');
});

test('typed text becomes settings; what is empty is left out', () => {
  const values = { ...valuesFrom(fields, {}), host: ' 10.0.0.9 ', port: '99', loud: 'true', password: ' keep ' };
  assert.deepEqual(settingsFrom(fields, values), {
    host: '10.0.0.9',
    port: 99,
    password: ' keep ',
    relay: 'auto',
    loud: true,
  });
});

test('stored settings go there and back unchanged, also those that the form does not show', () => {
  const stored = { host: 'cam.lan', password: MASKED, relay: 'never', loud: false, deep: { a: 1 } };
  const back = settingsFrom(fields, valuesFrom(fields, stored), stored);
  assert.deepEqual(back, stored);
  assert.deepEqual(settingsPatch(stored, back), {});
});

test('an emptied field is taken away, a changed one is sent', () => {
  const stored = { host: 'cam.lan', port: 5, password: MASKED, relay: 'auto', loud: false };
  const values = { ...valuesFrom(fields, stored), port: '', host: 'other.lan' };
  assert.deepEqual(settingsPatch(stored, settingsFrom(fields, values, stored)), { host: 'other.lan', port: null });
});

test('a problem names the field as the form does', () => {
  assert.equal(
    problemText(fields, 'host: no camera can have this address'),
    'Address: no camera can have this address',
  );
  assert.equal(problemText(fields, 'settings.port: too large'), 'Port: too large');
  for (const other of ['driver: unknown', 'No answer within 5 s', '']) assert.equal(problemText(fields, other), other);
});
