// Live pictures in Chromium: what is old never looks live, one socket carries a grid, and what happens without it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser, openPage, propertyOf, seesMotion, skip, until, useCookie } from './chromium.ts';
import { startNvr } from './harness.ts';

test('a camera that goes away is said to be away, and comes back by itself', { skip, timeout: 120_000 }, async () => {
  await using nvr = await startNvr({ cameras: 1 });
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  await useCookie(page, nvr);
  await page.goto(nvr.url);
  const stage = page.locator('.stage');
  await seesMotion(stage);
  const sim = nvr.sims[0]!;
  sim.vanish();
  await until('the picture is old', async () => (await stage.getAttribute('data-picture')) === 'stale');
  await page.getByText(/No signal since/).waitFor();
  await nvr.state('camera-1', 'backingOff');
  await page.getByText('Away').waitFor();
  assert.equal(await stage.getAttribute('data-picture'), 'stale');
  sim.comeBack();
  await seesMotion(stage);
  assert.equal(await page.getByText(/No signal since/).count(), 0);
  assert.deepEqual(problems, []);
});

test('a grid of sixteen moves', { skip, timeout: 240_000 }, async () => {
  const cameras = Array.from({ length: 16 }, (_, index) => ({ name: `Camera ${index + 1}`, fps: 4 }));
  await using nvr = await startNvr({ cameras });
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser, { viewport: { width: 1600, height: 1200 } });
  await useCookie(page, nvr);
  await page.goto(nvr.url);
  await until('sixteen tiles', async () => (await page.locator('.stage').count()) === 16);
  for (let index = 0; index < 16; index++) await seesMotion(page.locator('.stage').nth(index), 1);
  assert.deepEqual(problems, []);
});

test('when Perch restarts, the page says so and goes on', { skip, timeout: 120_000 }, async () => {
  await using nvr = await startNvr({ cameras: 1 });
  await using browser = await openBrowser();
  const { page } = await openPage(browser);
  await useCookie(page, nvr);
  await page.goto(nvr.url);
  const stage = page.locator('.stage');
  await seesMotion(stage);
  await nvr.stopApp();
  await page.getByText('Perch does not answer. Trying again.').waitFor();
  await until('the picture is old', async () => (await stage.getAttribute('data-picture')) === 'stale');
  await using again = await startNvr({ dataDir: nvr.dataDir, setUp: false, config: { port: nvr.port } });
  await seesMotion(stage);
  assert.equal(again.port, nvr.port);
  // The event stream comes back by itself too, a moment after the pictures.
  await page.getByText('Perch does not answer. Trying again.').waitFor({ state: 'detached' });
});

test('without WebSockets there are plain pictures', { skip, timeout: 120_000 }, async () => {
  await using nvr = await startNvr({ cameras: 1 });
  await using browser = await openBrowser();
  const { page } = await openPage(browser);
  await useCookie(page, nvr);
  await page.routeWebSocket(/\/api\/live$/, (socket) => socket.close());
  await page.goto(`${nvr.url}/#/camera/camera-1`);
  await until('plain pictures', async () => (await page.locator('.stage').getAttribute('data-picture')) === 'plain');
  const image = page.locator('.stage img');
  await until('a picture', async () => (await propertyOf<number>(image, 'naturalWidth')) > 0);
});

test('an ended session leads to the sign-in page', { skip, timeout: 60_000 }, async () => {
  await using nvr = await startNvr({ cameras: 1 });
  await using browser = await openBrowser();
  const { page } = await openPage(browser);
  await useCookie(page, nvr);
  await page.goto(nvr.url);
  await seesMotion(page.locator('.stage'));
  await nvr.ok('DELETE', '/api/session');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('an ended session is noticed on pages without pictures too', { skip, timeout: 60_000 }, async () => {
  await using nvr = await startNvr();
  await using browser = await openBrowser();
  const { page } = await openPage(browser);
  await useCookie(page, nvr);
  await page.goto(`${nvr.url}/#/users`);
  await page.getByRole('heading', { name: 'Users' }).waitFor();
  await page.getByText('(you)').waitFor();
  await nvr.ok('DELETE', '/api/session');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('a camera with a microphone is heard', { skip, timeout: 60_000 }, async () => {
  await using nvr = await startNvr({ cameras: 1 });
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  await useCookie(page, nvr);
  await page.goto(`${nvr.url}/#/camera/camera-1`);
  await page.getByRole('button', { name: 'Sound', exact: true }).click();
  const on = page.getByRole('button', { name: 'Sound on' });
  // Only said when samples are playing.
  await on.waitFor();
  await on.click();
  await page.getByRole('button', { name: 'Sound', exact: true }).waitFor();
  assert.deepEqual(problems, []);
});
