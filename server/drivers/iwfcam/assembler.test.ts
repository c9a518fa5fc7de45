// Reassembly, packet by packet: order, duplicates, wrap, holes, bounds, hostile heads.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Tally } from '../../core/tally.ts';
import { Assembler, type AssemblerCount, isNewer, type Picture, type Sound } from './assembler.ts';
import { limits } from './dialect.ts';
import { encodeAudio, encodeVideo, newMediaPacket, parseMedia } from './wire.ts';

type Vector = { name: string; hex: string };
const file = new URL('captures/iwfcam-vectors.json', import.meta.url);
const vectors = new Map((JSON.parse(readFileSync(file, 'utf8')) as Vector[]).map(({ name, hex }) => [name, hex]));

/** An assembler and all that came out of it. */
class Bench {
  readonly pictures: Picture[] = [];
  readonly sounds: Sound[] = [];
  readonly finished: [frameIndex: number, isWhole: boolean][] = [];
  readonly tally = new Tally<AssemblerCount>();
  nowMs = 1000;
  readonly assembler = new Assembler(
    {
      picture: (picture) => this.pictures.push(picture),
      sound: (sound) => this.sounds.push(sound),
      finished: (frameIndex, isWhole) => this.finished.push([frameIndex, isWhole]),
    },
    this.tally,
  );

  push(...datagrams: Uint8Array[]): this {
    const packet = newMediaPacket();
    for (const bytes of datagrams) {
      assert.equal(parseMedia(bytes, packet), null);
      this.assembler.push(packet, bytes, this.nowMs);
    }
    return this;
  }

  vector(...names: string[]): this {
    return this.push(...names.map((name) => new Uint8Array(Buffer.from(vectors.get(name)!, 'hex'))));
  }

  /** Pictures as the text between their markers. */
  get texts(): string[] {
    return this.pictures.map(({ data }) => Buffer.from(data).subarray(3, -2).toString());
  }
}

const jpeg = (text: string) =>
  Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.from(text), Buffer.from([0xff, 0xd9])]);

type PictureOptions = { head?: boolean | object; cut?: number; timestampMs?: number };

/** The fragments of one picture, cut every few bytes. */
function fragments(frameIndex: number, data: Uint8Array, options: PictureOptions = {}): Uint8Array[] {
  const { head = true, cut = 4, timestampMs = frameIndex * 50 } = options;
  const count = Math.ceil(data.length / cut);
  const announced = { totalBytes: data.length, packetCount: count, width: 320, height: 240, timestampMs };
  return Array.from({ length: count }, (_, packetIndex) =>
    encodeVideo({
      session: 1,
      frameIndex,
      packetIndex,
      payload: data.subarray(packetIndex * cut, (packetIndex + 1) * cut),
      ...(packetIndex === 0 && head !== false && { head: head === true ? announced : { ...announced, ...head } }),
    }),
  );
}

const block = Uint8Array.of(0, 0, 0, 0, 0x70, 0x77);
const audio = (frameIndex: number, timestampMs = frameIndex * 50) =>
  encodeAudio({ session: 1, frameIndex, timestampMs, block });

test('serial arithmetic of the counter', () => {
  assert.ok(isNewer(1, 0) && isNewer(0, 0xffff) && isNewer(0x8000, 1) && isNewer(5, 0xfff0));
  assert.ok(!isNewer(0, 0) && !isNewer(0, 1) && !isNewer(0xffff, 0) && !isNewer(0x8000, 0));
});

test('the vector of three fragments joins to its bytes, at once with the last', () => {
  const bench = new Bench();
  bench.vector('video-frame-pkt0-of-3', 'video-frame-pkt1-of-3');
  assert.equal(bench.pictures.length, 0);
  bench.vector('video-frame-pkt2-of-3');
  const [picture] = bench.pictures;
  assert.equal(Buffer.from(picture!.data).toString('hex'), vectors.get('video-frame-reassembled'));
  assert.equal(picture!.width, 640);
  assert.equal(picture!.height, 480);
  assert.equal(picture!.mediaMs, 123456);
});

test('the two single-packet vectors are consecutive over the wrap', () => {
  const bench = new Bench().vector('video-single-pkt-frame-65535', 'video-single-pkt-frame-0-after-wrap');
  assert.equal(bench.pictures.length, 2);
  assert.equal(bench.assembler.lostPictures, 0);
});

test('any order of the fragments of one picture gives the same picture', () => {
  const parts = fragments(9, jpeg('out of order!'));
  for (let shift = 0; shift < parts.length; shift++) {
    const turned = [...parts.slice(shift), ...parts.slice(0, shift)];
    for (const order of [turned, turned.toReversed()]) {
      assert.deepEqual(new Bench().push(...order).texts, ['out of order!']);
    }
  }
});

test('packets of two pictures interleave', () => {
  const a = fragments(1, jpeg('first'));
  const b = fragments(2, jpeg('second'));
  const bench = new Bench().push(a[0]!, a[1]!, b[0]!, a[2]!, ...b.slice(1));
  assert.deepEqual(bench.texts, ['first', 'second']);
  assert.equal(bench.assembler.lostPictures, 0);
});

test('every packet twice, and late copies of finished pictures: one picture each, acknowledged again', () => {
  const a = fragments(1, jpeg('first'));
  const b = fragments(2, jpeg('second'));
  const twice = (parts: Uint8Array[]) => parts.flatMap((part) => [part, part]);
  const bench = new Bench().push(...twice(a), ...twice(b));
  assert.deepEqual(bench.texts, ['first', 'second']);
  bench.push(a[1]!);
  assert.deepEqual(bench.texts, ['first', 'second']);
  assert.deepEqual(bench.finished.at(-1), [1, true]);
  assert.equal(bench.assembler.lostPictures, 0);
  assert.equal(bench.tally.get('packetDuplicate'), a.length + b.length + 1);
});

