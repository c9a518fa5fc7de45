// "What would it cost?": measured on the camera, for both formats, beside what a recording then really takes.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startNvr } from './harness.ts';

type Report = {
  measuredMs: number;
  frames: number;
  encodes: boolean;
  bytesPerHour: number;
  hoursPerDay: number;
  bytesPerDay: number;
  processorShare: number | null;
  daysLeft: number | null;
  keepsDays: number | null;
  limitedBy: string | null;
};

test('a rehearsal says what recording would take, changes nothing, and is right', async () => {
  await using nvr = await startNvr({ cameras: [{ name: 'Porch' }, { name: 'Yard' }] });
  await nvr.state('porch', 'live');
  await nvr.state('yard', 'live');
  const ask = (recording: object, camera = 'porch') =>
    nvr.api('POST', `/api/cameras/${camera}/recording/rehearsal`, { recording });
  const before = await nvr.ok('GET', '/api/cameras/porch');
  const weekday = { cron: '0 8 * * 1-5', durationMinutes: 600, timezone: 'UTC' };
  const untouched = { mode: 'schedule', format: 'mjpeg', schedules: [weekday], retention: { days: 0.5 } };
  const given = new AbortController();
  const first = nvr.fetch('/api/cameras/porch/recording/rehearsal', {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}', signal: given.signal },
  });
  assert.equal((await ask({ format: 'avi' })).status, 400); // by now the server has the first
  given.abort();
  await assert.rejects(first);
  const [mjpeg, again, mp4] = await Promise.all([
    ask(untouched),
    ask(untouched),
    ask({ mode: 'continuous', format: 'mp4' }, 'yard'),
  ]);
  assert.deepEqual([mjpeg.status, again.status].sort(), [200, 409], 'one at a time');
  const plain = (mjpeg.status === 200 ? mjpeg : again).body as Report;
  assert.deepEqual([plain.encodes, plain.keepsDays, plain.limitedBy], [false, 0.5, 'days']);
  assert.ok(Math.abs(plain.hoursPerDay - 50 / 7) < 0.01, `${plain.hoursPerDay} hours a day`);
  assert.equal(plain.bytesPerDay, Math.round(plain.bytesPerHour * plain.hoursPerDay));
  // The simulator sends 10 pictures a second.
  assert.ok(plain.frames > 0.7 * (plain.measuredMs / 100) && plain.frames < 1.3 * (plain.measuredMs / 100));

  const encoded = mp4.body as Report;
  assert.equal(encoded.encodes, true);
  assert.equal(encoded.hoursPerDay, 24);
  assert.ok(encoded.bytesPerHour < plain.bytesPerHour / 2, `${encoded.bytesPerHour} beside ${plain.bytesPerHour}`);
  if (process.platform === 'linux') {
    assert.ok(encoded.processorShare! > 0 && encoded.processorShare! > plain.processorShare!);
  }
  const after = await nvr.ok('GET', '/api/cameras/porch');
  assert.deepEqual(after.recording, before.recording);
  assert.deepEqual(
    readdirSync(join(nvr.dataDir, 'recordings')).filter((name) => name.includes('porch')),
    [],
  );

  await nvr.ok('PATCH', '/api/cameras/yard', { enabled: false });
  assert.equal((await ask({ mode: 'continuous' }, 'yard')).status, 503);

  // The truth: what a recording of the untouched pictures takes.
  await nvr.ok('PATCH', '/api/cameras/porch', { recording: { ...untouched, mode: 'continuous', segmentSeconds: 2 } });
  const closed = Promise.withResolvers<{ bytes: number; start: number; end: number }>();
  let seen = 0;
  nvr.app.bus.on('segment.closed', (segment) => {
    seen += 1;
    if (seen === 2) closed.resolve(segment);
  });
  const { bytes, start, end } = await closed.promise;
  const hourly = (bytes * 3_600_000) / (end - start);
  assert.ok(Math.abs(hourly / plain.bytesPerHour - 1) < 0.15, `${hourly} beside ${plain.bytesPerHour}`);
});
