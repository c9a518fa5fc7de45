import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import { FedCamera, framesOf, recordingBase, standInFfmpeg, until } from '../test/recording-fixture.ts';
import { Recorder } from './recorder.ts';

const START = Date.UTC(2026, 4, 3, 10, 0, 0);
const ALL = { camera: 'cam_fed', from: 0, to: Number.MAX_SAFE_INTEGER, order: 'asc', limit: 99 } as const;

function begin(t: TestContext, settings: ConstructorParameters<typeof FedCamera>[1], random = () => 0) {
  const base = recordingBase(t);
  const clock = new ManualClock(START);
  const camera = new FedCamera(clock, { format: 'mjpeg', segmentSeconds: 60, ...settings });
  const failures: string[] = [];
  base.bus.on('recording.failed', ({ code }) => failures.push(code));
  const recorder = new Recorder({ ...base, camera, clock, random });
  recorder.start();
  t.after(() => recorder.stop());
  const feed = async (count: number, stepMs = 100) => {
    for (let n = 0; n < count; n++) {
      camera.picture();
      await clock.advance(stepMs);
    }
  };
  return { ...base, clock, camera, recorder, failures, feed, segments: () => base.index.find(ALL) };
}

/** Processes that have a file open. */
function writers(file: string): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const fds = readdirSync(`/proc/${pid}/fd`);
      const has = Number(pid) !== process.pid && fds.some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file);
      return has ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

/** The ffmpeg that writes the open segment, once it does. */
async function writerOf(dataDir: string, name: string): Promise<number> {
  const file = join(dataDir, 'recordings/yard/2026-05-03', name);
  await until(() => writers(file).length > 0);
  return writers(file)[0]!;
}

async function allFrames(dataDir: string, paths: readonly string[]): Promise<Uint8Array[]> {
  const lists = await Promise.all(paths.map((path) => framesOf(join(dataDir, 'recordings', path))));
  return lists.flat().map(({ data }) => data);
}

function assertAllOnce(recorded: readonly Uint8Array[], sent: readonly Uint8Array[]): void {
  const numbers = new Map(sent.map((data, n) => [Buffer.from(data).toString('latin1'), n]));
  assert.deepEqual(
    recorded.map((data) => numbers.get(Buffer.from(data).toString('latin1'))),
    sent.map((_, n) => n),
  );
}

test('kill -9 of ffmpeg in the middle: what it wrote is kept, the ring gives the rest, no picture lost or doubled', async (t) => {
  const { dataDir, clock, camera, recorder, failures, feed, segments } = begin(t, {});
  await feed(30);
  await until(() => recorder.tally.get('frames') === 30);
  const pid = await writerOf(dataDir, '10-00-00Z.mkv.part');
  assert.match(readFileSync(`/proc/${pid}/comm`, 'utf8'), /ffmpeg/);
  process.kill(pid, 'SIGKILL');
  await until(() => failures.length > 0 && segments().length > 0);
  await feed(20);
  await clock.advance(2000);
  await feed(10);
  await until(() => recorder.tally.get('frames') >= 60);
  await recorder.stop();
  assert.deepEqual(failures, ['unavailable']);
  const found = segments();
  assert.deepEqual(
    found.map(({ endReason }) => endReason),
    ['recorderFailed', 'stopped'],
  );
  assertAllOnce(
    await allFrames(
      dataDir,
      found.map(({ path }) => path),
    ),
    camera.sent,
  );
  assert.ok(found[1]!.startAt >= found[0]!.endAt - 100);
});

test('an ffmpeg that hangs is ended after 20 s; camera and viewers do not notice', async (t) => {
  const { dataDir, camera, recorder, failures, feed, segments } = begin(t, {});
  await feed(20);
  await until(() => recorder.tally.get('frames') === 20);
  const pid = await writerOf(dataDir, '10-00-00Z.mkv.part');
  process.kill(pid, 'SIGSTOP');
  await feed(100);
  assert.ok((recorder.openSegment?.endAt ?? 0) - START <= 2000, 'what it did not write is not listed');
  await feed(140);
  // Real time: the kill, and the disk; then the clock may go on to the end of the back-off.
  await until(() => segments().length > 0);
  assert.deepEqual(failures, ['unavailable']);
  await feed(30);
  await until(() => recorder.openSegment !== null || recorder.tally.get('frames') > 290);
  await until(() => recorder.recordedMonoMs >= 28_900);
  await recorder.stop();
  const found = segments();
  assertAllOnce(
    await allFrames(
      dataDir,
      found.map(({ path }) => path),
    ),
    camera.sent,
  );
  assert.equal(recorder.tally.get('missed'), 0);
});

/** What an ffmpeg does by itself, while pictures go in, on its first two starts. */
const FAULTS = {
  'ends with 0': 'head -c 40000 | ffmpeg "$@" 2>/dev/null; exit 0',
  'ends with 1': 'head -c 40000 | ffmpeg "$@" 2>/dev/null; exit 1',
  'writes nothing': 'exec cat >/dev/null',
} as const;

