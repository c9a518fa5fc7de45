// In Chromium: no page breaks the content policy, names from cameras are text on every one of them, and the audit page
// shows sign-ins, failures, changes and downloads.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser, openPage, signIn, skip } from './chromium.ts';
import { ADMIN, startNvr } from './harness.ts';

const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}';
/** Links that are followed; a page has more than enough of them when each of its recordings has one. */
const MAX_PAGES = 24;

type Violation = { violatedDirective: string; blockedURI: string };
type PageGlobals = {
  addEventListener(name: string, listener: (event: Violation) => void): void;
  reportError(error: Error): void;
};

test('every page under the policy, with hostile names; and the audit trail of it', {
  skip,
  timeout: 120_000,
}, async () => {
  const recording = { mode: 'continuous', segmentSeconds: 2 };
  await using nvr = await startNvr({ cameras: [{ name: 'Door', recording, settings: {} }] });
  await nvr.ok('PATCH', '/api/cameras/door', { name: HOSTILE });
  await nvr.app.bus.next('segment.closed');
  const { segments } = await nvr.ok<{ segments: { id: string; open: boolean }[] }>('GET', '/api/cameras/door/segments');
  const { id } = segments.find(({ open }) => !open)!;
  await (await nvr.fetch(`/api/segments/${id}/media?download=1`)).arrayBuffer();
  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', { name: HOSTILE, scope: 'stream' });
  const guess = { username: ADMIN.username, password: 'not the password' };
  assert.equal((await nvr.api('POST', '/api/session', guess)).status, 401);

  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  page.on('dialog', (dialog) => {
    assert.fail(`a script ran: ${dialog.message()}`);
  });
  await page.addInitScript(() => {
    const { addEventListener, reportError } = globalThis as unknown as PageGlobals;
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      reportError(new Error(`the policy was broken: ${violatedDirective} ${blockedURI}`)),
    );
  });
  await signIn(page, nvr.url);
  const [seen, toSee] = [new Set<string>(), ['#/']];
  while (seen.size < MAX_PAGES) {
    const hash = toSee.find((each) => !seen.has(each));
    if (hash === undefined) break;
    seen.add(hash);
    await page.goto(`${nvr.url}/${hash}`);
    await page.locator('h1').first().waitFor();
    assert.equal(await page.locator('main img[src="x"], main script').count(), 0, hash);
    const links = await page.locator('a[href^="#/"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    toSee.push(...links.filter((link) => link !== null));
  }
  for (const section of ['#/', '#/audit', '#/users', '#/tokens', '#/storage', '#/events', '#/camera/door'])
    assert.ok(seen.has(section), `${section} in ${[...seen].join(' ')}`);
  assert.deepEqual(problems, []);

  await page.goto(`${nvr.url}/#/audit`);
  const trail = page.getByRole('region', { name: 'Audit trail' });
  for (const line of ['signed in', 'sign-in failed', 'changed the camera', 'made the token', /downloaded recordings/])
    await trail.getByText(line).first().waitFor();
  assert.ok((await trail.getByText(HOSTILE).count()) > 0);

  await page.goto(`${nvr.url}/api/docs/`);
  for (const name of ['access', 'cameras']) await page.locator(`.opblock-tag[data-tag="${name}"]`).click();
  await page.locator('.opblock-summary').first().click();
  await page.locator('.opblock-body').first().waitFor();
  await page.goto(`${nvr.url}/embed/door?token=${token}`);
  await page.locator('img, canvas, video').first().waitFor();
  assert.match(await page.title(), /onerror=alert/);
  assert.deepEqual(problems, []);
});
