import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Segment } from './api-types.ts';
import { mergeSegments } from './merge-segments.ts';

function segment(id: string, minute: number, open = false): Segment {
  const start = new Date(Date.UTC(2026, 10, 21, 12, minute)).toISOString();
  const rest = {
    durationMs: 60_000,
    frames: 1,
    bytes: 1,
    format: 'mp4',
    codec: 'h264',
    endReason: null,
    hasMotion: false,
    protected: false,
  } as const;
  return { id, start, end: start, open, ...rest };
}

test('new recordings come behind the known ones, each once, and open ones are replaced', () => {
  const before = [segment('a', 0), segment('b', 1), segment('open_cam', 2, true)];
  const now = [segment('b', 1), segment('c', 2), segment('open_cam', 3, true)];
  assert.deepEqual(
    mergeSegments(before, now).map(({ id, start }) => `${id} ${start.slice(14, 16)}`),
    ['a 00', 'b 01', 'c 02', 'open_cam 03'],
  );
  assert.deepEqual(
    mergeSegments(before, [segment('c', 2)]).map(({ id }) => id),
    ['a', 'b', 'c'],
  );
});
