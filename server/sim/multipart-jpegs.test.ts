import assert from 'node:assert/strict';
import test from 'node:test';
import { MultipartJpegs } from './multipart-jpegs.ts';

const part = (body: string) =>
  `--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: ${body.length}\r\n\r\n${body}\r\n`;
const stream = Buffer.from(part('one') + part('two\r\n\r\n--ffmpeg') + part('three'), 'latin1');

for (const size of [1, 7, 64, 1000]) {
  test(`parts are cut by their length, in pieces of ${size} bytes`, () => {
    const cutter = new MultipartJpegs();
    const parts: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      parts.push(...cutter.push(stream.subarray(at, at + size)).map((bytes) => bytes.toString('latin1')));
    }
    assert.deepEqual(parts, ['one', 'two\r\n\r\n--ffmpeg', 'three']);
  });
}

test('anything else is an error and not endless memory', () => {
  assert.throws(() => new MultipartJpegs().push(Buffer.alloc(10_000)));
  assert.throws(() => new MultipartJpegs().push(Buffer.from('--ffmpeg\r\nContent-length: 99999999\r\n\r\n')));
  assert.throws(() => new MultipartJpegs().push(Buffer.from('--ffmpeg\r\nContent-type: image/jpeg\r\n\r\n')));
});
