// An ONVIF camera as a person adds it, in Chromium: found, signed in to, its streams chosen; the grid then looks at the
// small stream and the camera's page at the large one; the small one is taken away again.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import { OnvifSimulator } from '../sim/onvif/simulator.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { skip as noBrowser, openBrowser, openPage, propertyOf, until, useCookie } from './chromium.ts';
import { freshHost, startNvr } from './harness.ts';

const skip = noBrowser || (spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed');

/** Waits until the picture on screen is so wide. Chromium plays H.264 in a <video>. */
async function seesWidth(page: Page, width: number): Promise<void> {
  const video = page.locator('.stage video').first();
  await video.waitFor();
  await until(`a picture ${width} wide`, async () => (await propertyOf<number>(video, 'videoWidth')) === width);
}

test('an ONVIF camera: found, signed in to, added with both streams, each where it belongs', {
  skip,
  timeout: 180_000,
}, async () => {
  const host = freshHost();
  const world = { net: systemNet, clock: systemClock, host, port: 0, auth: 'digest-md5' } as const;
  const clip = (width: number, height: number) => loadClip({ source: 'testsrc', width, height, fps: 10, seconds: 2 });
  await using large = await RtspSimulator.start({ ...world, clip: await clip(640, 360), path: '/main' });
  await using small = await RtspSimulator.start({ ...world, clip: await clip(320, 180), path: '/sub' });
  const common = { codec: 'H264', frameRate: 10, bitRate: 500 } as const;
  await using device = await OnvifSimulator.start({
    ...{ ...world, auth: 'token' as const, name: 'Gate <b>', hardware: 'X-1' },
    profiles: [
      { ...common, token: 'a', name: 'MainStream', width: 640, height: 360, url: large.url },
      { ...common, token: 'b', name: 'SubStream', width: 320, height: 180, url: small.url },
    ],
  });
  await using nvr = await startNvr({ config: { discoveryTargets: [`${host}:${device.discoveryPort}`] } });
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  const shots = process.env.PERCH_TEST_SHOTS;
  const shoot = async (name: string) => {
    if (!shots) return;
    for (const [kind, width, height] of [
      ['phone', 390, 844],
      ['wide', 1280, 900],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: `${shots}/${name}-${kind}.png`, fullPage: true });
    }
  };
  await useCookie(page, nvr);

  await page.goto(`${nvr.url}/#/add`);
  await page.getByText('Gate <b> X-1').waitFor();
  await page.getByRole('button', { name: 'Choose' }).click();
  const streams = page.getByRole('region', { name: "The camera's streams" });
  await streams.getByLabel('User name').fill('admin');
  await streams.getByLabel('Password').fill('wrong');
  await streams.getByRole('button', { name: 'Show its streams' }).click();
  await streams.getByText('refuses the user name or password').waitFor();
  await streams.getByLabel('Password').fill('secret');
  await streams.getByRole('button', { name: 'Show its streams' }).click();
  await streams.getByText('It works').waitFor();
  await streams.getByRole('img', { name: 'From the camera, just now' }).waitFor();
  assert.match(
    (await streams.getByLabel('Recorded, and shown large').locator('option:checked').textContent()) ?? '',
    /^640 × 360, H264, 10 a second, 0.5 Mbit\/s, MainStream$/,
  );
  assert.match((await streams.getByLabel('In the grid').locator('option:checked').textContent()) ?? '', /^320 × 180/);
  await shoot('onvif');
  await streams.getByLabel('Name', { exact: true }).fill('Gate');
  await streams.getByRole('button', { name: 'Add camera' }).click();
  await page.getByRole('heading', { name: 'Gate' }).waitFor();
  await seesWidth(page, 640);
  assert.equal(small.stats.playing, 0, 'the page looks at the large stream alone');

  await page.getByRole('link', { name: 'Perch, live pictures' }).click();
  await page.getByRole('link', { name: 'Gate: open' }).waitFor();
  await seesWidth(page, 320);
  assert.equal(small.stats.playing, 1);
  await shoot('grid');

  await page.getByRole('link', { name: 'Gate: open' }).click();
  await page.getByRole('link', { name: 'Settings' }).click();
  const sub = page.getByRole('region', { name: 'Smaller stream' });
  await sub.getByLabel('Address').waitFor();
  assert.equal(await sub.getByLabel('Address').inputValue(), small.url);
  // With the stored password, which the page does not know; what is typed is tried, not what is stored.
  const tested = async (text: string) => {
    await sub.getByRole('button', { name: 'Test' }).click();
    await sub.getByText(text).waitFor();
  };
  await tested('It works');
  await sub.getByRole('img', { name: 'From the camera, just now' }).waitFor();
  assert.equal(await propertyOf<number>(sub.getByRole('img'), 'naturalWidth'), 320);
  await shoot('settings');
  await sub.getByLabel('Address').fill(small.url.replace('/sub', '/nothing'));
  await tested('No picture.');
  assert.equal(nvr.app.fleet.get('gate').config.subSource?.settings.url, small.url);
  await sub.getByText('The camera has a smaller stream').click();
  assert.equal(await sub.getByRole('button', { name: 'Test' }).count(), 0);
  await sub.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').first().waitFor();
  assert.equal(nvr.app.fleet.get('gate').config.subSource, null);
  // And back, without typing the password: it is the camera's.
  await sub.getByText('The camera has a smaller stream').click();
  await sub.getByLabel('Address').fill(large.url.replace('/main', '/other'));
  await sub.getByRole('button', { name: 'Save' }).click();
  await until('it is stored', async () => nvr.app.fleet.get('gate').config.subSource !== null);
  assert.equal(nvr.app.fleet.get('gate').config.subSource?.settings.password, 'secret');

  // The same device once more: found, as one that is there already, and by its address, with a wrong one first.
  await page.goto(`${nvr.url}/#/add`);
  await page.getByText('Already added').waitFor();
  await page.getByRole('button', { name: 'More streams' }).click();
  await streams.getByRole('heading', { name: 'Gate <b> X-1' }).waitFor();
  assert.equal(await streams.getByLabel('Address').count(), 0, 'it is known');
  const signIn = async (password: string) => {
    await streams.getByLabel('User name').fill('admin');
    await streams.getByLabel('Password').fill(password);
    await streams.getByRole('button', { name: 'Show its streams' }).click();
  };
  await signIn('secret');
  await streams.getByText('It works').waitFor();
  await shoot('more-streams');
  await page.getByRole('button', { name: 'ONVIF by address' }).click();
  await streams.getByLabel('Address').fill(`${host}:9`);
  await signIn('secret');
  await streams.getByText(`${host}:9`).waitFor();
  await streams.getByLabel('Address').fill(new URL(device.url).host);
  await signIn('secret');
  await streams.getByText('It works').waitFor();
  await streams.getByLabel('In the grid').selectOption({ label: 'The same' });
  await shoot('onvif-by-address');
  await streams.getByLabel('Name', { exact: true }).fill('Second');
  await streams.getByRole('button', { name: 'Add camera' }).click();
  await page.getByRole('heading', { name: 'Second' }).waitFor();
  const second = nvr.app.fleet.get('second').config;
  assert.deepEqual([second.settings.url, second.settings.password, second.subSource], [large.url, 'secret', null]);
  assert.deepEqual(problems, []);
});
