// The host's clock is set while a camera is recorded: by minutes and hours, forward, back, back and forth, in the middle of
// a scheduled window. Whatever happens: recordings never overlap, begin when the clock said, and no picture is lost.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Camera } from '../cameras/camera.ts';
import type { RecordingSettings } from '../core/camera-config.ts';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { checkDatabase } from '../store/fsck.ts';
import { GapTable } from '../store/gaps.ts';
import { FedCamera, framesOf, recordingBase, until } from '../test/recording-fixture.ts';
import { GapJournal } from './gap-journal.ts';
import { PlaybackSource } from './playback-source.ts';
import { Recordings } from './recordings.ts';
import { Timeline } from './timeline.ts';

const START = Date.UTC(2026, 4, 3, 8, 30, 0);
const MINUTE = 60_000;
const PICTURE_MS = 5000;
const SPAN = { from: START - 100 * 60 * MINUTE, to: START + 100 * 60 * MINUTE };

/** Bytes of the file that is being written under a folder and begins at that time. */
function written(folder: string, startAt: number): number {
  const name = new Date(startAt).toISOString().slice(11, 19).replaceAll(':', '-');
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  const part = entries.find((entry) => entry.name.startsWith(name) && entry.name.endsWith('.part'));
  return part ? (statSync(join(part.parentPath, part.name), { throwIfNoEntry: false })?.size ?? 0) : 0;
}

async function world(t: TestContext, settings: Partial<RecordingSettings> = {}) {
  const { dataDir, db, index, bus } = recordingBase(t);
  const clock = new ManualClock(START);
  const fed = new FedCamera(clock, { format: 'mjpeg', segmentSeconds: 120, preRollSeconds: 0, ...settings });
  const camera = Object.assign(fed, {
    config: { ...fed.config, enabled: true },
    status: () => ({ state: 'live', coolDownReason: null }),
  }) as unknown as Camera;
  const fleet = { all: () => [camera], find: () => camera };
  const recordings = new Recordings({ ...{ fleet, index, bus, dataDir, clock, log: silentLogger } });
  const gaps = new GapTable(db);
  const journal = new GapJournal({
    ...{ fleet, gaps, bus, clock, log: silentLogger },
    wanted: (c) => recordings.wanted(c),
  });
  recordings.onWanted((id) => journal.check(id));
  const timeline = new Timeline({ gaps, clock, unindexed: (id) => recordings.unindexed(id) });
  const steps: number[] = [];
  bus.on('recording.clockStepped', ({ stepMs }) => steps.push(stepMs));
  /** Number of the newest picture that the recorder took: processes live in real time, the clock must wait for them. */
  let taken = 0;
  const open = fed.hub.open.bind(fed.hub);
  fed.hub.open = (options) => {
    const reader = open(options);
    const poll = reader.poll.bind(reader);
    reader.poll = () => {
      const item = poll();
      taken = item?.seq ?? taken;
      return item;
    };
    return reader;
  };
  let opened = { startAt: 0, picture: 0 };
  bus.on('segment.opened', ({ start }) => {
    opened = { startAt: start, picture: fed.sent.length - 1 };
  });
  let looks = 0;
  const size = recordings.files.size.bind(recordings.files);
  recordings.files.size = (path) => {
    looks++;
    return size(path).finally(() => looks--);
  };
  journal.start();
  await recordings.start();
  t.after(async () => {
    await recordings.stop();
    journal.stop();
  });
  /** What the host's clock said when each picture came. */
  const shown: number[] = [];
  const recorded = () => {
    const segments = [
      ...index.find({ ...SPAN, camera: fed.id, order: 'asc', limit: 1000 }),
      ...recordings.unindexed(fed.id),
    ];
    return segments.sort((a, b) => a.startAt - b.startAt);
  };
  /** Lets the camera go on for some minutes. */
  const live = async (minutes: number) => {
    const endMs = clock.monoMs() + minutes * MINUTE;
    while (clock.monoMs() < endMs) {
      shown.push(clock.wallMs());
      fed.picture();
      await until(() => taken === fed.hub.lastSeq);
      // Processes and disks live in real time: when the clock runs away from an ffmpeg, it seems to hang. The newest two
      // pictures may still be inside it.
      const due = () => fed.sent.slice(opened.picture, -2).reduce((sum, { length }) => sum + length, 0);
      while (due() > 0 && written(dataDir, opened.startAt) < due()) await systemClock.sleep(1);
      const next = clock.monoMs() + PICTURE_MS;
      while (clock.monoMs() < next) {
        await clock.advance(1000);
        await until(() => looks === 0);
      }
    }
  };
  const read = (from: number, to: number) => timeline.read(fed.id, from, to);
  const end = async () => {
    await recordings.stop();
    journal.stop();
    const listed = index.find({ ...SPAN, camera: fed.id, order: 'asc', limit: 1000 });
    for (const [n, { startAt, endAt }] of listed.entries()) {
      const next = listed[n + 1];
      if (next)
        assert.ok(
          next.startAt >= endAt,
          `${new Date(endAt).toISOString()} then ${new Date(next.startAt).toISOString()}`,
        );
      const right = shown.some((at) => Math.abs(at - startAt) <= 100);
      assert.ok(right, `${new Date(startAt).toISOString()} is no picture's time`);
    }
    assert.deepEqual(checkDatabase(db), []);
    const displaced = index.displaced(fed.id, SPAN.from, SPAN.to, 1000);
    let frames = 0;
    for (const { path } of [...listed, ...displaced]) {
      assert.ok(existsSync(join(dataDir, 'recordings', path)), path);
      frames += (await framesOf(join(dataDir, 'recordings', path))).length;
    }
    assert.equal(frames, shown.length, 'every picture is in one file');
    return { listed, displaced };
  };
  return { clock, camera: fed, recordings, index, bus, live, read, end, steps, recorded };
}

