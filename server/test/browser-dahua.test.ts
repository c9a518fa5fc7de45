// A Dahua recorder by serial number as a person adds it: nothing leaves before Test is pressed, the steps appear, a wrong
// password is said in a sentence, two of four channels are chosen and both are live.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { skip as noBrowser, openBrowser, openPage, PATIENCE_MS, until, useCookie } from './chromium.ts';
import { startDahuaRecorder } from './dahua-recorder.ts';
import { startNvr } from './harness.ts';

const skip = noBrowser || (spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed');
/** Where screenshots go, when somebody wants to look at them. */
const SHOTS = process.env.PERCH_TEST_SHOTS;

async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return;
  for (const [look, width] of [
    ['wide', 1280],
    ['phone', 390],
  ] as const) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: `${SHOTS}/${name}-${look}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

test('a recorder by serial number: steps, a wrong password, two of four channels', {
  skip,
  timeout: 120_000,
}, async () => {
  await using recorder = await startDahuaRecorder(4);
  await using nvr = await startNvr();
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  const { cloud, settings } = recorder;
  await useCookie(page, nvr);
  await page.goto(`${nvr.url}/#/add`);

  await page.getByRole('button', { name: 'Add by hand' }).click();
  await page.getByLabel('Kind of camera').selectOption('dahua-p2p');
  // Whom it will ask is said before anything is saved, and changes with the setting.
  const notice = page.getByRole('note').filter({ hasText: 'To find the device, Perch asks' });
  await notice.getByText('www.easy4ipcloud.com', { exact: true }).waitFor();
  await page.getByText('More settings').click();
  await page.getByLabel('Service (optional)').fill(settings.server);
  await notice.getByText(settings.server.split(':')[0]!, { exact: true }).waitFor();
  await page.getByLabel('Relay').selectOption('always');
  await page.getByLabel('Serial number').fill(settings.serial);
  await page.getByLabel('User name').fill(settings.username);
  await page.getByLabel('Password', { exact: false }).first().fill('wrong');
  await shoot(page, 'dahua-1-form');
  assert.deepEqual(cloud.stats.requests, {}, 'nothing is sent while the form is filled in');

  await page.getByRole('button', { name: 'Show its channels' }).click();
  await page.getByText('refuses the user name or password').waitFor();
  const steps = page.getByRole('list', { name: 'Steps' }).getByRole('listitem');
  assert.deepEqual(
    await steps.evaluateAll((items: Array<{ className: string }>) => items.map((item) => item.className)),
    ['reached', 'reached', 'reached', 'failed'],
  );
  await page.getByText('through the vendor’s relay').waitFor();
  await shoot(page, 'dahua-2-wrong-password');

  // While a device is silent, the page says what it waits for.
  await page.getByLabel('Password', { exact: false }).first().fill(settings.password);
  cloud.faults.connAfterMs = 600;
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await page
    .locator('.steps .going')
    .filter({ hasText: /Way to the device|Login/ })
    .waitFor();
  await page.getByText('It works').waitFor();
  cloud.faults.connAfterMs = 0;
  await shoot(page, 'dahua-3-tested');

  await page.getByRole('button', { name: 'Show its channels' }).click();
  const channels = page.getByRole('form', { name: 'Channels' });
  await channels.getByRole('heading', { name: '4 channels' }).waitFor();
  for (const n of [1, 3]) await channels.getByLabel(`Channel ${n}`, { exact: true }).uncheck();
  await channels.getByLabel('Name of channel 2').fill('Yard');
  await channels.getByLabel('Name of channel 4').fill('x'.repeat(80));
  await shoot(page, 'dahua-4-channels');
  const attempts = cloud.stats.attemptAtMs.length;

  // One of them fails: it is named, and the other one is kept.
  await page.route('**/api/cameras', async (route) => {
    const isBad = route.request().postData()?.includes('xxxx');
    if (!isBad) return route.continue();
    const problem = { type: 'about:blank', title: 'Conflict', status: 409, detail: 'There are already 500 cameras' };
    return route.fulfill({ status: 409, json: { ...problem, code: 'conflict' } });
  });
  await channels.getByRole('button', { name: 'Add 2 cameras' }).click();
  await channels.getByText('could not be added; the others are kept').waitFor();
  await channels.getByText('There are already 500 cameras').waitFor();
  await shoot(page, 'dahua-5-one-failed');
  await channels.getByLabel('Name of channel 4').fill('Gate');
  await channels.getByRole('button', { name: 'Add 1 camera' }).click();

  await page.getByRole('link', { name: 'Gate: open' }).waitFor();
  await page.getByRole('link', { name: 'Yard: open' }).waitFor();
  const [yard, gate] = ['yard', 'gate'].map((slug) => nvr.app.fleet.get(slug));
  assert.deepEqual(
    [yard, gate].map((camera) => camera?.config.settings.channel),
    [2, 4],
  );
  assert.equal(gate?.config.subSource?.settings.subtype, 1);
  await until('both are live', async () => [yard, gate].every((camera) => camera?.status().state === 'live'));
  assert.equal(nvr.app.fleet.all().length, 2);
  assert.equal(cloud.stats.attemptAtMs.length, attempts + 1, 'both over one tunnel');
  await shoot(page, 'dahua-6-live');

  // And a file for a bug report, with the file's name and without the password.
  await page.getByRole('link', { name: 'Yard: open' }).click();
  await page.getByRole('button', { name: 'Record traffic for a bug report' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Pictures and sound of the camera are in it').waitFor();
  await shoot(page, 'dahua-7-capture');
  await page.route('**/capture?seconds=10', (route) =>
    route.continue({ url: route.request().url().replace('seconds=10', 'seconds=1') }),
  );
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: PATIENCE_MS }),
    dialog.getByRole('button', { name: 'Record', exact: true }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'yard.pcapng');
  const file = await readFile(await download.path());
  assert.equal(file.readUInt32LE(0), 0x0a0d0d0a, 'a pcapng file');
  assert.ok(file.length > 1000 && !file.includes(settings.password));

  assert.deepEqual(
    problems.filter((text) => !text.includes('409')),
    [],
  );
});
