// The fragmenter on a played hub: where viewers begin, slow ones, formats, sound, bounds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameHub } from '../cameras/frame-hub.ts';
import type { AudioFrame, VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { encodeAvcC } from '../media/h264.ts';
import { testPps, testSps } from '../test/source-world.ts';
import { FragmentCursor } from './fragment-cursor.ts';
import { Fragmenter } from './fragmenter.ts';
import { encodePlaylist } from './hls.ts';
import type { LiveCamera } from './live-camera.ts';
import { SoundViews } from './sound-view.ts';

const config = encodeAvcC([testSps], [testPps]);
const AAC_LC_8000_MONO = Uint8Array.of(0x15, 0x88);
const ALL = 1e9;

/** A camera with a hub and nothing behind it: 25 pictures a second, a key picture each second. */
class Played {
  readonly clock = new ManualClock();
  readonly hub = new FrameHub(5000);
  readonly camera = {
    ...{ id: 'cam_a', slug: 'a', hub: this.hub },
    acquireEncoded: () => ({ hub: this.hub, [Symbol.dispose]() {} }),
  } as unknown as LiveCamera;
  #n = 0;
  atMs = 0;

  show(count: number, more: Partial<VideoFrame> = {}): void {
    for (let i = 0; i < count; i++, this.#n++, this.atMs += 40) {
      this.hub.publish({
        ...{
          kind: 'video',
          codec: 'h264',
          key: this.#n % 25 === 0,
          data: new Uint8Array(100),
          width: 640,
          height: 360,
        },
        ...{ at: this.atMs, monoMs: this.atMs, mediaMs: null, codecConfig: config, ...more },
      });
    }
  }

  say(): void {
    this.hub.publish({
      ...{ kind: 'audio', codec: 'aac', data: new Uint8Array(50), sampleRate: 8000, channels: 1, samples: 1024 },
      ...{ at: this.atMs, monoMs: this.atMs, mediaMs: null, codecConfig: AAC_LC_8000_MONO },
    } satisfies AudioFrame);
  }
}

test('a viewer begins at the newest key picture with all after it, then gets each frame once', () => {
  const played = new Played();
  played.show(30);
  using fragmenter = new Fragmenter(played.camera, new SoundViews(played.clock, silentLogger));
  const cursor = new FragmentCursor(fragmenter);
  const first = cursor.take(ALL)!;
  assert.deepEqual([first.init !== null, first.fragments.length, first.fragments[0]!.key], [true, 5, true]);
  assert.equal(cursor.take(ALL), null);
  played.show(1);
  const next = cursor.take(ALL)!;
  assert.deepEqual([next.init, next.fragments.length, next.missed], [null, 1, 0]);
});

test('a viewer that is far behind goes on at the newest key picture and is told what it missed', () => {
  const played = new Played();
  played.show(1);
  using fragmenter = new Fragmenter(played.camera, new SoundViews(played.clock, silentLogger));
  const cursor = new FragmentCursor(fragmenter);
  cursor.take(ALL);
  played.show(160);
  const late = cursor.take(ALL)!;
  assert.equal(late.fragments[0]!.key, true);
  assert.equal(late.fragments.length + late.missed, 160);
  assert.ok(late.fragments.length <= 25);
});

test('a batch is bounded by bytes, and is never empty', () => {
  const played = new Played();
  played.show(10);
  using fragmenter = new Fragmenter(played.camera, new SoundViews(played.clock, silentLogger));
  const cursor = new FragmentCursor(fragmenter);
  assert.equal(cursor.take(1)!.fragments.length, 1);
  assert.ok(cursor.take(500)!.fragments.length < 9);
});

test('another size is another beginning, at its first key picture; playlists say so', () => {
  const played = new Played();
  using fragmenter = new Fragmenter(played.camera, new SoundViews(played.clock, silentLogger));
  const cursor = new FragmentCursor(fragmenter);
  played.show(51);
  cursor.take(ALL);
  played.show(10, { width: 1280, height: 720, key: false });
  assert.equal(cursor.take(ALL), null, 'nothing that cannot be decoded');
  played.show(1, { width: 1280, height: 720, key: true });
  const changed = cursor.take(ALL)!;
  assert.deepEqual([changed.init?.width, changed.fragments.length], [1280, 1]);
  played.show(60, { width: 1280, height: 720 });
  const text = encodePlaylist(
    fragmenter.segments.filter(({ closed }) => closed),
    fragmenter.discontinuitiesGone,
    '?token=a',
  );
  assert.equal(text.match(/EXT-X-DISCONTINUITY\n/g)?.length, 1);
  assert.equal(text.match(/EXT-X-MAP:URI="init-\d+\.mp4\?token=a"/g)?.length, 2);
});

test('segments are there at once: out of the camera’s ring, or closed early when somebody waits', () => {
  const played = new Played();
  played.show(80);
  using fragmenter = new Fragmenter(played.camera, new SoundViews(played.clock, silentLogger));
  const closed = ({ segments }: Fragmenter) => segments.filter((segment) => segment.closed);
  assert.equal(closed(fragmenter).length, 3);
  assert.match(encodePlaylist(closed(fragmenter), 0, ''), /INDEPENDENT/);

  const rare = new Played();
  rare.show(1);
  using waited = new Fragmenter(rare.camera, new SoundViews(rare.clock, silentLogger));
  rare.show(20, { key: false });
  assert.equal(closed(waited).length, 0);
  waited.wantSegment();
  rare.show(1, { key: false });
  assert.equal(closed(waited).length, 1);
  rare.show(60, { key: false });
  assert.equal(closed(waited).length, 1, 'only the first is cut anywhere');
  rare.show(1, { key: true });
  assert.equal(closed(waited).length, 2);
  const text = encodePlaylist(closed(waited), 0, '');
  assert.doesNotMatch(text, /INDEPENDENT|DISCONTINUITY\n/);
});

test('AAC comes along; sound that stops, and comes again, is another format', () => {
  const played = new Played();
  played.say();
  using fragmenter = new Fragmenter(played.camera, new SoundViews(played.clock, silentLogger));
  played.show(7); // a unit is two units long on its way: what it becomes must not be before the first picture
  played.say();
  played.show(1);
  const { init, fragments } = new FragmentCursor(fragmenter).take(ALL)!;
  assert.match(init!.mime, /^video\/mp4; codecs="avc1\.42c01e,mp4a\.40\.2"$/);
  assert.equal(fragments.length, 9);
  const cursor = new FragmentCursor(fragmenter);
  played.show(200);
  cursor.take(ALL);
  played.show(25);
  const silent = cursor.take(ALL)!;
  assert.deepEqual([silent.fragments[0]!.init.sound], [false]);
  played.say();
  played.show(25);
  cursor.take(ALL);
  assert.equal(cursor.take(ALL)?.init?.sound ?? fragmenter.newestKey?.init.sound, true);
});

test('the past is bounded, whatever the key pictures', () => {
  const played = new Played();
  using fragmenter = new Fragmenter(played.camera, new SoundViews(played.clock, silentLogger));
  played.show(2000);
  assert.ok(fragmenter.segments.length <= 9);
  assert.ok(fragmenter.at(1) === null && fragmenter.at(fragmenter.lastSeq) !== null);
  played.show(3000, { key: false, data: new Uint8Array(100_000) });
  const bytes = fragmenter.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  assert.ok(bytes < 100e6, `${bytes} bytes`);
});
