// Schedules, orders by hand and deletion of a camera, through the whole app and over a restart.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startNvr } from './harness.ts';

const quick = { format: 'mjpeg', segmentSeconds: 2, preRollSeconds: 0, audio: false };

test('in the middle of a window it records at once; outside it does not; a bad rule names its field', async () => {
  const schedules = [{ cron: '* * * * *', durationMinutes: 2, timezone: 'UTC' }];
  await using nvr = await startNvr({ cameras: [{ recording: { ...quick, mode: 'schedule', schedules } }] });
  await nvr.app.bus.next('segment.closed');
  const month = ((new Date().getUTCMonth() + 6) % 12) + 1;
  const closed = nvr.app.bus.next('segment.closed');
  await nvr.ok('PATCH', '/api/cameras/camera-1', {
    recording: { schedules: [{ cron: `0 0 1 ${month} *`, durationMinutes: 5, timezone: 'UTC' }] },
  });
  await closed;
  while (nvr.app.fleet.get('camera-1').status().recording) await nvr.frames('camera-1', 1);
  for (const [rule, field] of [
    [{ cron: '0 25 * * *', durationMinutes: 5 }, 'recording.schedules[1].cron'],
    [{ cron: '0 5 * * *', durationMinutes: 5, timezone: 'Mars/Base' }, 'recording.schedules[1].timezone'],
  ] as const) {
    const reply = await nvr.api('PATCH', '/api/cameras/camera-1', { recording: { schedules: [schedules[0], rule] } });
    assert.equal(reply.status, 400);
    assert.ok(String((reply.body as { detail: string }).detail).startsWith(field), JSON.stringify(reply.body));
  }
});

test('an order by hand survives a restart; a camera deleted with its recordings frees its slug', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'perch-orders-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  {
    await using nvr = await startNvr({ dataDir, cameras: [{ recording: { ...quick, mode: 'off' } }] });
    await nvr.ok('POST', '/api/cameras/camera-1/recording', { action: 'start' });
    await nvr.app.bus.next('segment.closed');
  }
  await using nvr = await startNvr({ dataDir });
  const camera = nvr.app.fleet.get('camera-1');
  assert.equal(nvr.app.recordings.manual(camera.id), 'start');
  assert.equal(nvr.app.recordings.wanted(camera), true);
  assert.equal((await nvr.api('DELETE', '/api/cameras/camera-1?recordings=delete')).status, 204);
  assert.equal(existsSync(join(dataDir, 'recordings/camera-1')), false);
  const again = await nvr.api('POST', '/api/cameras', {
    ...{ name: 'Other', slug: 'camera-1', driver: 'iwfcam', settings: { host: '127.0.0.1' }, enabled: false },
  });
  assert.equal(again.status, 201, JSON.stringify(again.body));
});
