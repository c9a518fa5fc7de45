// Streams cut at every byte, pictures inside pictures, firmware without end markers, and bounds.

import assert from 'node:assert/strict';
import test from 'node:test';
import { NvrError } from '../core/nvr-error.ts';
import { MAX_PREAMBLE_BYTES, MultipartReader } from './multipart.ts';

const segment = (marker: number, body: Buffer) =>
  Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255]), body]);

/** A JPEG by structure only; `scan` must not contain markers. */
function jpeg(scan: string, extra: readonly Buffer[] = []): Buffer {
  const parts = [
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, Buffer.from('JFIF')),
    ...extra,
    segment(0xda, Buffer.from('abc')),
  ];
  return Buffer.concat([...parts, Buffer.from(scan, 'latin1'), Buffer.from([0xff, 0xd9])]);
}

function read(chunks: readonly Uint8Array[]): { pictures: Buffer[]; damaged: number } {
  const result = { pictures: [] as Buffer[], damaged: 0 };
  const reader = new MultipartReader({
    picture: (data) => result.pictures.push(Buffer.from(data)),
    damaged: () => result.damaged++,
  });
  for (const chunk of chunks) reader.push(chunk);
  return result;
}

const part = (body: Buffer, headers = '') =>
  Buffer.concat([Buffer.from(`--b\r\nContent-Type: image/jpeg\r\n${headers}\r\n`), body, Buffer.from('\r\n')]);

test('the same pictures come out wherever the stream is cut', () => {
  const wanted = [jpeg('one\xff\x00two\xff\xd0three'), jpeg('four'), jpeg('five\xff\xff\x00')];
  const stream = Buffer.concat(wanted.map((each) => part(each, `Content-Length: ${each.length}\r\n`)));
  for (let cut = 0; cut <= stream.length; cut++) {
    assert.deepEqual(read([stream.subarray(0, cut), stream.subarray(cut)]).pictures, wanted, `cut at ${cut}`);
  }
  assert.deepEqual(read([...stream].map((byte) => Uint8Array.of(byte))).pictures, wanted);
});

test('a picture is given out with its last byte, not with the next part', () => {
  const picture = jpeg('x');
  assert.deepEqual(read([Buffer.from('--b\r\n\r\n'), picture]).pictures, [picture]);
});

test('a thumbnail inside a segment is part of the picture', () => {
  const picture = jpeg('x', [segment(0xe1, Buffer.concat([Buffer.from('Exif'), jpeg('thumbnail')]))]);
  assert.deepEqual(read([part(picture)]).pictures, [picture]);
});

test('a picture with several scans and a table between them is one picture', () => {
  const scans = Buffer.concat([
    ...[jpeg('first').subarray(0, -2), segment(0xc4, Buffer.from('table'))],
    ...[segment(0xda, Buffer.from('abc')), Buffer.from('second'), Buffer.from([0xff, 0xd9])],
  ]);
  assert.deepEqual(read([part(scans)]).pictures, [scans]);
});

test('a picture that is cut short is left out, and the next one is whole', () => {
  const whole = jpeg('whole');
  const short = jpeg('a long picture').subarray(0, -8);
  const { pictures, damaged } = read([part(short), part(whole)]);
  assert.deepEqual([pictures, damaged], [[whole], 1]);
});

test('a part without an end marker is given out by its length', () => {
  const bare = jpeg('bare').subarray(0, -2);
  const headers = `Content-Length: ${bare.length}\r\n`;
  assert.deepEqual(read([part(bare, headers), part(bare, headers)]).pictures, [bare]);
  assert.deepEqual(read([part(bare, headers), part(bare, headers), Buffer.from('--b')]).pictures, [bare, bare]);
});

test('endless text is an error, and so is an endless picture', () => {
  const refuses = (chunk: Buffer, first: Uint8Array = Buffer.alloc(0)) => {
    const reader = new MultipartReader({ picture() {}, damaged() {} });
    reader.push(first);
    assert.throws(() => {
      for (let n = 0; n < 400; n++) reader.push(chunk);
    }, NvrError);
  };
  refuses(Buffer.alloc(MAX_PREAMBLE_BYTES / 100, 'x'));
  refuses(Buffer.alloc(64 * 1024, 'x'), jpeg('').subarray(0, -2));
});
