// Chromium for the tests of the page: Debian's, through playwright-core. Tests skip, with the reason, when it is missing.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { ADMIN, type Nvr } from './harness.ts';

const places = [process.env.PERCH_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const program = places.find((path) => path !== undefined && existsSync(path));
const pageBuilt = existsSync(new URL('../../web/dist/index.html', import.meta.url));

/** For `test(..., { skip })`. */
export const skip: string | false = !program
  ? 'no Chromium: apt-get install chromium, or set PERCH_CHROMIUM'
  : pageBuilt
    ? false
    : 'web/dist is not built: npm run build';

/** How long a fact of the page may take: generous, because test machines are slow. */
export const PATIENCE_MS = 30_000;

const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

const ASK_EVERY_MS = 50;

/** A browser; `await using` it. */
export async function openBrowser(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: program as string, args: [...quiet, ...args] });
}

/** A page that remembers what went wrong in it. */
export type WatchedPage = {
  readonly page: Page;
  /** Errors of scripts, the console and the content policy so far. */
  readonly problems: readonly string[];
};

/** The test reads pixels, the page never does. */
const OUR_OWN = /Multiple readback operations/;

/** Opens a page of its own context. @param ignore problems that the test provokes */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
  ignore?: RegExp,
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const problems: string[] = [];
  const note = (text: string) => {
    if (!ignore?.test(text) && !OUR_OWN.test(text)) problems.push(text);
  };
  page.on('pageerror', (error) => note(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') note(message.text());
  });
  return { page, problems };
}

/** Signs in through the page, as a person does. */
export async function signIn(
  page: Page,
  url: string,
  user: { username: string; password: string } = ADMIN,
): Promise<void> {
  await page.goto(url);
  await page.getByLabel('User name').fill(user.username);
  await page.getByLabel('Password').fill(user.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Live', exact: true }).waitFor();
}

/** Gives the page's context the administrator's cookie: quicker than signing in. */
export async function useCookie(page: Page, nvr: Nvr, url = nvr.url): Promise<void> {
  const [name = '', value = ''] = nvr.cookie.split('=');
  await page.context().addCookies([{ name, value, url }]);
}

/** A property of an element, such as a video's `currentTime`. */
export function propertyOf<T>(element: Locator, name: string): Promise<T> {
  return element.evaluate((node: Record<string, unknown>, key) => node[key] as T, name);
}

/** As much of a canvas as is used in the page: the server's types have no DOM. */
type Canvas = {
  readonly width: number;
  readonly height: number;
  getContext(kind: '2d'): { getImageData(x: number, y: number, width: number, height: number): { data: Uint8Array } };
};

/** A number that changes with the pixels of a canvas (some of them: it is asked often). */
function pixels(canvas: Locator): Promise<number> {
  return canvas.evaluate((element: Canvas) => {
    const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
    let hash = 7;
    for (let i = 0; i < data.length; i += 37) hash = (hash * 31 + (data[i] ?? 0)) | 0;
    return hash;
  });
}

/** Waits until a check holds. */
export async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await check())) {
    assert.ok(performance.now() < end, `it did not happen: ${what}`);
    await setTimeout(ASK_EVERY_MS);
  }
}

/** Waits until the picture on a canvas has changed several times and is shown as live. */
export async function seesMotion(stage: Locator, changes = 3): Promise<void> {
  const canvas = stage.locator('canvas');
  await until('a live picture', async () => (await stage.getAttribute('data-picture')) === 'moving');
  let last = await pixels(canvas);
  for (let seen = 0; seen < changes; seen++) {
    await until('a new picture', async () => {
      const now = await pixels(canvas);
      const isNew = now !== last;
      last = now;
      return isNew;
    });
  }
  assert.equal(await stage.getAttribute('data-picture'), 'moving');
}

/** Waits until what is drawn there changes, whatever draws it: for pictures of another origin, which cannot be read. */
export async function seesChange(place: Locator, changes = 2): Promise<void> {
  let last = await place.screenshot();
  for (let seen = 0; seen < changes; seen++) {
    await until('a change on the screen', async () => {
      const now = await place.screenshot();
      const isNew = !now.equals(last);
      last = now;
      return isNew;
    });
  }
}
