// Chromium's <img> on /mjpeg and the bare player of /embed, picture by picture: the test publishes them and holds the clock.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { ManualClock } from '../core/manual-clock.ts';
import { openBrowser } from './chromium.ts';
import { LiveFixture, realJpeg } from './live/fixture.ts';

const skip = existsSync('/usr/bin/chromium') ? false : 'not installed: chromium';
const SHOWN_WITHIN_MS = 20_000;
const size = { width: 320, height: 240 };

/** Serves one page from an origin that is not Perch's. */
async function foreignPage(html: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_request, reply) => reply.setHeader('content-type', 'text/html').end(html));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Mean color of what a person would see there. */
async function seen(page: Page, selector: string): Promise<{ r: number; g: number; b: number }> {
  const { channels } = await sharp(await page.locator(selector).screenshot()).stats();
  const [r = 0, g = 0, b = 0] = channels.map((channel) => channel.mean);
  return { r, g, b };
}

type Color = Awaited<ReturnType<typeof seen>>;
const isRed = ({ r, g, b }: Color) => r > 150 && g < 90 && b < 90;
const isBlue = ({ r, g, b }: Color) => b > 150 && r < 90 && g < 90;
const isDim = ({ r, g, b }: Color) => r < 110 && g < 110 && b < 110;

/** Looks until it is so; `meanwhile` may move the clock. */
async function sees(
  page: Page,
  selector: string,
  is: (color: Color) => boolean,
  what: string,
  meanwhile?: () => Promise<void>,
) {
  const patience = AbortSignal.timeout(SHOWN_WITHIN_MS);
  for (;;) {
    const color = await seen(page, selector);
    if (is(color)) return;
    assert.ok(!patience.aborted, `${what}: ${JSON.stringify(color)}`);
    await meanwhile?.();
  }
}

test('an <img> on a foreign page shows every picture, the last one too, and a card in an outage', {
  skip,
}, async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  await using browser = await openBrowser();
  const [red, blue] = [await realJpeg(320, 240, '#e01010'), await realJpeg(320, 240, '#1010e0')];
  perch.camera.show(red, size);
  await using foreign = await foreignPage(
    `<img id="p" width="320" height="240" src="${perch.url(`/cameras/porch/mjpeg?token=${perch.token}`)}">`,
  );
  const page = await browser.newPage();
  await page.goto(foreign.url, { waitUntil: 'commit' });
  await sees(page, '#p', isRed, 'the only picture, at once');
  perch.camera.show(blue, size);
  await sees(page, '#p', isBlue, 'a picture without a successor', () => clock.advance(50));
  perch.camera.state = 'backingOff';
  await sees(page, '#p', isDim, 'the card', () => clock.advance(1000));
  perch.camera.state = 'live';
  perch.camera.show(red, size);
  await sees(page, '#p', isRed, 'live again', () => clock.advance(50));
});

test('a page that has a token may read the pixels', { skip }, async () => {
  await using perch = await LiveFixture.start();
  await using browser = await openBrowser();
  perch.camera.show(await realJpeg(320, 240, '#e01010'), size);
  await using foreign = await foreignPage('<canvas id="c" width="8" height="8"></canvas>');
  const page = await browser.newPage();
  await page.goto(foreign.url);
  const pixel = await page.evaluate(
    async (url) => {
      // A function of the page: the names are the browser's.
      const world = globalThis as unknown as {
        Image: new () => { crossOrigin: string; src: string; decode(): Promise<void> };
        document: { getElementById(id: string): { getContext(kind: string): CanvasLike } };
      };
      type CanvasLike = {
        drawImage(image: object, x: number, y: number): void;
        getImageData(x: number, y: number, w: number, h: number): { data: Uint8Array };
      };
      const image = new world.Image();
      image.crossOrigin = 'anonymous';
      image.src = url;
      await image.decode();
      const canvas = world.document.getElementById('c').getContext('2d');
      canvas.drawImage(image, 0, 0);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    },
    perch.url(`/cameras/porch/snapshot.jpg?token=${perch.token}`),
  );
  assert.ok(pixel[0]! > 200 && pixel[2]! < 60, `${pixel}`);
});

test('the bare player moves, dims in an outage, says why, and comes back after Perch does', { skip }, async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  await using browser = await openBrowser();
  perch.camera.config = { ...perch.camera.config, name: '"><img src=x onerror=alert(1)> & Co' };
  const [red, blue] = [await realJpeg(320, 240, '#e01010'), await realJpeg(320, 240, '#1010e0')];
  perch.camera.show(red, size);
  const embed = perch.url(`/embed/porch?token=${perch.token}`);
  await using foreign = await foreignPage(
    `<iframe id="p" width="320" height="240" sandbox="allow-scripts" src="${embed}" style="border:0"></iframe>`,
  );
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(foreign.url, { waitUntil: 'commit' });
  await sees(page, '#p', isRed, 'the picture');
  perch.camera.show(blue, size);
  await sees(page, '#p', isBlue, 'the next picture');
  await clock.advance(11_000);
  await sees(page, '#p', isDim, 'the dimmed picture');
  const note = page.frameLocator('#p').locator('#note');
  assert.match(await note.innerText(), /^"><img src=x onerror=alert\(1\)> & Co: no signal since /);
  perch.camera.show(red, size);
  await sees(page, '#p', isRed, 'live again');
  assert.deepEqual(problems, []);
  // The socket breaks: the picture must not go on looking live, and all is well again by itself.
  for (const socket of perch.app.websocketServer.clients) socket.terminate();
  await sees(page, '#p', isDim, 'dimmed while reconnecting');
  await sees(page, '#p', isRed, 'connected again');
});

test('the bare player falls back to multipart where sockets do not get through', { skip }, async () => {
  await using perch = await LiveFixture.start();
  await using browser = await openBrowser();
  perch.camera.show(await realJpeg(320, 240, '#e01010'), size);
  const page = await browser.newPage();
  await page.routeWebSocket(/api\/live/, (socket) => socket.close({ code: 1011 }));
  await page.goto(perch.url(`/embed/porch?token=${perch.token}`), { waitUntil: 'commit' });
  await sees(page, '#picture', isRed, 'the picture');
});