for (const [how, script] of Object.entries(FAULTS)) {
  test(`an ffmpeg that ${how}, twice: begun again with back-off, every picture once, viewers see all`, async (t) => {
    const { dataDir, clock, camera, recorder, failures, bus, segments } = begin(t, { segmentSeconds: 3600 }, () => 1);
    standInFfmpeg(t, dataDir, `[ -e "$0.2" ] && exec ffmpeg "$@"; [ -e "$0.1" ] && : >"$0.2"; : >"$0.1"; ${script}`);
    // By then it has failed: it got more pictures than it takes, or its file has not grown for longer than it may.
    const mustFailMs = how === 'writes nothing' ? 24_000 : 12_000;
    const failedMs: number[] = [];
    const openedMs: number[] = [];
    bus.on('recording.failed', () => void failedMs.push(clock.monoMs()));
    bus.on('segment.opened', () => void openedMs.push(clock.monoMs()));
    using viewer = camera.hub.open({ kinds: 'video', policy: 'every', start: 'live' });
    let seen = 0;
    let retried = 0;
    while (openedMs.length < 3) {
      camera.picture();
      await clock.advance(500);
      while (viewer.poll()) seen++;
      assert.equal(seen, camera.sent.length);
      const opened = openedMs.length;
      const failed = failedMs.length;
      // Time must not run away from processes: after a try that lived for half a minute the back-off begins anew. It stands
      // still until the stand-in has begun, then until it has failed when it must have...
      await until(() => opened === 0 || opened > 2 || existsSync(join(dataDir, `ffmpeg-stand-in.${opened}`)));
      if (opened > failed && opened < 3 && clock.monoMs() - openedMs[failed]! >= mustFailMs) {
        await until(() => failedMs.length > failed);
      }
      // ...until its back-off begins (the recorder's other timer is its tick)...
      if (failedMs.length > retried) {
        retried++;
        await until(() => clock.timers > 1);
      }
      // ...and, when that is over, until the next one begins.
      if (opened === retried && opened > 0 && clock.timers === 1) await until(() => openedMs.length > opened);
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
    }
    const lastMs = clock.monoMs();
    camera.picture();
    await until(() => recorder.recordedMonoMs >= lastMs);
    await until(() => recorder.tally.get('frames') >= camera.sent.length);
    await recorder.stop();
    assert.deepEqual(failures, ['unavailable', 'unavailable']);
    // The longest that the back-off may wait is a second, then two.
    assert.ok(openedMs[1]! - failedMs[0]! >= 1000, `${openedMs} after ${failedMs}`);
    assert.ok(openedMs[2]! - failedMs[1]! >= 2000, `${openedMs} after ${failedMs}`);
    const found = segments();
    const ends = new Set(found.map(({ endReason }) => endReason));
    assert.deepEqual([...ends], how === 'writes nothing' ? ['stopped'] : ['recorderFailed', 'stopped']);
    assertAllOnce(
      await allFrames(
        dataDir,
        found.map(({ path }) => path),
      ),
      camera.sent,
    );
  });
}

test('a disk that refuses is tried again with back-off, and said once per try', async (t) => {
  const { dataDir, clock, recorder, failures, feed, segments } = begin(t, { format: 'mjpeg' });
  // A file stands where the camera's folder should be: nothing can be made in it.
  await mkdir(join(dataDir, 'recordings'), { recursive: true });
  await writeFile(join(dataDir, 'recordings/yard'), 'in the way');
  await feed(30);
  await until(() => failures.length >= 1);
  await rm(join(dataDir, 'recordings/yard'));
  await clock.advance(5000);
  await feed(10);
  await until(() => recorder.tally.get('frames') >= 30);
  await recorder.stop();
  assert.equal(
    segments().reduce((sum, { frames }) => sum + frames, 0),
    40,
  );
  assert.ok(failures.every((code) => code === 'unavailable'));
});

test('names that are taken get -2, -3; nothing is overwritten', async (t) => {
  const { dataDir, recorder, feed, segments } = begin(t, {});
  const day = join(dataDir, 'recordings/yard/2026-05-03');
  await mkdir(day, { recursive: true });
  await writeFile(join(day, '10-00-00Z.mkv'), 'first');
  await writeFile(join(day, '10-00-00Z-2.mkv.part'), 'second');
  await feed(10);
  await until(() => recorder.tally.get('frames') === 10);
  await recorder.stop();
  assert.equal(segments()[0]?.path, 'yard/2026-05-03/10-00-00Z-3.mkv');
  assert.equal(readFileSync(join(day, '10-00-00Z.mkv'), 'utf8'), 'first');
});

