import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WavReader } from './wav-reader.ts';

const samples = [0, 16384, -16384, -32768];

/** An endless WAV's beginning: both sizes all ones. */
function wav(bits = 16, channels = 1): Uint8Array {
  const bytes = Buffer.alloc(44 + samples.length * 2);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(0xffffffff, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(8000, 24);
  bytes.writeUInt32LE(16000, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(bits, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(0xffffffff, 40);
  samples.forEach((sample, index) => void bytes.writeInt16LE(sample, 44 + index * 2));
  return new Uint8Array(bytes);
}

test('reads a stream in pieces of every size', () => {
  for (let size = 1; size <= 60; size++) {
    const reader = new WavReader();
    const got: number[] = [];
    const bytes = wav();
    for (let at = 0; at < bytes.length; at += size) got.push(...reader.push(bytes.subarray(at, at + size)));
    assert.deepEqual(reader.format, { channels: 1, sampleRate: 8000 });
    assert.deepEqual(got, [0, 0.5, -0.5, -1], `pieces of ${size}`);
  }
});

test('takes the first of two channels', () => {
  assert.deepEqual([...new WavReader().push(wav(16, 2))], [0, -0.5]);
});

test('refuses what it does not play, and never collects for ever', () => {
  assert.throws(() => new WavReader().push(wav(8)));
  assert.throws(() => new WavReader().push(new TextEncoder().encode('<html>nothing to hear</html>')));
  const reader = new WavReader();
  const endless = new Uint8Array(100).fill(1);
  endless.set(wav().subarray(0, 12));
  reader.push(endless);
  assert.throws(() => {
    for (let i = 0; i < 100; i++) reader.push(new Uint8Array(100).fill(1));
  });
});
