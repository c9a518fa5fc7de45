// A camera gets another driver while it is watched and recorded: same id, new life, and the recorder goes with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNvr } from './harness.ts';

test('the recorder follows a camera through a change of its driver', { timeout: 60_000 }, async () => {
  await using nvr = await startNvr({ cameras: [{ recording: { mode: 'continuous', format: 'mjpeg' } }] });
  const opened = () => nvr.app.bus.next('segment.opened');
  await opened();
  const { id } = nvr.app.fleet.get('camera-1');
  const { settings } = nvr.app.fleet.get(id).config;
  await nvr.ok('PATCH', `/api/cameras/${id}`, { driver: 'http-mjpeg', settings: { url: 'http://127.0.0.1:9/' } });
  assert.equal(nvr.app.fleet.get(id).config.driver, 'http-mjpeg');
  const again = opened();
  await nvr.ok('PATCH', `/api/cameras/${id}`, { driver: 'iwfcam', settings });
  await again;
  assert.equal(nvr.app.fleet.get(id).status().recording, true);
});

test('a camera is found under its name all through a change of its driver', async () => {
  await using nvr = await startNvr({ cameras: 1 });
  await nvr.state('camera-1', 'live');
  const before = nvr.app.fleet.get('camera-1');
  let isDone = false;
  const change = nvr.app.fleet
    .change('camera-1', { driver: 'http-mjpeg', settings: { url: 'http://127.0.0.1:9/' }, slug: 'door' })
    .finally(() => {
      isDone = true;
    });
  while (!isDone) {
    assert.ok(nvr.app.fleet.find(before.id));
    assert.ok(nvr.app.fleet.find('camera-1') ?? nvr.app.fleet.find('door'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(nvr.app.fleet.get('door'), await change);
  assert.equal(nvr.app.fleet.find('camera-1'), undefined);
});
