// What is shared by viewers starts with the first and stays a moment after the last: transcoder and fragmenter.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameHub } from '../cameras/frame-hub.ts';
import { Bus } from '../core/bus.ts';
import type { VideoCodec, VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import type { CameraFeed } from './camera-feed.ts';
import { LINGER_MS as FRAGMENTS_LINGER_MS, Fragmenters } from './fragmenters.ts';
import { JpegView, LINGER_MS } from './jpeg-view.ts';
import type { LiveCamera } from './live-camera.ts';
import { LiveFeeds } from './live-feeds.ts';
import { SoundViews } from './sound-view.ts';

const picture = (codec: VideoCodec): VideoFrame => ({
  ...{ kind: 'video', codec, key: true, data: new Uint8Array(10), width: 16, height: 16 },
  ...{ at: 0, monoMs: 0, mediaMs: null },
});

test('a transcoder stays for a while after its last viewer; a camera that sends JPEG needs none', async () => {
  const clock = new ManualClock();
  const hub = new FrameHub();
  hub.publish(picture('h264'));
  let ended = false;
  const view = new JpegView(hub, clock, silentLogger, () => {
    ended = true;
  });
  assert.equal(view.transcodes, true);
  view.acquire()[Symbol.dispose]();
  await clock.advance(LINGER_MS - 1);
  const again = view.acquire();
  await clock.advance(LINGER_MS * 2);
  assert.deepEqual([ended, view.transcodes], [false, true]);
  again[Symbol.dispose]();
  await clock.advance(LINGER_MS);
  assert.deepEqual([ended, view.transcodes], [true, false]);

  const plainHub = new FrameHub();
  plainHub.publish(picture('mjpeg'));
  const plain = new JpegView(plainHub, clock, silentLogger, () => {});
  const lease = plain.acquire();
  assert.deepEqual([plain.transcodes, lease.hub.newestVideo?.frame], [false, plainHub.newestVideo?.frame]);
  lease[Symbol.dispose]();
  assert.equal(plainHub.readers, 0);
});

test('a fragmenter is shared, counts its viewers, and stays for a while; HLS holds it by asking', async () => {
  const clock = new ManualClock();
  const hub = new FrameHub();
  let leases = 0;
  const acquireEncoded = () => {
    leases++;
    return { hub, [Symbol.dispose]: () => void leases-- };
  };
  const camera = { id: 'cam_a', slug: 'a', hub, acquireEncoded } as unknown as LiveCamera;
  const fragmenters = new Fragmenters(clock, new SoundViews(clock, silentLogger));
  const a = fragmenters.acquire(camera);
  const b = fragmenters.acquire(camera);
  assert.deepEqual([a.fragmenter === b.fragmenter, hub.viewers, leases], [true, 2, 1]);
  a[Symbol.dispose]();
  b[Symbol.dispose]();
  assert.deepEqual([hub.viewers, leases], [0, 1]);
  assert.equal(fragmenters.hold(camera), a.fragmenter);
  await clock.advance(FRAGMENTS_LINGER_MS * 1.5);
  assert.equal(fragmenters.held(camera), a.fragmenter);
  await clock.advance(60_000);
  assert.deepEqual([fragmenters.held(camera), leases, hub.readers], [null, 0, 0]);
  fragmenters.acquire(camera);
  fragmenters.end('cam_a');
  assert.deepEqual([leases, hub.readers], [0, 1], 'only the seat is left, which its viewer gives back');
});

test('a source that is there for its viewers is held from the first to the last, also when one cannot join', () => {
  const bus = new Bus((error) => {
    throw error;
  });
  const feeds = new LiveFeeds({ clock: new ManualClock(), bus, log: silentLogger });
  let holds = 0;
  const hold = () => {
    holds++;
    return { [Symbol.dispose]: () => void holds-- };
  };
  const camera = { id: 'cam_a/sub', slug: 'a', hub: new FrameHub(), hold } as unknown as LiveCamera;
  const member = { tick: () => Number.POSITIVE_INFINITY, close: () => feed?.leave(member) };
  let feed: CameraFeed | null = null;
  const join = (to: CameraFeed) => {
    to.join(member);
    feed = to;
    return member;
  };
  feeds.watch(camera, join);
  assert.equal(holds, 1);
  const other = { ...member, close: () => {} };
  feeds.watch(camera, (to) => {
    to.join(other);
    return other;
  });
  (feed as CameraFeed | null)?.leave(other);
  assert.equal(holds, 1, 'one more viewer is no further hold');
  (feed as CameraFeed | null)?.leave(member);
  assert.equal(holds, 0);
  assert.throws(() =>
    feeds.watch(camera, () => {
      throw new Error('too many widths');
    }),
  );
  assert.equal(holds, 0);
  feeds.watch(camera, join);
  bus.publish('camera.removed', { camera: 'cam_a', slug: 'a', name: 'a' });
  assert.deepEqual([holds, feeds.cameras], [0, 0], 'a removed camera takes its sub stream along');
  feeds.close();
});