test('forward by an hour: the time that never was is a gap with its reason', async (t) => {
  const { clock, live, read, end, steps } = await world(t);
  await live(3);
  clock.stepWall(60 * MINUTE);
  await live(3);
  const { listed } = await end();
  assert.deepEqual(steps, [60 * MINUTE]);
  assert.deepEqual(
    listed.map(({ startAt, endAt, endReason }) => [(startAt - START) / MINUTE, (endAt - startAt) / MINUTE, endReason]),
    [
      [0, 2, 'boundary'],
      [2, 1, 'clockStep'],
      [63, 1, 'boundary'],
      [64, 2, 'shutdown'],
    ],
  );
  assert.deepEqual(read(START, START + 66 * MINUTE).gaps, [
    { startAt: START + 3 * MINUTE, endAt: START + 63 * MINUTE, reason: 'clockStep' },
  ]);
});

test('back by 5 minutes: what is recorded now has the time, the rest is clipped or displaced', async (t) => {
  const w = await world(t);
  const { clock, live, read, end, steps, index, camera, recorded } = w;
  const stepMs = 5 * MINUTE;
  await live(7.5);
  const stepAt = clock.wallMs();
  clock.stepWall(-stepMs);
  await live(1);
  // The open segment takes its time as it grows, not when it is closed; nothing that is listed overlaps.
  const now = recorded();
  for (const [n, { startAt }] of now.entries())
    assert.ok(n === 0 || startAt >= now[n - 1]!.endAt - 1000, JSON.stringify(now));
  const files = new PlaybackSource(w.recordings).find(camera.id, SPAN.from, SPAN.to, 1000);
  const clipped = files.find(({ endReason }) => endReason === 'clockStep');
  assert.equal(clipped?.endAt, stepAt - stepMs);
  await live(5);
  assert.deepEqual(read(START, clock.wallMs() - 15_000).gaps, [], 'no moment is missing');
  const { displaced, listed } = await end();
  assert.deepEqual(steps, [-stepMs]);
  assert.equal(listed.at(-1)?.endAt, clock.wallMs());
  assert.deepEqual(
    displaced.map(({ startAt }) => (startAt - START) / MINUTE),
    [4, 6],
  );
  const sum = index.days('yard', 0, 1e6).reduce((all, { recordedMs }) => all + recordedMs, 0);
  assert.equal(sum, 8.5 * MINUTE, 'no moment counts twice');
});

