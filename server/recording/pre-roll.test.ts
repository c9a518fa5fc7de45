// The seconds before a recording: by hand, by schedule, in every format, and what a viewer of the same encoder notices of it.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Camera } from '../cameras/camera.ts';
import type { RecordingSettings } from '../core/camera-config.ts';
import { systemClock } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { codedClip } from '../test/paced-recording.ts';
import { FedCamera, recordingBase, until } from '../test/recording-fixture.ts';
import { Recordings } from './recordings.ts';

const START = Date.UTC(2026, 4, 3, 8, 29, 50);
const PICTURE_MS = 200;
const ALL = { camera: 'cam_fed', from: 0, to: Number.MAX_SAFE_INTEGER, order: 'asc', limit: 9 } as const;

async function world(t: TestContext, settings: Partial<RecordingSettings>) {
  const { dataDir, db, index, bus } = recordingBase(t);
  db.pragma('foreign_keys = off'); // orders belong to cameras of the registry, and there is none
  const clock = new ManualClock(START);
  const fed = new FedCamera(clock, { segmentSeconds: 60, preRollSeconds: 5, ...settings });
  const camera = Object.assign(fed, { config: { ...fed.config, enabled: true } }) as unknown as Camera;
  const fleet = { all: () => [camera], find: () => camera };
  const recordings = new Recordings({ fleet, index, bus, dataDir, clock, log: silentLogger });
  await recordings.start();
  t.after(async () => {
    await recordings.stop();
    await fed.encoded.stop();
  });
  /** Ten seconds without, then `change`, then two seconds more. @returns start of the recording, and its pictures */
  const record = async (change: () => void, picture = () => fed.picture(), before = 50) => {
    const opened = bus.next('segment.opened');
    const live = async (count: number) => {
      for (let n = 0; n < count; n++) {
        picture();
        await clock.advance(PICTURE_MS);
      }
    };
    await live(before);
    change();
    await clock.advance(0);
    await live(1);
    // Processes live in real time: the clock goes on slowly until the recording is on the disk.
    await opened;
    const closing = bus.next('segment.closed');
    while ((recordings.openSegment(fed.id)?.frames ?? 0) < 26) {
      await live(1);
      await systemClock.sleep(5);
    }
    await recordings.stop();
    await closing;
    const [segment] = index.find(ALL);
    return { beginsMs: segment!.startAt - START, frames: segment!.frames };
  };
  return { clock, fed, recordings, record };
}

/** The moment of the order, since the start. */
const ORDER_MS = 50 * PICTURE_MS;

for (const format of ['mjpeg', 'mp4'] as const) {
  test(`by hand, JPEG camera, ${format}: begins five seconds before`, async (t) => {
    const { recordings, fed, record } = await world(t, { mode: 'off', format });
    const { beginsMs, frames } = await record(() => recordings.setManual(fed.id, 'start'));
    assert.equal(beginsMs, ORDER_MS - 5000);
    assert.ok(frames >= 25, `${frames} pictures`);
  });
}

test('by schedule: begins five seconds before the window', async (t) => {
  const schedules = [{ cron: '30 8 * * *', durationMinutes: 60, timezone: 'UTC' }];
  const { record } = await world(t, { mode: 'schedule', format: 'mjpeg', schedules });
  const { beginsMs, frames } = await record(() => {});
  assert.equal(beginsMs, ORDER_MS - 5000);
  assert.ok(frames >= 25, `${frames} pictures`);
});

test('by an event, in mode motion: begins five seconds before it, and ends with it', async (t) => {
  const { recordings, fed, record } = await world(t, { mode: 'motion', format: 'mjpeg' });
  const camera = { id: fed.id, config: { ...fed.config, enabled: true } } as Camera;
  assert.equal(recordings.wanted(camera), false);
  const { beginsMs, frames } = await record(() => recordings.setEvent(fed.id, true));
  assert.equal(beginsMs, ORDER_MS - 5000);
  assert.ok(frames >= 25, `${frames} pictures`);
  assert.equal(recordings.wanted(camera), true);
  recordings.setEvent(fed.id, false);
  assert.equal(recordings.wanted(camera), false);
});

test('H.264 is copied from the key picture before', async (t) => {
  const { clock, recordings, fed, record } = await world(t, { mode: 'off', format: 'mp4' });
  const clip = await codedClip();
  let number = 0;
  const picture = () => {
    const monoMs = clock.monoMs();
    const { key, data } = clip.pictures[number++ % 10]!;
    fed.hub.publish({
      ...{ kind: 'video', codec: 'h264', key, data, width: 160, height: 120 },
      ...{ mediaMs: null, codecConfig: clip.codecConfig, at: clock.wallMs(), monoMs },
    } satisfies VideoFrame);
  };
  const { beginsMs } = await record(() => recordings.setManual(fed.id, 'start'), picture);
  assert.equal(beginsMs, ORDER_MS - 6000, 'the last key picture that is five seconds old');
});

test('pictures from before an outage are no pre-roll', async (t) => {
  const { clock, recordings, fed, record } = await world(t, { mode: 'off', format: 'mjpeg' });
  fed.picture();
  await clock.advance(60_000);
  const { beginsMs } = await record(() => recordings.setManual(fed.id, 'start'), undefined, 0);
  assert.equal(beginsMs, 60_000);
});

test('a viewer who starts the encoder begins with now; a recorder that comes later has what is there', async (t) => {
  const { clock, fed } = await world(t, { mode: 'off', format: 'mp4' });
  for (let n = 0; n < 50; n++) {
    fed.picture();
    await clock.advance(PICTURE_MS);
  }
  using lease = fed.acquireEncoded();
  const times: number[] = [];
  const reader = lease.hub.open({
    ...{ kinds: 'video', policy: 'every', start: 'newestKey' },
    onFrame: () => {
      for (let item = reader.poll(); item; item = reader.poll()) times.push(item.frame.monoMs);
    },
  });
  fed.picture();
  await until(() => times.length > 0);
  assert.ok(times[0]! >= clock.monoMs() - PICTURE_MS, `${clock.monoMs() - times[0]!} ms old`);
  reader[Symbol.dispose]();
});
