// The timeline through the whole app: every moment that should be recorded is recorded or a gap with its reason, while
// the camera goes, is released, is disabled, while Perch restarts, and while somebody deletes.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { type Nvr, startNvr } from './harness.ts';

type Span = { start: string; end: string };
type Gap = Span & { reason: string };
type Reply = { recorded: Span[]; gaps: Gap[]; events: { type: string }[] };

const recording = { mode: 'continuous', segmentSeconds: 2, preRollSeconds: 0, format: 'mjpeg' };
/** The contract: how far behind live the open segment may be; and as much again for a slow machine. */
const BEHIND_LIVE_MS = 4000;
/** Between two asks: an address may ask so often only. */
const POLL_MS = 20;
const camera = 'camera-1';

async function timeline(nvr: Nvr, from: number, to = Date.now() + 60_000): Promise<Reply> {
  const span = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
  return nvr.ok<Reply>('GET', `/api/cameras/${camera}/timeline?${span}`);
}

/** Everything in order, without a hole of a second or an overlap, up to the live edge. */
function assertWhole({ recorded, gaps }: Reply, live: boolean): void {
  const all = [...recorded, ...gaps].sort((a, b) => a.start.localeCompare(b.start));
  const text = JSON.stringify(all, null, 1);
  for (const [n, span] of all.entries()) {
    assert.ok(span.end > span.start, text);
    const before = all[n - 1];
    if (!before) continue;
    const holeMs = Date.parse(span.start) - Date.parse(before.end);
    assert.ok(holeMs >= 0 && holeMs < 1000, `${holeMs} ms between ${before.end} and ${span.start}: ${text}`);
  }
  const last = all.at(-1);
  if (live && last)
    assert.ok(Date.now() - Date.parse(last.end) < BEHIND_LIVE_MS, `${last.end} at ${new Date().toISOString()}`);
}

async function closed(nvr: Nvr, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await nvr.app.bus.next('segment.closed');
}

const reasons = ({ gaps }: Reply) => gaps.map(({ reason }) => reason);

