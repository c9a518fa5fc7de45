// Reasons of gaps through the whole app, beside those of timeline.test.ts (offline, cameraDisabled, perchDown, deleted) and
// storage-faults.test.ts (diskFull, storageMissing): released, refused, recorderFailed, clockStep. And that one encoder serves all.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { startNvr } from './harness.ts';

type Gap = { start: string; end: string; reason: string };
type Segment = { start: string; end: string; open: boolean; displaced: boolean; endReason: string | null };

const camera = 'camera-1';
const STEP_MS = 300_000;

/** Our own children. */
function children(): { pid: number; args: string; files: string[] }[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const parent = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      if (Number(parent) !== process.pid) return [];
      const files = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      return [{ pid: Number(pid), args: readFileSync(`/proc/${pid}/cmdline`, 'latin1'), files }];
    } catch {
      return [];
    }
  });
}

test('released, refused, a recorder that is killed, a clock that is set; one encoder for recorder and viewers', async () => {
  let offsetMs = 0;
  const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + offsetMs };
  const recording = { mode: 'continuous', format: 'mp4', segmentSeconds: 2, preRollSeconds: 0 };
  await using nvr = await startNvr({ clock, cameras: [{ fps: 10, audio: false, recording }] });
  const from = new Date(clock.wallMs() - 1000).toISOString();
  const gaps = async () => {
    const to = new Date(clock.wallMs() + 1000).toISOString();
    return (await nvr.ok<{ gaps: Gap[] }>('GET', `/api/cameras/${camera}/timeline?from=${from}&to=${to}`)).gaps;
  };
  const isSeen = async (reason: string, leastMs = 1100) => {
    const long = ({ start, end }: Gap) => Date.parse(end) - Date.parse(start) >= leastMs;
    return (await gaps()).some((gap) => gap.reason === reason && long(gap));
  };
  const seen = async (reason: string, leastMs?: number) => {
    while (!(await isSeen(reason, leastMs))) await systemClock.sleep(50);
  };
  const closed = () => nvr.app.bus.next('segment.closed');
  const writers = () => children().filter(({ files }) => files.some((file) => file.endsWith('.part')));
  await closed();

  const live = await nvr.fetch(`/cameras/${camera}/live.mp4`);
  const reader = live.body!.getReader();
  await reader.read();
  assert.equal((await nvr.fetch(`/cameras/${camera}/hls/index.m3u8`)).status, 200);
  await closed();
  assert.equal(children().filter(({ args }) => args.includes('libx264')).length, 1, 'one encoder');
  await reader.cancel();

  await nvr.ok('POST', `/api/cameras/${camera}/release`, { minutes: 1 });
  await seen('released');
  await nvr.api('POST', `/api/cameras/${camera}/restart`);
  await nvr.state(camera, 'live');

  await nvr.ok('PATCH', `/api/cameras/${camera}`, { settings: { password: 'not this one' } });
  await nvr.state(camera, 'refused');
  await seen('refused');
  await nvr.ok('PATCH', `/api/cameras/${camera}`, { settings: { password: null } });
  await nvr.state(camera, 'live');
  await closed();

  // The ring refills a short hole: it is killed until the back-off is longer than that.
  while (!(await isSeen('recorderFailed'))) {
    for (const { pid } of writers()) process.kill(pid, 'SIGKILL');
    await systemClock.sleep(20);
  }
  await closed();

  const stepped = nvr.app.bus.next('recording.clockStepped');
  offsetMs = STEP_MS;
  assert.ok(Math.abs((await stepped).stepMs - STEP_MS) < 50);
  await closed();
  await seen('clockStep', STEP_MS - 10_000);
  offsetMs = STEP_MS - 4000;
  // What was recorded in the 4 seconds before that is recorded again: the new recording has the time.
  for (;;) {
    const { segments } = await nvr.ok<{ segments: Segment[] }>('GET', `/api/cameras/${camera}/segments?limit=1000`);
    const displaced = await nvr.ok<{ segments: Segment[] }>('GET', `/api/cameras/${camera}/segments?displaced=true`);
    for (const [n, { start }] of segments.entries())
      assert.ok(n === 0 || start >= segments[n - 1]!.end, JSON.stringify(segments.slice(-6), null, 1));
    if (displaced.segments.length > 0 && displaced.segments.every((segment) => segment.displaced)) break;
    await closed();
  }
  const { events } = await nvr.ok<{ events: { type: string }[] }>('GET', '/api/events?type=recording.clockStepped');
  assert.equal(events.length, 2);
});
