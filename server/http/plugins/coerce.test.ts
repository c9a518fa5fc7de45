import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { coerceTexts } from './coerce.ts';

test('texts become what the schema asks for, or stay for the check to refuse', () => {
  const schema = Type.Object({
    n: Type.Optional(Type.Integer()),
    x: Type.Optional(Type.Number()),
    b: Type.Optional(Type.Boolean()),
    s: Type.Optional(Type.String()),
  });
  const table: [Record<string, unknown>, Record<string, unknown>][] = [
    [
      { n: '5', x: '0.5', b: 'true', s: '7' },
      { n: 5, x: 0.5, b: true, s: '7' },
    ],
    [
      { n: '-5', b: '1' },
      { n: -5, b: true },
    ],
    [{ b: '0' }, { b: false }],
    [{ n: '5.5' }, { n: 5.5 }],
    [
      { n: '', x: ' ', b: '' },
      { n: '', x: ' ', b: '' },
    ],
    [
      { n: '1e3', x: 'Infinity', b: 'yes' },
      { n: '1e3', x: 'Infinity', b: 'yes' },
    ],
    [
      { n: '0x10', b: 'constructor' },
      { n: '0x10', b: 'constructor' },
    ],
    [{ n: ['5', '6'] }, { n: ['5', '6'] }],
    [{ unknown: '5' }, { unknown: '5' }],
    [{ n: '9'.repeat(40) }, { n: '9'.repeat(40) }],
  ];
  for (const [input, output] of table) {
    const values = { ...input };
    coerceTexts(schema, values);
    assert.deepEqual(values, output);
  }
  coerceTexts(undefined, { n: '5' });
  coerceTexts(schema, null);
});
