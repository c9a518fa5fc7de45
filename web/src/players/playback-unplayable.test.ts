// What a browser cannot play is known by its file's head, for every piece of the file.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeadFacts } from './playback-boxes.ts';
import type { Piece } from './playback-list.ts';
import { Unplayable, unplayableSentence } from './playback-unplayable.ts';

const facts = (video: HeadFacts['video'], mime: string): HeadFacts => ({
  ...{ video, mime, hasSound: false, trackId: 1, timescale: 1000, defaultDuration: 40, editStart: 0 },
});
const piece = (file: string, range: string): Piece => ({
  ...{ url: file, range, from: 0, to: 4000, key: `${file} ${range}`, head: { url: file, range: 'bytes=0-9' } },
});

test('H.265 is named, what nobody knows is not, and the rest plays', () => {
  const unplayable = new Unplayable((mime) => mime.includes('avc1'));
  assert.equal(unplayable.check(piece('a.mp4', '1'), facts('h264', 'video/mp4; codecs="avc1.64001f"')), true);
  assert.equal(unplayable.check(piece('b.mp4', '1'), facts('h265', 'video/mp4; codecs="hvc1.1.6.L93"')), false);
  assert.equal(unplayable.check(piece('c.mp4', '1'), null), false);
  const kinds = ['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4'].map((file) => unplayable.kindOf(piece(file, '2')));
  assert.deepEqual(kinds, [null, 'H.265', 'this kind of video', null]);
  assert.equal(unplayable.kindOf(null), null);
  assert.match(unplayableSentence('H.265'), /^This browser cannot play H\.265\. Download/);
});
