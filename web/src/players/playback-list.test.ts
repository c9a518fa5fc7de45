import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseWindow, type Piece, PieceList, parsePlaylist, settledSpan } from './playback-list.ts';

const TEXT = `#EXTM3U
#EXT-X-TARGETDURATION:6
#EXT-X-MAP:URI="playback/1000.mp4?token=t",BYTERANGE="1426@0"
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:01.000Z
#EXTINF:4.021,
#EXT-X-BYTERANGE:29861@1426
playback/1000.mp4?token=t
#EXTINF:2.000,
#EXT-X-BYTERANGE:100@31287
playback/1000.mp4?token=t
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="playback/20000/init.mp4"
#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:20.000Z
#EXTINF:4.000,
playback/20000/0-end.m4s
#EXT-X-ENDLIST
`;

const piece = (from: number, to: number, file = 'f'): Piece => {
  return { url: file, range: null, head: { url: file, range: null }, from, to, key: `${file} ${from}` };
};

test('a playlist is pieces on the wall clock, with the ranges of their bytes', () => {
  const pieces = parsePlaylist(TEXT, 'http://x/p/cameras/c/playback.m3u8');
  assert.equal(pieces.length, 3);
  assert.deepEqual(
    pieces.map(({ from, to }) => [from, Math.round(to)]),
    [
      [1000, 5021],
      [5021, 7021],
      [20_000, 24_000],
    ],
  );
  assert.equal(pieces[1]?.range, 'bytes=31287-31386');
  assert.equal(pieces[1]?.url, 'http://x/p/cameras/c/playback/1000.mp4?token=t');
  assert.equal(pieces[0]?.head.range, 'bytes=0-1425');
  assert.deepEqual(pieces[2]?.head, { url: 'http://x/p/cameras/c/playback/20000/init.mp4', range: null });
  assert.equal(pieces[2]?.range, null);
  assert.deepEqual(parsePlaylist('nonsense\nhttp://x', 'http://x/'), []);
});

test('the piece at a moment, the next one over a hole, the one before', () => {
  const list = new PieceList();
  list.add({ from: 0, to: 100 }, [piece(10, 20), piece(20, 30), piece(60, 70)]);
  assert.equal(list.at(15)?.from, 10);
  assert.equal(list.at(20)?.from, 20);
  assert.equal(list.at(30)?.from, 60);
  assert.equal(list.at(70), null);
  assert.equal(list.before(60)?.from, 20);
  assert.equal(list.before(20)?.from, 10);
  assert.equal(list.before(10), null);
});

test('windows join; what is known is known without a hole', () => {
  const list = new PieceList();
  list.add({ from: 0, to: 100 }, []);
  list.add({ from: 200, to: 300 }, []);
  assert.equal(list.knownUntil(50), 100);
  assert.equal(list.knownUntil(150), 150);
  list.add({ from: 90, to: 210 }, []);
  assert.equal(list.knownUntil(50), 300);
  assert.equal(list.knownSince(250), 0);
  list.forget({ from: 100, to: 200 });
  assert.equal(list.knownUntil(50), 100);
});

test('a newer answer takes the place of an older one: grown pieces once, deleted ones gone', () => {
  const list = new PieceList();
  list.add({ from: 0, to: 100 }, [piece(0, 40, 'a'), piece(40, 60, 'open')]);
  list.add({ from: 30, to: 200 }, [piece(0, 40, 'a'), piece(40, 80, 'open'), piece(80, 120, 'open')]);
  assert.equal(list.at(50)?.to, 80);
  assert.equal(list.at(90)?.from, 80);
  list.add({ from: 35, to: 90 }, [piece(0, 40, 'a')]);
  assert.equal(list.at(50)?.from, 80);
  list.drop('open 80');
  assert.equal(list.at(50), null);
});

test('the first window is short, later ones are longer, none reaches beyond now', () => {
  const now = 10_000_000;
  const first = chooseWindow(1_000_000, 0, now);
  assert.ok(first.from < 1_000_000 && first.to - 1_000_000 <= 60_000);
  assert.ok(chooseWindow(1_000_000, 3, now).to > first.to);
  assert.ok(chooseWindow(1_000_000, 99, now).to <= 1_000_000 + 30 * 60_000);
  assert.equal(chooseWindow(now - 5000, 5, now).to, now);
  assert.ok(chooseWindow(now, 0, now).to > now);
});

test('at the live edge only what can no longer grow is known', () => {
  const now = 1_000_000;
  const window = { from: now - 60_000, to: now };
  assert.deepEqual(settledSpan({ from: 0, to: 50_000 }, [], now, 6000), { from: 0, to: 50_000 });
  assert.equal(settledSpan(window, [piece(now - 9000, now - 2000)], now, 6000).to, now - 9000);
  // The camera went away: nothing more comes.
  assert.equal(settledSpan(window, [piece(now - 40_000, now - 36_000)], now, 6000).to, now - 6000);
  assert.equal(settledSpan(window, [], now, 6000).to, now - 6000);
});

test('after a day of playing only what is near is known', () => {
  const list = new PieceList();
  const HOUR = 3_600_000;
  for (let hour = 0; hour < 30; hour++) {
    const span = { from: hour * HOUR, to: (hour + 1) * HOUR };
    list.add(
      span,
      Array.from({ length: 900 }, (_, n) => piece(span.from + n * 4000, span.from + (n + 1) * 4000)),
    );
  }
  const end = 30 * HOUR;
  assert.equal(list.knownUntil(end - 1), end);
  assert.equal(list.at(end - 1)?.to, end);
  assert.ok(list.knownSince(end) > 8 * HOUR && list.knownSince(end) < 25 * HOUR, `${list.knownSince(end) / HOUR}`);
  assert.equal(list.knownUntil(HOUR), HOUR, 'what is far is asked for again');
});
