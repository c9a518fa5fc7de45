import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseRange, type RangeAnswer, type RangeHeaders } from './byte-range.ts';

const file = { size: 1000, etag: '"a"', lastModifiedMs: Date.parse('2026-05-01T10:00:00.500Z') };
const DATE = 'Fri, 01 May 2026 10:00:00 GMT';
const OLDER = 'Fri, 01 May 2026 09:00:00 GMT';
const whole = { status: 200, start: 0, end: 999 } as const;
const part = (start: number, end: number) => ({ status: 206, start, end }) as const;

const table: [RangeHeaders, RangeAnswer][] = [
  [{}, whole],
  [{ range: 'bytes=0-0' }, part(0, 0)],
  [{ range: 'bytes=10-' }, part(10, 999)],
  [{ range: 'bytes=990-5000' }, part(990, 999)],
  [{ range: 'bytes=-1' }, part(999, 999)],
  [{ range: 'bytes=-5000' }, part(0, 999)],
  [{ range: 'bytes=-0' }, { status: 416 }],
  [{ range: 'bytes=1000-' }, { status: 416 }],
  [{ range: 'bytes=0-1,5-6' }, { status: 416 }],
  [{ range: 'bytes=5-4' }, whole],
  [{ range: 'bytes=x' }, whole],
  [{ range: 'bytes=' }, whole],
  [{ range: 'lines=1-2' }, whole],
  [{ range: 'bytes=1-2', 'if-range': '"a"' }, part(1, 2)],
  [{ range: 'bytes=1-2', 'if-range': 'W/"a"' }, whole],
  [{ range: 'bytes=1-2', 'if-range': '"b"' }, whole],
  [{ range: 'bytes=1-2', 'if-range': DATE }, part(1, 2)],
  [{ range: 'bytes=1-2', 'if-range': OLDER }, whole],
  [{ 'if-none-match': '"b", W/"a"' }, { status: 304 }],
  [{ 'if-none-match': '"b"', 'if-modified-since': DATE }, whole],
  [{ 'if-modified-since': DATE }, { status: 304 }],
  [{ 'if-modified-since': OLDER }, whole],
  [{ 'if-modified-since': 'nonsense' }, whole],
  [{ 'if-match': '"b"' }, { status: 412 }],
  [{ 'if-match': 'W/"a"' }, { status: 412 }],
  [{ 'if-match': '*' }, whole],
  [{ 'if-unmodified-since': OLDER }, { status: 412 }],
  [{ 'if-match': '"a"', 'if-unmodified-since': OLDER }, whole],
];

for (const [headers, expected] of table) {
  test(`range: ${JSON.stringify(headers)}`, () => assert.deepEqual(chooseRange('GET', headers, file), expected));
}

test('range: HEAD has none, and an empty file satisfies none', () => {
  assert.deepEqual(chooseRange('HEAD', { range: 'bytes=0-1' }, file), whole);
  assert.deepEqual(chooseRange('GET', { range: 'bytes=0-' }, { ...file, size: 0 }), { status: 416 });
});