test('back by an hour: what the wrong clock recorded stays until its time comes again', async (t) => {
  const { clock, live, read, end, recordings, camera } = await world(t);
  await live(6);
  clock.stepWall(-60 * MINUTE);
  await live(1);
  assert.deepEqual(read(START - 60 * MINUTE, clock.wallMs()).gaps, []);
  // The camera is away for most of the hour.
  await clock.advance(START + MINUTE - clock.wallMs());
  await until(() => recordings.unindexed(camera.id).length === 0);
  await live(2);
  await clock.advance(5 * MINUTE);
  await until(() => recordings.unindexed(camera.id).length === 0);
  const { displaced, listed } = await end();
  assert.deepEqual(
    listed.map(({ startAt, endAt, endReason }) => [(startAt - START) / MINUTE, (endAt - START) / MINUTE, endReason]),
    [
      [-54, -53, 'offline'],
      [0, 1, 'clockStep'],
      [1, 2, 'boundary'],
      [2, 3, 'offline'],
      [4, 6, 'clockStep'],
    ],
  );
  assert.deepEqual(
    displaced.map(({ startAt }) => (startAt - START) / MINUTE),
    [2],
  );
  assert.deepEqual(
    read(START - 60 * MINUTE, START + 6 * MINUTE).gaps.map(({ startAt, endAt, reason }) => [
      (startAt - START) / MINUTE,
      (endAt - START) / MINUTE,
      reason,
    ]),
    [
      [-53, 0, 'offline'],
      [3, 4, 'offline'],
    ],
  );
});

test('back and forth, and steps too small to see: labels follow, pictures stay', async (t) => {
  const { clock, live, end, steps, read } = await world(t);
  await live(4);
  clock.stepWall(-3 * MINUTE);
  await live(1);
  clock.stepWall(3 * MINUTE);
  await live(1);
  clock.stepWall(-90);
  await live(1);
  clock.stepWall(20);
  await live(1);
  const { listed, displaced } = await end();
  assert.deepEqual(steps, [-3 * MINUTE, 3 * MINUTE, -90]);
  assert.deepEqual(
    displaced.map(({ startAt }) => (startAt - START) / MINUTE),
    [],
  );
  assert.deepEqual(
    listed.map(({ startAt, endAt, endReason }) => [startAt - START, endAt - START, endReason]),
    [
      [0, 60_000, 'clockStep'],
      [60_000, 120_000, 'clockStep'],
      [120_000, 240_000, 'clockStep'],
      [300_000, 360_000 - 90, 'clockStep'],
      // Just before the boundary: the next picture is behind it.
      [360_000 - 90, 365_000 - 90, 'boundary'],
      [365_000 - 90, 480_000 - 90, 'shutdown'],
    ],
  );
  assert.deepEqual(
    read(START, START + 8 * MINUTE - 100).gaps.map(({ startAt, endAt, reason }) => [
      startAt - START,
      endAt - START,
      reason,
    ]),
    [[240_000, 300_000, 'clockStep']],
  );
});

test('in the middle of a scheduled window the clock goes back before it: recording ends, and begins again with the window', async (t) => {
  const schedules = [{ cron: '0 8 * * *', durationMinutes: 60, timezone: 'UTC' }];
  const { clock, live, end, camera, read, index, recordings } = await world(t, {
    mode: 'schedule',
    schedules,
    segmentSeconds: 600,
  });
  await live(5);
  clock.stepWall(-60 * MINUTE);
  // Off within the 5 s that a step is noticed in; what came until then is recorded with the new clock's time.
  while (camera.recordingActive) await clock.advance(1000);
  await until(() => index.lastEnd(camera.id) !== null);
  const early = index.find({ ...SPAN, camera: camera.id, order: 'asc', limit: 9 });
  assert.deepEqual(
    early.map(({ startAt, endReason }) => [startAt - START, endReason]),
    [[0, 'stopped']],
  );
  assert.deepEqual(read(START - 60 * MINUTE, clock.wallMs()).gaps, []);
  await clock.advance(START - 30 * MINUTE - clock.wallMs());
  assert.equal(recordings.wanted(camera as unknown as Camera), true);
  await clock.advance(27 * MINUTE);
  await live(8);
  const { listed, displaced } = await end();
  assert.deepEqual(
    displaced.map(({ startAt }) => startAt - START),
    [0],
  );
  assert.equal(listed[0]!.startAt, START - 3 * MINUTE);
  assert.equal(listed.at(-1)!.endAt, START + 5 * MINUTE);
});
