import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AudioFrame, VideoFrame } from '../core/frame.ts';
import { FrameHub, HUB_MAX_BYTES, HUB_MIN_SPAN_MS } from './frame-hub.ts';

const WALL = Date.UTC(2026, 0, 1);

function picture(monoMs: number, options: { key?: boolean; bytes?: number } = {}): VideoFrame {
  const { key = true, bytes = 10 } = options;
  const data = new Uint8Array(bytes);
  return {
    kind: 'video',
    codec: key ? 'mjpeg' : 'h264',
    key,
    data,
    width: 0,
    height: 0,
    mediaMs: null,
    monoMs,
    at: WALL + monoMs,
  };
}

function sound(monoMs: number): AudioFrame {
  const data = new Uint8Array(4);
  return {
    kind: 'audio',
    codec: 'ima-adpcm',
    data,
    sampleRate: 8000,
    channels: 1,
    samples: 8,
    mediaMs: null,
    monoMs,
    at: WALL + monoMs,
  };
}

test('a reader of every frame gets them in order, the very objects that were published', () => {
  const hub = new FrameHub();
  const reader = hub.open({ kinds: 'all', policy: 'every', start: 'live' });
  const frames = [picture(0), sound(10), picture(50)];
  for (const frame of frames) hub.publish(frame);
  for (const frame of frames) assert.equal(reader.poll()?.frame, frame);
  assert.equal(reader.poll(), null);
  assert.equal(reader.missedTotal, 0);
});

test('a reader of the newest jumps and counts only frames of its kind as missed', () => {
  const hub = new FrameHub();
  const reader = hub.open({ kinds: 'video', policy: 'newest', start: 'live' });
  for (let i = 0; i < 5; i++) {
    hub.publish(picture(i * 50));
    hub.publish(sound(i * 50 + 1));
  }
  assert.deepEqual([reader.poll()?.seq, reader.missedTotal], [9, 4]);
  assert.equal(reader.poll(), null);
});

test('waiting for a picture sleeps although sound arrives, and on an empty hub', async () => {
  const hub = new FrameHub();
  hub.publish(picture(0));
  const reader = hub.open({ kinds: 'video', policy: 'newest', start: 'newest' });
  const fromNothing = new FrameHub().open({ kinds: 'video', policy: 'every', start: 'newest' });
  assert.ok(reader.poll());
  hub.publish(sound(1));
  assert.equal(reader.poll(), null);
  assert.equal(fromNothing.poll(), null);
  let woken = 0;
  void reader.wait().then(() => woken++);
  void fromNothing.wait().then(() => woken++);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(woken, 0);
  hub.publish(picture(2));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(woken, 1);
});

test('items() hands out all until the signal aborts, and leaves no waiter behind', async () => {
  const hub = new FrameHub();
  const reader = hub.open({ kinds: 'video', policy: 'every', start: 'live' });
  const abort = new AbortController();
  const got: number[] = [];
  const reading = (async () => {
    for await (const item of reader.items(abort.signal)) got.push(item.seq);
  })();
  hub.publish(picture(0));
  hub.publish(picture(1));
  await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  await reading;
  assert.deepEqual(got, [1, 2]);
});

test('the newest picture outlives the ring, and a new viewer gets it at once', () => {
  const hub = new FrameHub();
  hub.publish(picture(0));
  for (let i = 1; i <= 100; i++) hub.publish(sound(i * 100));
  assert.equal(hub.newestVideo?.seq, 1);
  assert.equal(hub.open({ kinds: 'video', policy: 'newest', start: 'newest' }).poll()?.seq, 1);
});

test('a camera whose picture stopped while its sound goes on does not fill the ring', () => {
  const hub = new FrameHub();
  hub.publish(picture(0));
  for (let i = 1; i <= 5000; i++) hub.publish(sound(i * 40));
  assert.ok(hub.bytes <= (HUB_MIN_SPAN_MS / 40 + 3) * 4, `${hub.bytes} bytes`);
});

const COLLECT_TURNS = 500;

test('pictures that left the ring are free for the garbage collector', async () => {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const hub = new FrameHub();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 400; i++) hub.publish(picture(i * 50, { bytes: 100_000 }));
  // The collector frees array buffers in the background: look until it has, or never does.
  const kept = () => process.memoryUsage().arrayBuffers - before;
  const enough = 2 * hub.bytes + 1_000_000;
  for (let turn = 0; turn < COLLECT_TURNS && kept() >= enough; turn++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.ok(kept() < enough, `${kept()} bytes are kept for a ring of ${hub.bytes}`);
});

