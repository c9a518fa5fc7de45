// Reassembly of what nobody should send: lying heads, endless pictures, memory bounds.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Tally } from '../../core/tally.ts';
import { Assembler, type AssemblerCount } from './assembler.ts';
import { limits } from './dialect.ts';
import { encodeVideo, type FrameHead, newMediaPacket, parseMedia } from './wire.ts';

type Vector = { name: string; hex: string };
const file = new URL('captures/iwfcam-vectors.json', import.meta.url);
const vectors = new Map((JSON.parse(readFileSync(file, 'utf8')) as Vector[]).map(({ name, hex }) => [name, hex]));

function bench() {
  const tally = new Tally<AssemblerCount>();
  const pictures: Uint8Array[] = [];
  const assembler = new Assembler({ picture: ({ data }) => pictures.push(data), sound() {}, finished() {} }, tally);
  const packet = newMediaPacket();
  const push = (bytes: Uint8Array, nowMs = 0) => {
    const drop = parseMedia(bytes, packet);
    if (drop === null) assembler.push(packet, bytes, nowMs);
    return drop;
  };
  return { tally, pictures, assembler, push };
}

const head = (changes: Partial<FrameHead> = {}): FrameHead => ({
  totalBytes: 8,
  packetCount: 2,
  width: 640,
  height: 480,
  timestampMs: 1,
  ...changes,
});
const soi = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0);
const eoi = Uint8Array.of(1, 2, 0xff, 0xd9);
const video = (frameIndex: number, packetIndex: number, payload: Uint8Array, of?: FrameHead) =>
  encodeVideo({ session: 1, frameIndex, packetIndex, payload, ...(of && { head: of }) });

for (const name of ['bad-frame-head-insane', 'bad-not-jpeg', 'bad-jpeg-without-eoi']) {
  test(`${name}: no picture`, () => {
    const { pictures, push, assembler } = bench();
    assert.equal(push(new Uint8Array(Buffer.from(vectors.get(name)!, 'hex'))), null);
    assembler.expire(10_000);
    assert.equal(pictures.length, 0);
    assert.equal(assembler.held.pictures, 0);
    assert.equal(assembler.lostPictures, 1);
  });
}

test('a packet beyond the announced count is dropped, the picture completes', () => {
  const { pictures, push, tally } = bench();
  for (const name of [
    'video-frame-pkt0-of-3',
    'bad-pkt-index-beyond-count',
    'video-frame-pkt1-of-3',
    'video-frame-pkt2-of-3',
  ]) {
    push(new Uint8Array(Buffer.from(vectors.get(name)!, 'hex')));
  }
  assert.equal(pictures.length, 1);
  assert.equal(tally.get('packetBeyondCount'), 1);
});

test('packets beyond the count that came before the head: the picture is dropped', () => {
  const { pictures, push, tally } = bench();
  push(video(1, 5, eoi));
  push(video(1, 0, soi, head()));
  push(video(1, 1, eoi));
  assert.equal(pictures.length, 0);
  assert.equal(tally.get('pictureHeadConflict'), 1);
});

test('two different heads for one picture: dropped, also what follows of it', () => {
  const { pictures, push, tally } = bench();
  push(video(1, 0, soi, head()));
  push(video(1, 0, soi, head({ packetCount: 3, totalBytes: 12 })));
  push(video(1, 1, eoi));
  assert.equal(pictures.length, 0);
  assert.equal(tally.get('pictureHeadConflict'), 1);
  assert.equal(tally.get('packetLate'), 1);
});

test('a total that the fragments do not add up to: dropped', () => {
  for (const totalBytes of [7, 9]) {
    const { pictures, push, tally } = bench();
    push(video(1, 0, soi, head({ totalBytes })));
    push(video(1, 1, eoi));
    assert.equal(pictures.length, 0);
    assert.equal(tally.get('pictureBadLength'), 1);
  }
});

test('heads out of range are ignored: the bytes alone decide', () => {
  const insane = [
    { packetCount: 0 },
    { packetCount: 2049 },
    { packetCount: 0xffffffff, totalBytes: 0xffffffff },
    { totalBytes: 0 },
    { totalBytes: limits.frameBytes + 1, packetCount: 2048 },
    { totalBytes: 2 * 1472 + 1 },
  ];
  for (const changes of insane) {
    const { pictures, push, tally } = bench();
    push(video(1, 0, soi, head(changes)));
    push(video(1, 1, eoi));
    assert.equal(tally.get('headIgnored'), 1, JSON.stringify(changes));
    assert.equal(pictures.length, 1);
  }
});

test('open pictures are bounded by number: the oldest goes', () => {
  const { push, assembler, tally } = bench();
  for (let n = 0; n < 100; n++) push(video(n * 7, 0, soi, head()));
  assert.equal(assembler.held.pictures, limits.openFrames);
  assert.equal(tally.get('pictureIncomplete'), 96);
});

test('kept memory is bounded by bytes, whatever sizes payloads and datagrams have', () => {
  const { push, assembler, tally } = bench();
  let most = 0;
  for (let frame = 0; frame < 8; frame++) {
    for (let n = 1; n < 2048; n++) {
      push(video(frame, n, new Uint8Array(1472)), frame * 400);
      most = Math.max(most, assembler.held.bytes);
    }
  }
  assert.ok(tally.get('pictureTooBig') >= 8);
  // Small payloads in long datagrams: what is kept is the datagram.
  for (let frame = 20; frame < 28; frame++) {
    for (let n = 1; n < 2048; n++) {
      const padded = new Uint8Array(limits.datagramBytes);
      padded.set(video(frame, n, Uint8Array.of(1)));
      push(padded, frame * 400);
      most = Math.max(most, assembler.held.bytes);
    }
  }
  assert.ok(most <= limits.openFrames * (2 * limits.frameBytes + limits.datagramBytes), `${most}`);
  const huge = new Uint8Array(60_000);
  huge.set(video(40, 1, Uint8Array.of(1)));
  push(huge);
  assert.equal(tally.get('packetTooBig'), 1);
});

test('thirty pictures of another codec in a row are noticed, one good one resets the count', () => {
  const { push, assembler } = bench();
  const annexB = Uint8Array.of(0, 0, 0, 1, 0x67, 0x64, 0, 0x28);
  for (let n = 0; n < 29; n++) push(video(n, 0, annexB, head({ packetCount: 1 })));
  assert.deepEqual(assembler.codecTrouble, { pictures: 29, looksLikeH264: true });
  push(video(50, 0, Uint8Array.of(...soi, ...eoi), head({ packetCount: 1 })));
  assert.equal(assembler.codecTrouble.pictures, 0);
});

test('a datagram may be longer than it says; what follows is ignored', () => {
  const { push, pictures } = bench();
  const bytes = video(1, 0, Uint8Array.of(...soi, ...eoi), head({ packetCount: 1 }));
  const longer = new Uint8Array(bytes.length + 100).fill(7);
  longer.set(bytes);
  push(longer);
  assert.equal(pictures[0]!.length, 8);
});

test('a picture that claims more pixels than any camera has is dropped', () => {
  const { push, pictures, tally } = bench();
  const bomb = Buffer.from('ffd8ffc0000b08ffffffff01112233ffd9', 'hex');
  push(video(1, 0, bomb, head({ packetCount: 1, totalBytes: bomb.length })));
  assert.equal(pictures.length, 0);
  assert.equal(tally.get('pictureTooManyPixels'), 1);
});