test('a hole loses that picture only, counts it, and acknowledges it as over', () => {
  const lost = fragments(1, jpeg('lost one'));
  const bench = new Bench().push(...lost.toSpliced(1, 1), ...fragments(2, jpeg('next')));
  assert.deepEqual(bench.texts, ['next']);
  assert.equal(bench.assembler.lostPictures, 1);
  assert.equal(bench.tally.get('pictureIncomplete'), 1);
  assert.deepEqual(bench.finished, [
    [2, true],
    [1, false],
  ]);
  bench.push(lost[1]!);
  assert.deepEqual(bench.texts, ['next'], 'the missing packet comes too late');
  assert.equal(bench.assembler.lostPictures, 1, 'and is not counted twice');
  assert.equal(bench.tally.get('packetLate'), 1);
});

test('a picture overtaken as a whole is lost, once', () => {
  const late = fragments(1, jpeg('overtaken'));
  const bench = new Bench().push(...fragments(2, jpeg('newer')), ...late);
  assert.deepEqual(bench.texts, ['newer']);
  assert.equal(bench.assembler.lostPictures, 1);
  assert.equal(bench.tally.get('pictureLate'), 1);
});

test('without another packet a picture is given up after half a second', () => {
  const bench = new Bench().push(fragments(1, jpeg('never whole'))[0]!);
  bench.assembler.expire(bench.nowMs + limits.abandonMs - 1);
  assert.equal(bench.assembler.held.pictures, 1);
  bench.assembler.expire(bench.nowMs + limits.abandonMs);
  assert.deepEqual(bench.assembler.held, { pictures: 0, bytes: 0 });
  assert.equal(bench.assembler.lostPictures, 1);
});

test('the counter may wrap in the middle of everything', () => {
  const bench = new Bench();
  for (let n = 0; n < 40; n++) {
    const index = (0xffec + n) & 0xffff;
    bench.nowMs += 50;
    if (n % 3 === 0) bench.push(audio(index, n * 50));
    else bench.push(...fragments(index, jpeg(`n${n}`)));
  }
  assert.equal(bench.pictures.length, 26);
  assert.equal(bench.sounds.length, 14);
  assert.equal(bench.assembler.lostPictures, 0);
});

test('the counter may start anew after two seconds of nothing, not before', () => {
  const bench = new Bench().push(...fragments(500, jpeg('before')));
  bench.nowMs += limits.counterResetMs - 1;
  bench.push(...fragments(3, jpeg('too soon')));
  bench.nowMs += 1;
  bench.push(...fragments(0, jpeg('rebooted')), ...fragments(1, jpeg('again')));
  assert.deepEqual(bench.texts, ['before', 'rebooted', 'again']);
});

test('device time goes on over the wrap of its 32 bits, for pictures and sound alike', () => {
  const bench = new Bench();
  bench.push(...fragments(1, jpeg('a'), { timestampMs: 0xffffff00 }), audio(2, 0xffffffff));
  bench.push(...fragments(3, jpeg('b'), { timestampMs: 0x100 }));
  assert.deepEqual(
    bench.pictures.map(({ mediaMs }) => mediaMs),
    [0xffffff00, 0x100000100],
  );
  assert.equal(bench.sounds[0]!.mediaMs, 0xffffffff);
});

test('without a head: whole when gap-free and ended, or when a newer picture begins', () => {
  const headless = { head: false };
  const bench = new Bench().push(...fragments(1, jpeg('no head'), headless));
  assert.deepEqual(bench.texts, ['no head']);
  assert.equal(bench.pictures[0]!.mediaMs, null);
  const reversed = new Bench().push(...fragments(1, jpeg('backwards'), headless).toReversed());
  assert.deepEqual(reversed.texts, ['backwards']);
  const padded = new Bench().push(...fragments(1, Buffer.concat([jpeg('padded'), Buffer.alloc(9)]), headless));
  assert.deepEqual(padded.texts, []);
  assert.deepEqual(padded.push(...fragments(2, jpeg('next'), headless)).texts, ['padded', 'next']);
  const holed = new Bench().push(...fragments(1, jpeg('with a hole'), headless).toSpliced(1, 1));
  holed.push(...fragments(2, jpeg('next'), headless));
  assert.deepEqual(holed.texts, ['next']);
  assert.equal(holed.assembler.lostPictures, 1);
});

test('sound comes in order: late blocks are dropped, copies acknowledged again', () => {
  const bench = new Bench().push(audio(5), audio(5), audio(7), audio(6), audio(8));
  assert.equal(bench.sounds.length, 3);
  assert.equal(bench.tally.get('soundLate'), 1);
  assert.deepEqual(bench.sounds[0]!.data, block);
  assert.deepEqual(
    bench.finished.map(([index]) => index),
    [5, 5, 7, 8],
  );
});

test('a picture knows its size better than the packet', () => {
  const sof = Buffer.from('ffd8ffc0000b0801e0028001112233ffd9', 'hex');
  const [picture] = new Bench().push(...fragments(1, sof)).pictures;
  assert.deepEqual([picture!.width, picture!.height], [640, 480]);
});

test('zeros behind a picture are cut off', () => {
  const padded = Buffer.concat([jpeg('padded'), Buffer.alloc(7)]);
  assert.deepEqual(new Bench().push(...fragments(1, padded)).texts, ['padded']);
});
