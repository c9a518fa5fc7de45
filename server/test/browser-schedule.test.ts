// The recording form and the storage page: the weekly grid is what the API says and the other way round, costs are measured
// before saving, limits for all cameras.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import { REHEARSAL_MS } from '../recording/rehearsal.ts';
import { openBrowser, openPage, signIn, skip, until } from './chromium.ts';
import { startNvr } from './harness.ts';

test('the week is painted, saved as schedules, and read again', { skip, timeout: 120_000 }, async () => {
  // Measured for a second instead of ten.
  const sleep: typeof systemClock.sleep = (ms, signal) => systemClock.sleep(ms === REHEARSAL_MS ? 1000 : ms, signal);
  const cameras = [{ audio: false, recording: { segmentSeconds: 2 } }];
  await using nvr = await startNvr({ clock: { ...systemClock, sleep }, cameras });
  const closed = nvr.app.bus.next('segment.closed');
  await nvr.state('camera-1', 'live');
  await nvr.ok('POST', '/api/cameras/camera-1/recording', { action: 'start' });
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  await signIn(page, nvr.url);
  await page.getByRole('link', { name: 'Camera 1: open' }).click();
  await page.getByRole('link', { name: 'Settings' }).click();
  const form = page.getByRole('region', { name: 'Recording' });
  await form.getByText('By schedule').click();
  const hour = (name: string) => form.getByRole('button', { name, exact: true });
  await hour('Mon 8:00').hover();
  await page.mouse.down();
  await hour('Mon 9:00').hover();
  await hour('Mon 10:00').hover();
  await page.mouse.up();
  await hour('Tue 22:00').focus();
  await page.keyboard.press('Enter');
  // Four hours of a week, measured on the camera before anything is saved.
  await form.getByText('of one core').waitFor();
  assert.match(await form.getByRole('status').innerText(), /A day\s+[\d.]+ [KM]B\s+in 0\.6 hours/);
  await form.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').first().waitFor();
  type Rule = { cron: string; durationMinutes: number; timezone: string };
  type Info = { recording: { mode: string; schedules: Rule[]; encoder: { quality: number } } };
  const { recording } = await nvr.ok<Info>('GET', '/api/cameras/camera-1');
  assert.equal(recording.mode, 'schedule');
  assert.deepEqual(
    recording.schedules.map(({ cron, durationMinutes }) => [cron, durationMinutes]),
    [
      ['0 8 * * 1', 180],
      ['0 22 * * 2', 60],
    ],
  );
  const [{ timezone } = { timezone: '' }] = recording.schedules;
  const schedules = [
    { cron: '0 6 * * 0', durationMinutes: 60, timezone },
    { cron: '15 7 * * *', durationMinutes: 20, timezone },
  ];
  await nvr.ok('PATCH', '/api/cameras/camera-1', { recording: { schedules } });
  await page.reload();
  await hour('Sun 6:00').waitFor();
  assert.equal(await form.locator('[aria-pressed="true"]').count(), 1);
  assert.equal(await hour('Sun 6:00').getAttribute('aria-pressed'), 'true');
  const cron = form.getByLabel('Begins (cron)');
  assert.equal(await cron.inputValue(), '15 7 * * *');
  await cron.fill('61 7 * * *');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText(/recording\.schedules\[1\]\.cron: minute/).waitFor();
  await cron.fill('15 7 * * *');
  await form.getByLabel('Time zone').selectOption('America/New_York');
  await form.getByText('Encoder', { exact: true }).click();
  await form.getByLabel('Quality').fill('30');
  // Graphics that this machine lacks are named as such, before and after.
  const encoders = await nvr.ok<{ kind: string; state: string; reason: string | null }[]>('GET', '/api/encoders');
  const missing = encoders.find(({ state }) => state === 'fails');
  if (missing) {
    await form.getByLabel('Encode with').selectOption(missing.kind);
    await form.getByText(`libx264 does the work instead: ${missing.reason}`).waitFor();
    assert.match(await form.getByLabel('Encode with').locator(':checked').innerText(), /, not here$/);
  }
  await form.getByRole('button', { name: 'Save' }).click();
  await until('saved', async () => {
    const now = await nvr.ok<Info>('GET', '/api/cameras/camera-1');
    return now.recording.schedules[1]?.timezone === 'America/New_York' && now.recording.encoder.quality === 30;
  });

  if (missing) {
    await form.getByRole('note').getByText(`The encoder ${missing.kind} does not work, libx264 is used:`).waitFor();
    await page.getByRole('link', { name: 'Camera 1' }).click();
    await page.getByText(`The encoder ${missing.kind} does not work`).waitFor();
  }

  await closed;
  await nvr.ok('POST', '/api/cameras/camera-1/recording', { action: 'stop' });
  // What an older clock recorded, and a newer recording has the time of.
  const { id: camera } = nvr.app.fleet.get('camera-1');
  for (const n of [2, 1]) {
    const startAt = Date.now() - 3_600_000 + n;
    const codec = { format: 'mp4', codec: 'h264', endReason: 'boundary' } as const;
    const path = `camera-1/2026-01-01/00-00-0${n}Z.mp4`;
    nvr.app.recordings.index.add({
      ...{ id: newId('seg'), camera, folder: 'camera-1', path, startAt, endAt: startAt + 60_000, frames: 1 },
      ...{ ...codec, bytes: 3_000_000, hasMotion: false, protected: false },
    });
  }
  await page.getByRole('link', { name: 'Storage' }).first().click();
  await page.getByText(/1 of them \(3(\.0)? MB\) is on no timeline: the clock was set back/).waitFor();
  await page.getByRole('img', { name: /^Camera 1: recordings of 1 of the last 30 days/ }).waitFor();
  await page.getByLabel('Recordings at most, GB').fill('50');
  await page.getByRole('region', { name: 'Limits for all cameras' }).getByRole('button', { name: 'Save' }).click();
  await until('limited', async () => (await nvr.ok('GET', '/api/settings')).maxRecordingBytes === 50e9);
  assert.deepEqual(
    problems.filter((problem) => !problem.includes('400')),
    [],
  );
});
