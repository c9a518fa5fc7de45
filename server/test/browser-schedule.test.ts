// The weekly grid: what is painted is what the API says, and the other way round.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser, openPage, signIn, skip } from './chromium.ts';
import { startNvr } from './harness.ts';

test('the week is painted, saved as schedules, and read again', { skip, timeout: 120_000 }, async () => {
  await using nvr = await startNvr({ cameras: [{ audio: false }] });
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
  await form.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').first().waitFor();
  type Info = { recording: { mode: string; schedules: { cron: string; durationMinutes: number; timezone: string }[] } };
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
  assert.deepEqual(
    problems.filter((problem) => !problem.includes('400')),
    [],
  );
});