test('every moment is recorded or a gap with its reason', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-timeline-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const from = Date.now() - 1000;
  {
    await using nvr = await startNvr({ dataDir, cameras: [{ fps: 10, audio: false, recording }] });
    await closed(nvr, 1);
    // While segments are cut and closed all the time, nothing ever looks missing.
    let looks = 0;
    const until = nvr.app.bus.next('segment.closed').then(() => closed(nvr, 2));
    let done = false;
    void until.then(() => {
      done = true;
    });
    while (!done) {
      const reply = await timeline(nvr, from);
      assertWhole(reply, true);
      assert.equal(reply.recorded.length, 1, JSON.stringify(reply));
      assert.deepEqual(
        reasons(reply).filter((reason) => reason !== 'offline'),
        [],
      );
      looks++;
      await systemClock.sleep(POLL_MS);
    }
    assert.ok(looks > 10);

    const lost = nvr.app.bus.next('camera.lost');
    nvr.sims[0]!.vanish();
    await lost;
    nvr.sims[0]!.comeBack();
    await nvr.state(camera, 'live');
    await closed(nvr, 2);
    const reply = await timeline(nvr, from);
    assertWhole(reply, true);
    assert.equal(reasons(reply).at(-1), 'offline');
    assert.equal(reply.recorded.length, 2);
    assert.ok(reply.events.some(({ type }) => type === 'camera.lost'));

    await nvr.ok('PATCH', `/api/cameras/${camera}`, { enabled: false });
    // Long enough to be seen: recordings less than a second apart are one.
    const seen = ({ gaps }: Reply) =>
      gaps.some(({ start, end, reason }) => reason === 'cameraDisabled' && Date.parse(end) - Date.parse(start) > 1000);
    while (!seen(await timeline(nvr, from))) await systemClock.sleep(POLL_MS);
    await nvr.ok('PATCH', `/api/cameras/${camera}`, { enabled: true });
    await nvr.state(camera, 'live');
    await closed(nvr, 2);
    assertWhole(await timeline(nvr, from), true);
  }
  const restarted = Date.now();
  {
    await using nvr = await startNvr({ dataDir, setUp: false });
    const cookie = (await import('./harness.ts')).ADMIN;
    const signedIn = await fetch(`${nvr.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(cookie),
    });
    const headers = { cookie: signedIn.headers.get('set-cookie')!.split(';')[0]! };
    const span = `from=${new Date(from).toISOString()}&to=${new Date(Date.now() + 1000).toISOString()}`;
    const reply = (await (
      await fetch(`${nvr.url}/api/cameras/${camera}/timeline?${span}`, { headers })
    ).json()) as Reply;
    assertWhole(reply, false);
    assert.ok(reasons(reply).includes('cameraDisabled'), JSON.stringify(reply));
    const down = reply.gaps.find(({ reason }) => reason === 'perchDown');
    assert.ok(down && Math.abs(Date.parse(down.end) - restarted) < 5000, JSON.stringify(reply.gaps));

    const { index } = nvr.app.recordings;
    const { id } = nvr.app.fleet.get(camera);
    const segments = index.find({ camera: id, from, to: restarted, order: 'asc', limit: 3 });
    const [, second] = segments;
    await nvr.app.recordings.delete(second!);
    const after = (await (
      await fetch(`${nvr.url}/api/cameras/${camera}/timeline?${span}`, { headers })
    ).json()) as Reply;
    const deleted = after.gaps.find(({ reason }) => reason === 'deleted');
    assert.deepEqual([Date.parse(deleted!.start), Date.parse(deleted!.end)], [second!.startAt, second!.endAt]);
    assertWhole(after, false);
  }
});

test('clips, bad spans, all cameras, thumbnails of a moment', async () => {
  await using nvr = await startNvr({ cameras: [{ fps: 10, audio: false, recording }, { fps: 5 }] });
  const from = Date.now() - 60_000;
  await closed(nvr, 3);
  const { recorded } = await timeline(nvr, from);
  const start = Date.parse(recorded[0]!.start);
  assert.deepEqual((await timeline(nvr, start + 300, start + 700)).recorded, [
    { start: new Date(start + 300).toISOString(), end: new Date(start + 700).toISOString() },
  ]);
  const iso = new Date(start).toISOString();
  for (const query of [
    '',
    `from=${iso}`,
    `from=${iso}&to=${iso}`,
    'from=a&to=b',
    `from=2020-01-01T00:00:00.000Z&to=${iso}`,
  ]) {
    assert.equal((await nvr.api('GET', `/api/cameras/${camera}/timeline?${query}`)).status, 400, query);
  }
  const to = new Date(start + 500).toISOString();
  const all = await nvr.ok<{ cameras: { slug: string; recorded: Span[] }[] }>(
    'GET',
    `/api/timeline?from=${iso}&to=${to}`,
  );
  assert.deepEqual(
    all.cameras.map(({ slug, recorded }) => [slug, recorded.length]),
    [
      ['camera-1', 1],
      ['camera-2', 0],
    ],
  );

  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', {
    name: 't',
    scope: 'viewer',
    cameras: ['camera-2'],
  });
  const limited = { cookie: '', authorization: `Bearer ${token}` };
  assert.equal(
    (await nvr.fetch(`/api/cameras/${camera}/timeline?from=${iso}&to=${to}`, { headers: limited })).status,
    404,
  );
  const visible = (await (
    await nvr.fetch(`/api/timeline?from=${iso}&to=${to}`, { headers: limited })
  ).json()) as typeof all;
  assert.deepEqual(
    visible.cameras.map(({ slug }) => slug),
    ['camera-2'],
  );

  const picture = await nvr.fetch(`/api/cameras/${camera}/thumbnail.jpg?at=${to}`);
  assert.equal(picture.headers.get('content-type'), 'image/jpeg');
  assert.equal(
    Buffer.from(await picture.arrayBuffer())
      .subarray(0, 2)
      .toString('hex'),
    'ffd8',
  );
  assert.equal((await nvr.api('GET', `/api/cameras/${camera}/thumbnail.jpg?at=2020-01-01T00:00:00.000Z`)).status, 404);
  assert.equal((await nvr.fetch(`/api/cameras/${camera}/thumbnail.jpg?at=${to}`, { headers: limited })).status, 404);
});
