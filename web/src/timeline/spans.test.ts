import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foundSentence, gapSentence, jumpSentence } from './gap-text.ts';
import {
  findAt,
  mergeForPixels,
  nearestRecorded,
  nextRecorded,
  parseRow,
  recordedIn,
  spanAt,
  spliceRow,
} from './spans.ts';

const row = {
  recorded: [
    { from: 0, to: 10_000 },
    { from: 20_000, to: 60_000 },
  ],
  gaps: [
    { from: 10_000, to: 20_000, reason: 'offline' as const },
    { from: 60_000, to: 70_000, reason: 'diskFull' as const },
  ],
};

test('the API’s texts become numbers', () => {
  const parsed = parseRow({
    recorded: [{ start: '1970-01-01T00:00:01.000Z', end: '1970-01-01T00:00:02.500Z' }],
    gaps: [{ start: '1970-01-01T00:00:02.500Z', end: '1970-01-01T00:00:03.000Z', reason: 'released' }],
  });
  assert.deepEqual(parsed, {
    recorded: [{ from: 1000, to: 2500 }],
    gaps: [{ from: 2500, to: 3000, reason: 'released' }],
  });
});

test('what is under the pointer: gaps, recordings, nothing, the future', () => {
  assert.equal(findAt(row, 5000, 100_000, 0).kind, 'recorded');
  const gap = findAt(row, 15_000, 100_000, 0);
  assert.ok(gap.kind === 'gap' && gap.span.reason === 'offline');
  assert.equal(findAt(row, 80_000, 100_000, 0).kind, 'nothing');
  assert.equal(findAt(row, 120_000, 100_000, 0).kind, 'future');
  assert.equal(spanAt(row.recorded, 10_000), null);
});

test('a gap that is narrower than the pointer is found, a wide one does not reach beyond itself', () => {
  const thin = {
    recorded: [{ from: 0, to: 100_000 }],
    gaps: [{ from: 50_000, to: 50_500, reason: 'offline' as const }],
  };
  assert.equal(findAt(thin, 50_900, 200_000, 1000).kind, 'gap');
  assert.equal(findAt(thin, 53_000, 200_000, 1000).kind, 'recorded');
  assert.equal(findAt(row, 20_500, 100_000, 1000).kind, 'recorded');
});

test('where to play: there, the next recording, else the end of the last one', () => {
  assert.equal(nextRecorded(row, 5000), 5000);
  assert.equal(nextRecorded(row, 12_000), 20_000);
  assert.equal(nextRecorded(row, 61_000), null);
  assert.equal(nearestRecorded(row, 90_000), 55_000);
  assert.equal(nearestRecorded({ recorded: [], gaps: [] }, 0), null);
});

test('a fresh piece of a row takes the place of what was known there, and joins its neighbours', () => {
  const fresh = {
    recorded: [{ from: 50_000, to: 64_000 }],
    gaps: [{ from: 64_000, to: 66_000, reason: 'offline' as const }],
  };
  const next = spliceRow(row, fresh, { from: 50_000, to: 80_000 });
  assert.deepEqual(next.recorded, [
    { from: 0, to: 10_000 },
    { from: 20_000, to: 64_000 },
  ]);
  assert.deepEqual(next.gaps, [row.gaps[0], { from: 64_000, to: 66_000, reason: 'offline' }]);
  // In the middle: what lies behind stays.
  const middle = spliceRow(row, { recorded: [], gaps: [] }, { from: 5000, to: 30_000 });
  assert.deepEqual(middle.recorded, [
    { from: 0, to: 5000 },
    { from: 30_000, to: 60_000 },
  ]);
});

test('drawing joins what is closer than a pixel, and keeps different reasons apart', () => {
  const many = Array.from({ length: 10_000 }, (_, n) => ({ from: n * 10, to: n * 10 + 9 }));
  assert.equal(mergeForPixels(many, { from: 0, to: 100_000 }, 100).length, 1);
  assert.equal(mergeForPixels(many, { from: 500, to: 600 }, 0.1).length, 10);
  const gaps = [
    { from: 0, to: 10, reason: 'offline' as const },
    { from: 11, to: 20, reason: 'diskFull' as const },
  ];
  assert.equal(mergeForPixels(gaps, { from: 0, to: 100 }, 1000, (a, b) => a.reason === b.reason).length, 2);
});

test('recorded time of a span', () => {
  assert.equal(recordedIn(row, { from: 5000, to: 30_000 }), 15_000);
  assert.equal(recordedIn(row, { from: 11_000, to: 19_000 }), 0);
});

test('gaps in words', () => {
  const gap = { from: Date.UTC(2026, 0, 1, 14, 2), to: Date.UTC(2026, 0, 1, 14, 5), reason: 'offline' as const };
  assert.match(gapSentence(gap), /^Camera offline .*–.* \(3 min\)$/);
  assert.match(gapSentence({ ...gap, reason: 'diskFull' }), /^Disk full /);
  assert.equal(foundSentence({ kind: 'nothing' }), 'Recording was not on');
  assert.equal(jumpSentence(gap, 'offline'), 'Skipped 3 min: camera offline');
  assert.equal(jumpSentence(gap, 'perchDown'), 'Skipped 3 min: Perch was not running');
  assert.equal(jumpSentence(gap, null), 'Skipped 3 min without recording');
});
