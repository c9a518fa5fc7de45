// G.711 against ffmpeg's decoder, all 256 codes of both laws; known corner values without it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { decodeG711 } from './g711.ts';
import { decodeSound } from './sound-decoder.ts';

const codes = Uint8Array.from({ length: 256 }, (_, n) => n);

test('corner values of the recommendation', () => {
  assert.deepEqual([...decodeG711('pcmu', Uint8Array.of(0xff, 0x7f, 0x80, 0x00))], [0, 0, 32_124, -32_124]);
  assert.deepEqual([...decodeG711('pcma', Uint8Array.of(0xd5, 0x55, 0xaa, 0x2a))], [8, -8, 32_256, -32_256]);
});

for (const [law, format] of [
  ['pcma', 'alaw'],
  ['pcmu', 'mulaw'],
] as const) {
  const skip = spawnSync('ffmpeg', ['-version']).error === undefined ? false : 'ffmpeg is not installed';
  test(`${law} is what ffmpeg decodes`, { skip }, () => {
    const { stdout } = spawnSync(
      'ffmpeg',
      ['-loglevel', 'error', '-f', format, '-ar', '8000', '-ac', '1', '-i', '-', '-f', 's16le', '-'],
      { input: codes },
    );
    const wanted = new Int16Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + 512));
    assert.deepEqual(decodeSound({ codec: law, data: codes }), wanted);
  });
}

test('AAC needs a real decoder; PCM is read at any place in memory', () => {
  assert.equal(decodeSound({ codec: 'aac', data: codes }), null);
  const odd = Uint8Array.of(9, 1, 0, 0xff, 0xff).subarray(1);
  assert.deepEqual(decodeSound({ codec: 'pcm-s16le', data: odd }), Int16Array.of(1, -1));
});
