// Access units out of packets: markers forgotten, fragments lost, sets that change, several units in one packet.

import assert from 'node:assert/strict';
import test from 'node:test';
import { testPps, testSps } from '../test/source-world.ts';
import { createH264Depacketizer } from './h264-depacketizer.ts';
import { MAX_ACCESS_UNIT_BYTES, splitUnits } from './nal.ts';
import type { RtpPicture } from './rtp-depacketizer.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const IDR = '65b80011';
const SLICE = '41e20022';

type Step = { payload: Uint8Array; time: number; marker?: boolean; lost?: number };

/** Runs packets. @returns the units of each picture in hex, and the counts of what was dropped */
function run(steps: readonly Step[], withSets = true) {
  const pictures: RtpPicture[] = [];
  const drops: string[] = [];
  const sets = [testSps, testPps].map((set) => Buffer.from(set).toString('base64')).join(',');
  const depacketizer = createH264Depacketizer(new Map(withSets ? [['sprop-parameter-sets', sets]] : []), {
    frame: (frame) => void pictures.push(frame as RtpPicture),
    drop: (reason) => void drops.push(reason),
  });
  for (const [n, { payload, time, marker = false, lost = 0 }] of steps.entries()) {
    depacketizer.push({ payloadType: 96, marker, sequence: n, timestamp: time, ssrc: 1, payload }, lost);
  }
  const units = pictures.map(({ data }) =>
    splitUnits(data)!
      .map((unit) => Buffer.from(unit).toString('hex'))
      .join(' '),
  );
  return { pictures, units, drops };
}

const idr = { payload: bytes(IDR), time: 0, marker: true };
const stap = (...units: Uint8Array[]) =>
  new Uint8Array(
    Buffer.concat([Buffer.from([24]), ...units.map((unit) => Buffer.concat([Buffer.from([0, unit.length]), unit]))]),
  );

test('sets from the description; the size from the SPS', () => {
  const { pictures } = run([idr]);
  const [{ key, width, height, codecConfig }] = pictures as [RtpPicture];
  assert.deepEqual([key, width, height], [true, 640, 360]);
  assert.ok(Buffer.from(codecConfig!).includes(Buffer.from(testSps)));
});

test('sets in the stream, delimiter and sets left out of the picture', () => {
  const { units } = run([{ payload: stap(bytes('09f0'), testSps, testPps, bytes(IDR)), time: 0, marker: true }], false);
  assert.deepEqual(units, [IDR]);
});

test('without sets, and before a key picture, nothing comes', () => {
  assert.deepEqual(run([idr], false).drops, ['beforeKey']);
  assert.deepEqual(
    run([
      { payload: bytes(SLICE), time: 0, marker: true },
      { ...idr, time: 1 },
    ]).units,
    [IDR],
  );
});

test('a forgotten marker: the next time ends the picture', () => {
  const { units } = run([
    { payload: bytes(IDR), time: 0 },
    { payload: bytes(SLICE), time: 1 },
    { payload: bytes(SLICE), time: 2 },
  ]);
  assert.deepEqual(units, [IDR, SLICE]);
});

test('a marker on sets alone makes no picture', () => {
  const { units, drops } = run([
    { payload: testSps, time: 0, marker: true },
    { payload: testPps, time: 0, marker: true },
    idr,
  ]);
  assert.deepEqual([units, drops], [[IDR], []]);
});

test('fragments are joined; several units with start codes in one are parted', () => {
  const { units } = run([
    { payload: bytes('7c85b8'), time: 0 },
    { payload: bytes('7c0500'), time: 0 },
    { payload: bytes('7c4511'), time: 0, marker: true },
    { payload: bytes(`${SLICE}00000001${SLICE}000001${SLICE}`), time: 1, marker: true },
  ]);
  assert.deepEqual(units, [IDR, `${SLICE} ${SLICE} ${SLICE}`]);
});

test('a damaged key picture takes its group with it; a damaged other one only itself', () => {
  const slice = (time: number) => ({ payload: bytes(SLICE), time, marker: true });
  const brokenKey = { payload: bytes('7c4511'), time: 1, marker: true, lost: 1 };
  const { units, drops } = run([
    idr,
    brokenKey,
    slice(2),
    slice(3),
    { ...idr, time: 4 },
    { ...slice(5), lost: 1 },
    slice(6),
  ]);
  assert.deepEqual(units, [IDR, IDR, SLICE]);
  assert.deepEqual(drops, ['damaged', 'beforeKey', 'beforeKey', 'damaged']);
});

test('sets in the middle of a group: in the picture that comes next, and in the configuration from the next key picture on', () => {
  const pps4 = bytes('682a5bc8'); // id 4
  const steps = [idr, { payload: pps4, time: 1 }, { payload: bytes(SLICE), time: 1, marker: true }];
  const again = [
    { payload: pps4, time: 2 },
    { payload: bytes(SLICE), time: 2, marker: true },
    { payload: bytes(IDR), time: 3, marker: true },
    { payload: bytes(SLICE), time: 4, marker: true },
  ];
  const { units, pictures } = run([...steps, ...again]);
  assert.deepEqual(units, [IDR, `682a5bc8 ${SLICE}`, SLICE, IDR, SLICE]);
  const has = ({ codecConfig }: RtpPicture) => Buffer.from(codecConfig!).includes(Buffer.from(pps4));
  assert.deepEqual(pictures.map(has), [false, false, false, true, true]);
  // A picture that is lost does not take them along.
  const lost = run([
    idr,
    { payload: pps4, time: 1 },
    { payload: bytes(SLICE), time: 1, marker: true, lost: 1 },
    ...again,
  ]);
  assert.deepEqual(lost.units, [IDR, `682a5bc8 ${SLICE}`, IDR, SLICE]);
});

test('a new SPS counts from its key picture on', () => {
  const other = testSps.slice();
  other[3] = 40;
  const { pictures } = run([idr, { payload: stap(other, bytes(SLICE)), time: 1, marker: true }, { ...idr, time: 2 }]);
  assert.equal(pictures[1]!.codecConfig, pictures[0]!.codecConfig);
  assert.equal(pictures[2]!.codecConfig![3], 40);
});

test('a picture without an end is bounded', () => {
  const piece = new Uint8Array(60_000).fill(1);
  piece.set([0x7c, 0x05]);
  const steps = Array.from({ length: 2 + MAX_ACCESS_UNIT_BYTES / 59_998 }, () => ({ payload: piece, time: 0 }));
  const { drops } = run([{ payload: bytes('7c85b8'), time: 0 }, ...steps, { ...idr, time: 1 }]);
  assert.ok(drops.includes('oversize'));
});
