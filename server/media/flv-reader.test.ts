import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import { seededRandom } from '../core/random.ts';
import { FlvReader } from './flv-reader.ts';

function tag(timeMs: number, body: number[], type = 9): number[] {
  const size = body.length;
  const time = [(timeMs >>> 16) & 255, (timeMs >>> 8) & 255, timeMs & 255, timeMs >>> 24];
  return [type, size >> 16, (size >> 8) & 255, size & 255, ...time, 0, 0, 0, ...body, 0, 0, 0, 0];
}

const file = Uint8Array.from([
  ...[0x46, 0x4c, 0x56, 1, 1, 0, 0, 0, 9, 0, 0, 0, 0],
  ...tag(0, [2, 0], 18),
  ...tag(0, [0x17, 0, 0, 0, 0, 1, 100, 0, 41]),
  ...tag(0, [0x17, 1, 0, 0, 0, 5, 5]),
  ...tag(0x89_ab_cd_ef, [0x27, 1, 0, 0, 0, 6]),
  ...tag(0x89_ab_cd_ef, [0x17, 2, 0, 0, 0]),
]);

test('configuration and frames, in pieces of any size; times are unsigned', () => {
  for (const step of [1, 3, file.length]) {
    const reader = new FlvReader();
    const events = [];
    for (let at = 0; at < file.length; at += step) events.push(...reader.push(file.subarray(at, at + step)));
    assert.deepEqual(events, [
      { kind: 'config', data: Uint8Array.of(1, 100, 0, 41) },
      { kind: 'frame', timeMs: 0, key: true, data: Uint8Array.of(5, 5) },
      { kind: 'frame', timeMs: 0x89_ab_cd_ef, key: false, data: Uint8Array.of(6) },
    ]);
  }
});

test('hostile bytes give errors of the protocol only', () => {
  const random = seededRandom(5);
  for (let round = 0; round < 2000; round++) {
    const damaged = file.slice(0, 1 + Math.floor(random() * file.length));
    damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
    try {
      new FlvReader().push(damaged);
    } catch (error) {
      assert.ok(isNvrError(error, 'protocol'));
    }
  }
});