test('the ring starts at a key picture, covers the span, and is bounded in bytes', () => {
  const hub = new FrameHub(2000);
  for (let i = 0; i < 200; i++) hub.publish(picture(i * 50, { key: i % 20 === 0 }));
  assert.ok(hub.oldestAt !== null && hub.oldestAt <= WALL + 199 * 50 - 2000);
  assert.equal((hub.oldestAt - WALL) % 1000, 0);
  const big = new FrameHub(60_000);
  for (let i = 0; i < 100; i++) big.publish(picture(i, { bytes: 2 * 1024 * 1024 }));
  assert.ok(big.bytes <= HUB_MAX_BYTES);
});

test('pre-roll: a reader can begin at the key picture before a moment', () => {
  const hub = new FrameHub(10_000);
  for (let i = 0; i < 100; i++) hub.publish(picture(i * 50, { key: i % 20 === 0 }));
  const from = (sinceMonoMs: number) => hub.open({ kinds: 'all', policy: 'every', start: { sinceMonoMs } }).poll()?.seq;
  assert.equal(from(2500), 41);
  assert.equal(from(2000), 41);
  assert.equal(from(-5000), 1);
  assert.equal(hub.open({ kinds: 'all', policy: 'every', start: 'newestKey' }).poll()?.seq, 81);
  assert.equal(hub.open({ kinds: 'audio', policy: 'every', start: { sinceMonoMs: 0 } }).poll(), null);
});

test('after a gap a coded stream goes on at the next key picture, and the count of missed pictures is exact', () => {
  const hub = new FrameHub(1000);
  const reader = hub.open({ kinds: 'video', policy: 'every', start: 'live' });
  hub.publish(picture(0));
  assert.equal(reader.poll()?.seq, 1);
  // Pictures 2 to 61, a key every 20: the ring keeps the groups that cover the last second.
  for (let i = 1; i <= 60; i++) hub.publish(picture(i * 50, { key: i % 20 === 0 }));
  const item = reader.poll();
  assert.ok(item && item.frame.kind === 'video' && item.frame.key);
  assert.equal(item.missed, item.seq - 2);
});

test('sound that left the ring is no gap for a reader of pictures', () => {
  const hub = new FrameHub(1000);
  const reader = hub.open({ kinds: 'video', policy: 'every', start: 'live' });
  hub.publish(picture(0));
  reader.poll();
  for (let i = 1; i <= 100; i++) hub.publish(sound(i * 100));
  hub.publish(picture(10_100, { key: false }));
  const item = reader.poll();
  assert.deepEqual([item?.seq, item?.missed], [102, 0]);
});

test('a reader that wants a key picture and finds none waits for one', () => {
  const hub = new FrameHub();
  const reader = hub.open({ kinds: 'all', policy: 'every', start: 'newestKey' });
  hub.publish(picture(0, { key: false }));
  assert.equal(reader.poll(), null);
  hub.publish(picture(50));
  assert.equal(reader.poll()?.seq, 2);
});

test('viewers are counted until disposed, once', () => {
  let changes = 0;
  const hub = new FrameHub(1000, () => changes++);
  const viewer = hub.open({ kinds: 'video', policy: 'newest', start: 'live', viewer: true });
  const recorder = hub.open({ kinds: 'all', policy: 'every', start: 'live' });
  assert.deepEqual([hub.viewers, hub.readers], [1, 2]);
  viewer[Symbol.dispose]();
  viewer[Symbol.dispose]();
  recorder[Symbol.dispose]();
  assert.deepEqual([hub.viewers, hub.readers, changes], [0, 0, 4]);
  hub.publish(picture(0));
  assert.equal(viewer.poll(), null);
});

test('readers may come and go inside onFrame, and one that throws is closed without harm to the others', () => {
  const errors: unknown[] = [];
  const hub = new FrameHub(1000, undefined, (error) => errors.push(error));
  let calls = 0;
  const bad = hub.open({
    kinds: 'video',
    policy: 'newest',
    start: 'live',
    onFrame: () => {
      throw new Error('broken viewer');
    },
  });
  const leaving = hub.open({
    kinds: 'video',
    policy: 'newest',
    start: 'live',
    onFrame: () => leaving[Symbol.dispose](),
  });
  const good = hub.open({ kinds: 'video', policy: 'newest', start: 'live', onFrame: () => calls++ });
  hub.publish(picture(0));
  hub.publish(picture(1));
  assert.deepEqual([bad.closed, leaving.closed, good.closed, calls, errors.length], [true, true, false, 2, 1]);
});
