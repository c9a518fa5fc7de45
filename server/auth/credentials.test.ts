import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAuthorization } from './credentials.ts';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('Authorization headers', () => {
  const table: [string | undefined, unknown][] = [
    [undefined, null],
    ['', null],
    ['Bearer abc-_1', { kind: 'bearer', token: 'abc-_1' }],
    ['bearer   abc', { kind: 'bearer', token: 'abc' }],
    ['Bearer a b', null],
    ['Bearer', null],
    [basic('admin:secret'), { kind: 'basic', username: 'admin', password: 'secret' }],
    [basic('admin:a:b:'), { kind: 'basic', username: 'admin', password: 'a:b:' }],
    [basic(':token'), { kind: 'basic', username: '', password: 'token' }],
    [basic('jörg:pässword'), { kind: 'basic', username: 'jörg', password: 'pässword' }],
    [basic('nocolon'), null],
    ['Basic %%%', null],
    ['Basic ', null],
    ['Digest username="x"', null],
    [`Bearer ${'x'.repeat(5000)}`, null],
    ['Basic \u0000', null],
  ];
  for (const [header, expected] of table)
    assert.deepEqual(parseAuthorization(header), expected, String(header).slice(0, 60));
});

test('random bytes never throw', () => {
  for (let n = 0; n < 2000; n++) {
    const noise = Buffer.from(Array.from({ length: n % 64 }, (_, i) => (n * 31 + i * i * 7) & 0xff)).toString('latin1');
    parseAuthorization(`Basic ${noise}`);
    parseAuthorization(noise);
  }
});
