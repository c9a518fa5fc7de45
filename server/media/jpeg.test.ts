import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jpegSize, startsLikeJpeg, trimJpeg } from './jpeg.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const app0 = 'ffe0 0010 4a46494600010100000100010000';
const tables = 'ffc4 0004 aabb';
const frame = (marker: string) => `ff${marker} 000b 08 01e0 0280 01 112233`;

test('a picture is believed from SOI to EOI, without trailing zeros', () => {
  assert.deepEqual(trimJpeg(bytes('ffd8 0102 ffd9')), bytes('ffd8 0102 ffd9'));
  assert.deepEqual(trimJpeg(bytes('ffd8 0102 ffd9 000000')), bytes('ffd8 0102 ffd9'));
  for (const bad of [
    '',
    'ff',
    'ffd8',
    'ffd9',
    'ffd8ff',
    'ffd8 0102',
    'ffd8 0102 ffd9 01',
    '0000ffd8ffd9',
    'ffd8 0000',
    'ffd8 00ff d9ff',
  ]) {
    assert.equal(trimJpeg(bytes(bad)), null, bad);
  }
  assert.deepEqual(trimJpeg(bytes('ffd8ffd9')), bytes('ffd8ffd9'));
});

test('trimming views the same bytes', () => {
  const whole = bytes('ffd8 0102 ffd9 0000');
  assert.equal(trimJpeg(whole)!.buffer, whole.buffer);
  const exact = bytes('ffd8ffd9');
  assert.equal(trimJpeg(exact), exact);
});

test('the size comes from any frame header, past other segments and fill bytes', () => {
  for (const marker of ['c0', 'c1', 'c2', 'c9']) {
    assert.deepEqual(jpegSize(bytes(`ffd8 ${app0} ${tables} ffff${frame(marker)}`)), { width: 640, height: 480 });
  }
  assert.deepEqual(jpegSize(bytes(`ffd8 ffd0 ff01 ${frame('c0')}`)), { width: 640, height: 480 });
});

test('no size: none announced, zero, scan first, lying lengths', () => {
  for (const bad of [
    'ffd8ffd9',
    `ffd8 ${app0}`,
    `ffd8 ffda 0002 ${frame('c0')}`,
    'ffd8 ffe0 0001',
    'ffd8 ffe0 ffff 00',
    'ffd8 ffc0 000b 08 01',
    'ffd8 ffc0 0006 08 01e0 0280',
    'ffd8 ffc0 000b 08 0000 0280 01 112233',
    `ffd8 00 ${frame('c0')}`,
  ]) {
    assert.equal(jpegSize(bytes(bad)), null, bad);
  }
});

test('hostile bytes: every prefix of a picture and endless short segments', () => {
  const picture = bytes(`ffd8 ${app0} ${tables} ${frame('c2')} ffda 0002 0102 ffd9`);
  for (let end = 0; end <= picture.length; end++) {
    jpegSize(picture.subarray(0, end));
    trimJpeg(picture.subarray(0, end));
  }
  const endless = new Uint8Array(1 << 20).fill(0xff);
  endless.set([0xff, 0xd8]);
  assert.equal(jpegSize(endless), null);
  assert.equal(startsLikeJpeg(endless), true);
});
