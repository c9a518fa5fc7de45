// Perch's own page in Chromium as a viewer: how soon it shows a camera, and which pictures it shows when.

import { existsSync } from 'node:fs';
import { openBrowser, skip } from '../test/chromium.ts';
import type { PerchProcess } from './perch-process.ts';

const USER = { username: 'viewer', password: 'bench bench bench' } as const;
const PAGE_LIMIT_MS = 20_000;
/** A page of Perch without pictures. */
const ELSEWHERE = '#/more';

/** In the page: from a press on a camera to its first picture on the screen, milliseconds. */
const OPEN_CAMERA = `(slug) => new Promise((done) => {
  const begun = performance.now();
  const watch = new MutationObserver(() => {
    const video = document.querySelector('.stage video');
    if (!video) return;
    watch.disconnect();
    video.requestVideoFrameCallback((_now, { expectedDisplayTime }) => done(expectedDisplayTime - begun));
  });
  watch.observe(document.body, { childList: true, subtree: true });
  location.hash = '#/camera/' + slug;
})`;

type Browser = Awaited<ReturnType<typeof openBrowser>>;
type Page = Awaited<ReturnType<Browser['newPage']>>;

/** See the head of this file. Dispose it. */
export class PageViewer implements AsyncDisposable {
  readonly page: Page;
  readonly #browser: Browser;
  readonly #root: string;

  /** Signs in and opens a page without pictures. @returns `null` where there is no Chromium, or no page was built */
  static async open(perch: PerchProcess): Promise<PageViewer | null> {
    if (skip || !existsSync(new URL('../../web/dist/index.html', import.meta.url))) return null;
    await perch.call('POST', '/api/users', { ...USER, role: 'viewer', cameras: null });
    const browser = await openBrowser();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const root = `http://127.0.0.1:${perch.port}`;
    const reply = await page.context().request.post(`${root}/api/session`, { data: USER });
    if (!reply.ok()) throw new Error(`sign-in: ${reply.status()}`);
    const viewer = new PageViewer(browser, page, root);
    await viewer.leave();
    return viewer;
  }

  private constructor(browser: Browser, page: Page, root: string) {
    this.#browser = browser;
    this.page = page;
    this.#root = root;
  }

  /** @returns milliseconds from the press to the first picture on the screen */
  async show(slug: string): Promise<number> {
    const shown = this.page.evaluate<number>(`(${OPEN_CAMERA})(${JSON.stringify(slug)})`);
    await this.page.locator('.stage[data-picture=moving] video').waitFor({ timeout: PAGE_LIMIT_MS });
    return shown;
  }

  /** Leaves the camera. */
  async leave(): Promise<void> {
    await this.page.goto(`${this.#root}/${ELSEWHERE}`);
    await this.page.locator('h1').first().waitFor({ timeout: PAGE_LIMIT_MS });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
