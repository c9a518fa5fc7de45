import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { decodeImaBlock } from '../../media/ima-adpcm.ts';
import { toneBlock } from './tone.ts';

const file = new URL('../../drivers/iwfcam/captures/iwfcam-vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Array<{ name: string; hex: string }>;

test('the first block is bit for bit what the vendor encodes for this tone', () => {
  const packet = vectors.find(({ name }) => name === 'audio-packet-516')!.hex;
  assert.equal(Buffer.from(toneBlock(0)).toString('hex'), packet.slice(2 * 28));
});

test('the tone repeats after 25 blocks and not before', () => {
  assert.equal(toneBlock(25), toneBlock(0));
  assert.notDeepEqual(toneBlock(1), toneBlock(0));
});

test('it decodes to 440 Hz without silence', () => {
  const pcm = Array.from({ length: 8 }, (_, n) => [...decodeImaBlock(toneBlock(n))]).flat();
  const rising = pcm.filter((sample, n) => n > 0 && pcm[n - 1]! < 0 && sample >= 0).length;
  const seconds = pcm.length / 8000;
  assert.ok(Math.abs(rising / seconds - 440) < 4, `${rising / seconds} Hz`);
  assert.ok(Math.max(...pcm) > 8000);
});
