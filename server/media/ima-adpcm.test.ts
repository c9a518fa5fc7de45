import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { decodeImaBlock, ImaStreamEncoder, pcmBytes } from './ima-adpcm.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

/** 440 Hz as the specification made it: trunc(9000 sin). */
const tone = Int16Array.from({ length: 1024 }, (_, n) => Math.trunc(9000 * Math.sin((2 * Math.PI * 440 * n) / 8000)));

/** What a continuous decoder (sox, ffmpeg) does with the stream: high nibble first, (2 * code + 1) * step / 8. */
function decodeStream(stream: Uint8Array): Int16Array {
  const steps = [7];
  const known =
    '8 9 10 11 12 13 14 16 17 19 21 23 25 28 31 34 37 41 45 50 55 60 66 73 80 88 97 107 118 130 143 157 173 190 209 230 253 279 307 337 371 408 449 494 544 598 658 724 796 876 963 1060 1166 1282 1411 1552 1707 1878 2066 2272 2499 2749 3024 3327 3660 4026 4428 4871 5358 5894 6484 7132 7845 8630 9493 10442 11487 12635 13899 15289 16818 18500 20350 22385 24623 27086 29794 32767';
  steps.push(...known.split(' ').map(Number));
  const pcm = new Int16Array(stream.length * 2);
  let predictor = 0;
  let index = 0;
  for (let n = 0; n < pcm.length; n++) {
    const code = n % 2 === 0 ? stream[n >> 1]! >> 4 : stream[n >> 1]! & 15;
    const step = steps[index]!;
    const change = ((2 * (code & 7) + 1) * step) >> 3;
    predictor = Math.max(-32768, Math.min(32767, predictor + (code & 8 ? -change : change)));
    index = Math.max(0, Math.min(88, index + [-1, -1, -1, -1, 2, 4, 6, 8][code & 7]!));
    pcm[n] = predictor;
  }
  return pcm;
}

test('a block with a header decodes like the vendor', () => {
  assert.deepEqual([...decodeImaBlock(bytes('640005001f2e3d4c'))], [78, 87, 51, 76, 26, 73, 17, 84]);
  assert.deepEqual([...decodeImaBlock(bytes('000000007077f7f2'))], [0, 12, 42, 105, 241, -52, 158, -417]);
});

test('hostile blocks yield nothing or clamp', () => {
  for (const bad of ['', '00', '00000000', '0000590011', '0000ff00aa']) {
    assert.equal(decodeImaBlock(bytes(bad)).length, 0, bad);
  }
  assert.deepEqual([...decodeImaBlock(bytes('ff7f580077'))], [32767, 32767]);
  assert.deepEqual([...decodeImaBlock(bytes('00805800ff'))], [-32768, -32768]);
});

test('PCM bytes are little-endian', () => {
  assert.deepEqual(pcmBytes(Int16Array.of(1, -2, 0x1234)), bytes('0100 feff 3412'));
});

test('the continuous stream decodes to the tone', () => {
  const stream = new ImaStreamEncoder().encode(tone);
  assert.equal(stream.length, 512);
  const back = decodeStream(stream);
  let noise = 0;
  let power = 0;
  for (let n = 64; n < tone.length; n++) {
    noise += (back[n]! - tone[n]!) ** 2;
    power += tone[n]! ** 2;
  }
  assert.ok(10 * Math.log10(power / noise) > 25, `signal to noise ${10 * Math.log10(power / noise)} dB`);
});

test('the state runs on over calls of any size, odd ones too', () => {
  const whole = new ImaStreamEncoder().encode(tone);
  const encoder = new ImaStreamEncoder();
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const size of [1, 2, 3, 0, 7, 511, 300, 200]) {
    parts.push(encoder.encode(tone.subarray(at, at + size)));
    at += size;
  }
  assert.equal(at, tone.length);
  assert.deepEqual(Buffer.concat(parts), Buffer.from(whole));
});

test('silence stays silent and extremes do not overflow', () => {
  const encoder = new ImaStreamEncoder();
  const quiet = decodeStream(encoder.encode(new Int16Array(100)));
  assert.ok(quiet.every((sample) => Math.abs(sample) <= 16));
  const square = Int16Array.from({ length: 1000 }, (_, n) => (n % 20 < 10 ? 32767 : -32768));
  assert.equal(decodeStream(new ImaStreamEncoder().encode(square)).length, 1000);
});

test('the encoder is pinned: a change here changes what every listener hears', () => {
  const digest = createHash('sha256').update(new ImaStreamEncoder().encode(tone)).digest('hex');
  assert.equal(digest, '0701c3977a6bac4baad73ee320b42e1449bb71094cb74abf3155c6804712a86c');
});
