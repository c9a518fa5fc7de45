// Leases on the encoded hub: nothing runs without one, a codec that is not JPEG passes as it is, restarts keep readers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRecording } from '../core/camera-config.ts';
import type { VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { EncodedSource, LINGER_MS } from './encoded-source.ts';
import { FrameHub } from './frame-hub.ts';

const h264 = (monoMs: number, key: boolean): VideoFrame => ({
  kind: 'video',
  codec: 'h264',
  key,
  data: new Uint8Array([monoMs % 256]),
  width: 640,
  height: 480,
  mediaMs: null,
  at: monoMs,
  monoMs,
});

function setUp() {
  const clock = new ManualClock();
  const source = new FrameHub();
  const encoded = new EncodedSource(source, () => defaultRecording, clock, silentLogger);
  return { clock, source, encoded };
}

test('H.264 is passed on without an encoder, from the newest key picture on', () => {
  const { source, encoded } = setUp();
  source.publish(h264(0, true));
  source.publish(h264(40, false));
  using lease = encoded.acquire();
  source.publish(h264(80, false));
  using reader = lease.hub.open({ kinds: 'video', policy: 'every', start: 'newestKey' });
  const times: number[] = [];
  for (let item = reader.poll(); item; item = reader.poll()) times.push(item.frame.monoMs);
  assert.deepEqual(times, [0, 40, 80]);
});

test('nothing reads the camera without a lease, and a reload does not restart the work', async () => {
  const { clock, source, encoded } = setUp();
  assert.equal(source.readers, 0);
  const first = encoded.acquire();
  assert.equal(source.readers, 1);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await clock.advance(LINGER_MS - 1);
  assert.equal(source.readers, 1, 'it lingers');
  const second = encoded.acquire();
  await clock.advance(LINGER_MS * 2);
  assert.equal(source.readers, 1, 'and is kept by the next lease');
  second[Symbol.dispose]();
  await clock.advance(LINGER_MS);
  assert.equal(source.readers, 0);
  assert.equal(clock.timers, 0);
});

test('after stop a lease is harmless', async () => {
  const { source, encoded } = setUp();
  await encoded.stop();
  using _lease = encoded.acquire();
  assert.equal(source.readers, 0);
});

test('a lease given back after the end leaves no timer', async () => {
  const { clock, encoded } = setUp();
  const lease = encoded.acquire();
  await encoded.stop();
  lease[Symbol.dispose]();
  assert.equal(clock.timers, 0);
});
