// Heads and fragments as ffmpeg writes them for the recorder, byte by byte, without ffmpeg: small boxes made here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEnd, neighborPicture, parseHead, pictureTimes } from './playback-boxes.ts';

const u32 = (...values: number[]) =>
  values.flatMap((v) => [(v >>> 24) & 255, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]);
const text = (value: string) => [...value].map((char) => char.charCodeAt(0));
const zeros = (count: number) => new Array<number>(count).fill(0);
const box = (type: string, ...parts: number[][]): number[] => {
  const body = parts.flat();
  return [...u32(body.length + 8), ...text(type), ...body];
};

function trak(id: number, kind: 'vide' | 'soun', timescale: number, entry: number[], edit: number[] = []): number[] {
  return box(
    'trak',
    box('tkhd', u32(3, 0, 0, id), zeros(64)),
    edit,
    box(
      'mdia',
      box('mdhd', u32(0, 0, 0, timescale, 0, 0)),
      box('hdlr', u32(0, 0), text(kind), zeros(13)),
      box('minf', box('stbl', box('stsd', u32(0, 1), entry))),
    ),
  );
}
const avc1 = box('avc1', zeros(78), box('avcC', [1, 0x64, 0x00, 0x1f, 255]));
const hvcC = [1, 0x01, ...u32(0x60000000), 0x90, 0, 0, 0, 0, 0, 93, 0];
const hvc1 = box('hvc1', zeros(78), box('hvcC', hvcC));
const mp4a = box('mp4a', zeros(28), box('esds', u32(0), [3, 1]));
const trex = (id: number, duration: number) => box('trex', u32(0, id, 1, duration, 0, 0));
const head = (...traks: number[][]) =>
  Uint8Array.from([...box('ftyp', text('iso5')), ...box('moov', ...traks, box('mvex', trex(1, 3000), trex(2, 1024)))]);

test('codecs, tracks and the edit list', () => {
  const plain = parseHead(head(trak(1, 'vide', 90_000, avc1)));
  assert.equal(plain?.mime, 'video/mp4; codecs="avc1.64001f"');
  assert.deepEqual([plain?.video, plain?.hasSound, plain?.timescale, plain?.editStart], ['h264', false, 90_000, 0]);
  const edit = box('edts', box('elst', u32(0, 1, 0, 3000, 0x10000)));
  const both = parseHead(head(trak(1, 'vide', 90_000, avc1, edit), trak(2, 'soun', 8000, mp4a)));
  assert.equal(both?.mime, 'video/mp4; codecs="avc1.64001f, mp4a.40.2"');
  assert.deepEqual([both?.hasSound, both?.editStart, both?.defaultDuration], [true, 3000, 3000]);
  const hevc = parseHead(head(trak(1, 'vide', 90_000, hvc1)));
  assert.equal(hevc?.mime, 'video/mp4; codecs="hvc1.1.6.L93.90"');
  assert.equal(hevc?.video, 'h265');
});

test('damaged and unknown heads are null, never an error', () => {
  const whole = head(trak(1, 'vide', 90_000, avc1));
  for (let length = 0; length < whole.length; length += 3) parseHead(whole.subarray(0, length));
  assert.equal(parseHead(whole.subarray(0, 20)), null);
  assert.equal(parseHead(head(trak(1, 'vide', 90_000, box('xyz1', zeros(78))))), null);
  assert.equal(parseHead(head(trak(2, 'soun', 8000, mp4a))), null);
});

test('times of pictures: default and own durations, composition, other tracks left out', () => {
  const facts = parseHead(head(trak(1, 'vide', 90_000, avc1), trak(2, 'soun', 8000, mp4a)));
  assert.ok(facts);
  const traf = (id: number, at: number, ...parts: number[][]) =>
    box('traf', box('tfhd', u32(0x020000, id)), box('tfdt', u32(0x01000000, 0, at)), ...parts);
  const usual = box('trun', u32(0, 3));
  // durations and composition offsets: I P B in decoding order
  const own = box('trun', u32(0x01000900, 3), u32(9000, 9000, 9000, 27_000, 9000, 0));
  const bytes = Uint8Array.from([
    ...box('moof', traf(1, 90_000, usual), traf(2, 5, usual)),
    ...box('mdat', zeros(5)),
    ...box('moof', traf(1, 180_000, own)),
    ...box('mdat', zeros(5)),
  ]);
  const times = pictureTimes(bytes, facts).map((time) => Math.round(time * 1000));
  assert.deepEqual(times, [1000, 1033, 1067, 2100, 2200, 2400]);
  assert.deepEqual(pictureTimes(bytes.subarray(0, 60), facts).length <= 3, true);
  assert.equal(decodeEnd(bytes, facts), 2.3, 'a picture of 2.4 s is there, and those before it may still come');
  assert.equal(decodeEnd(Uint8Array.from(box('moof', traf(2, 5, usual))), facts), null);
});

test('the picture after and before the one on the screen', () => {
  const times = [0, 40, 80, 200];
  assert.equal(neighborPicture(times, 40, 1, 0.5), 80);
  assert.equal(neighborPicture(times, 41, -1, 0.5), 0);
  assert.equal(neighborPicture(times, 40, -1, 0.5), 0);
  assert.equal(neighborPicture(times, 200, 1, 0.5), null);
  assert.equal(neighborPicture(times, 0, -1, 0.5), null);
});