test('an absent camera ends the segment after some seconds; recording goes on by itself', async (t) => {
  const { camera, clock, recorder, feed, segments, bus } = begin(t, {});
  await feed(20);
  await until(() => recorder.tally.get('frames') === 20);
  assert.equal(camera.recordingActive, true);
  const closed = bus.next('segment.closed');
  await clock.advance(8000);
  await closed;
  assert.equal(camera.recordingActive, false);
  await feed(20);
  await clock.advance(1500);
  await until(() => recorder.tally.get('frames') === 40);
  await recorder.stop();
  const found = segments();
  assert.deepEqual(
    found.map(({ endReason, startAt, endAt }) => [endReason, startAt - START, endAt - START]),
    [
      ['offline', 0, 2000],
      ['stopped', 10_000, 12_000],
    ],
  );
});

test('a step of the host clock ends the segment; lengths stay true, starts follow the new clock', async (t) => {
  const { clock, recorder, feed, segments } = begin(t, {});
  // Each step after the pictures before it were taken: a picture gets the time that holds when it is recorded.
  await feed(20);
  await until(() => recorder.tally.get('frames') === 20);
  clock.stepWall(3_600_000);
  await feed(20);
  await until(() => recorder.tally.get('frames') === 40);
  clock.stepWall(300_000);
  await feed(20);
  await until(() => recorder.tally.get('frames') === 60);
  await recorder.stop();
  assert.deepEqual(
    segments().map(({ endReason, startAt, endAt }) => [endReason, startAt - START, endAt - startAt]),
    [
      ['clockStep', 0, 2000],
      ['clockStep', 3_602_000, 2000],
      ['stopped', 3_904_000, 2000],
    ],
  );
});

test('a change of the picture size begins a new file', async (t) => {
  const { camera, clock, recorder, feed, segments } = begin(t, {});
  await feed(5);
  const other = new Uint8Array(readFileSync(new URL('../test/recording-fixture.ts', import.meta.url))).slice(0, 4000);
  for (let n = 0; n < 5; n++) {
    camera.picture(other, { width: 320, height: 240 });
    await clock.advance(100);
  }
  await until(() => recorder.tally.get('frames') === 10);
  await recorder.stop();
  assert.deepEqual(
    segments().map(({ endReason, frames }) => [endReason, frames]),
    [
      ['formatChange', 5],
      ['stopped', 5],
    ],
  );
});

test('sound that comes after the first picture does not cost a second file', async (t) => {
  const { camera, clock, recorder, segments } = begin(t, { format: 'mjpeg', audio: true });
  for (let n = 0; n < 30; n++) {
    camera.picture();
    await clock.advance(50);
    if (n >= 6) camera.sound(new Int16Array(400));
  }
  await until(() => recorder.tally.get('frames') === 30);
  await recorder.stop();
  assert.deepEqual(
    segments().map(({ frames, endReason }) => [frames, endReason]),
    [[30, 'stopped']],
  );
});

test('sound: a tone recorded beside the pictures stays where it belongs, across boundaries, holes and drift', async (t) => {
  const { dataDir, camera, clock, recorder, segments } = begin(t, { format: 'mjpeg', audio: true, segmentSeconds: 5 });
  // Blocks of 128 ms; a crystal that is 0.5 % slow; two seconds without sound in the middle.
  const block = new Int16Array(1024).map((_, n) => 12_000 * Math.sin((2 * Math.PI * 440 * n) / 8000));
  let nextSoundMs = 0;
  for (let n = 0; n < 240; n++) {
    const nowMs = n * 50;
    while (nextSoundMs <= nowMs) {
      if (nextSoundMs < 6000 || nextSoundMs > 8000) camera.sound(block);
      nextSoundMs += 128.64;
    }
    camera.picture();
    await clock.advance(50);
  }
  await until(() => recorder.tally.get('frames') === 240);
  await recorder.stop();
  const found = segments();
  assert.deepEqual(
    found.map(({ endReason }) => endReason),
    ['boundary', 'boundary', 'stopped'],
  );
  for (const { path, startAt, endAt } of found) {
    const { streams = [], packets = [] } = await ffprobe(join(dataDir, 'recordings', path), [
      ...[
        '-show_streams',
        '-select_streams',
        'a',
        '-show_packets',
        '-show_entries',
        'stream=codec_name:packet=pts_time,duration_time',
      ],
    ]);
    assert.equal(streams[0]?.codec_name, 'aac');
    const last = packets.at(-1)!;
    const soundEndMs = (Number(last.pts_time) + Number(last.duration_time)) * 1000;
    assert.ok(Math.abs(Number(packets[0]!.pts_time)) * 1000 <= 130, 'begins with the pictures (but for the priming)');
    assert.ok(Math.abs(soundEndMs - (endAt - startAt)) <= 300, `sound ends ${soundEndMs}, pictures ${endAt - startAt}`);
  }
});
