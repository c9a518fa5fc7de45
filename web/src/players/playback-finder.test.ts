// A step from the last picture of a piece leads into the next one, however long that picture is and however the list rounds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlaybackFinder } from './playback-finder.ts';
import type { Piece } from './playback-list.ts';
import type { PlaybackSource } from './playback-source.ts';

const head = { url: 'http://nvr/film.mp4', range: 'bytes=0-99' };
const piece = (from: number, to: number): Piece => ({
  ...{ url: 'http://nvr/film.mp4', range: `bytes=${from}-${to}`, head, from, to, key: `film ${from}` },
});
const NOW = 10_000_000;

function finderOf(pieces: readonly Piece[]): PlaybackFinder {
  const touching = (from: number, to: number) => pieces.filter((one) => one.from < to && one.to > from);
  const source = {
    list: async (from: number, to: number) => ({ ok: true, value: touching(from, to) }),
    next: async (at: number) => ({ ok: true, value: pieces.find(({ to }) => to > at)?.from ?? null }),
  };
  return new PlaybackFinder(source as unknown as PlaybackSource, () => NOW, assert.fail);
}

test('the piece beside one that is in place, from a picture longer than any slack', async () => {
  const [first, second, third] = [
    piece(1_000_000, 1_004_000),
    piece(1_004_000, 1_008_000),
    piece(1_500_000, 1_504_000),
  ];
  const finder = finderOf([first, second, third]);
  const inPlace =
    (...those: Piece[]) =>
    (one: Piece) =>
      those.some(({ key }) => key === one.key);
  // Five pictures a second: the last one begins 200 ms before the end of its piece.
  assert.equal((await finder.beside(1_003_800, 1, inPlace(first)))?.key, second.key);
  assert.equal((await finder.beside(1_003_800, 1, inPlace()))?.key, first.key, 'its own piece is not there yet');
  assert.equal((await finder.beside(1_007_800, 1, inPlace(first, second)))?.key, third.key, 'over a hole');
  assert.deepEqual(
    [1_001_000, 1_004_000, 1_200_000].map((at) => finder.endOf(at)),
    [1_004_000, 1_008_000, 1_200_000],
  );
  assert.equal(await finder.beside(1_503_800, 1, inPlace(third)), null);
  // The first picture of a piece, which the list has 3 ms early.
  assert.equal((await finder.beside(1_004_003, -1, inPlace(second)))?.key, first.key);
  assert.equal((await finder.beside(1_500_000, -1, inPlace(third)))?.key, second.key);
});
