// H.264 in Chromium: played by the page as the camera sends it, through an outage and a new size; single pictures where
// the browser has no MediaSource.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { skip as noBrowser, openBrowser, openPage, propertyOf, seesMotion, until, useCookie } from './chromium.ts';
import { skip as noFfmpeg, startCodedNvr } from './coded-world.ts';

const skip = noBrowser || noFfmpeg;

/** Where a message with one picture has its time: head, moof, mfhd, traf, tfhd, and in tfdt behind its version. */
const TFDT_AT = 24 + 8 + 16 + 8 + 16 + 12;
/** In the page: media time and wall-clock time of a hundred pictures on the screen. */
const WATCH_PICTURES = `(video) => new Promise((done) => {
  const seen = [];
  const shown = (_now, { mediaTime, expectedDisplayTime }) => {
    seen.push({ media: Math.round(mediaTime * 1000), at: performance.timeOrigin + expectedDisplayTime });
    if (seen.length < 100) video.requestVideoFrameCallback(shown); else done(seen);
  };
  video.requestVideoFrameCallback(shown);
})`;

/** Waits until the video has moved on, and is shown as live. */
async function plays(stage: Locator): Promise<void> {
  const video = stage.locator('video');
  await until('a live picture', async () => (await stage.getAttribute('data-picture')) === 'moving');
  const from = await propertyOf<number>(video, 'currentTime');
  await until('the video goes on', async () => {
    const at = await propertyOf<number>(video, 'currentTime');
    return at > from + 0.5 || at < from;
  });
}

test('an H.264 camera is played as it is, close to now, through an outage and a new size', {
  skip,
  timeout: 120_000,
}, async (t) => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  await useCookie(page, nvr);
  const began = performance.now();
  await page.goto(`${nvr.url}/#/camera/${slug}`);
  const stage = page.locator('.stage');
  await until('a live picture', async () => (await stage.getAttribute('data-picture')) === 'moving');
  t.diagnostic(`${Math.round(performance.now() - began)} ms from opening the page to the first picture`);
  await plays(stage);
  const video = stage.locator('video');
  const behind = () =>
    video.evaluate((node: unknown) => {
      const { buffered, currentTime } = node as {
        buffered: { length: number; end(index: number): number };
        currentTime: number;
      };
      return buffered.end(buffered.length - 1) - currentTime;
    });
  await until('close to now', async () => (await behind()) < 0.5);
  t.diagnostic(`${(await behind()).toFixed(3)} s behind the newest fragment`);
  assert.equal(await propertyOf<number>(video, 'videoWidth'), 320);
  await world.change({ width: 640, height: 360 });
  await until('the new size', async () => (await propertyOf<number>(video, 'videoWidth')) === 640);
  await plays(stage);
  assert.equal(await page.locator('.stage-note').count(), 0);
  await page.goto(`${nvr.url}/#/`);
  await plays(page.locator('.tile .stage'));
  assert.deepEqual(problems, []);
});

/** As an iPhone has it: no MediaSource, but ManagedMediaSource, which wants remote playback off. */
const AS_IPHONE = `
  const Managed = window.MediaSource;
  delete window.MediaSource;
  window.ManagedMediaSource = Managed;
  const create = URL.createObjectURL;
  URL.createObjectURL = (what) => { window.opened = what instanceof Managed; return create.call(URL, what); };
`;
/** As an older one: neither; whether it plays HLS is said by HLS_ANSWER. */
const WITHOUT_SOURCES = `
  delete window.MediaSource;
  delete window.ManagedMediaSource;
  const can = HTMLMediaElement.prototype.canPlayType;
  HTMLMediaElement.prototype.canPlayType = function (type) {
    return /mpegurl/i.test(type) ? HLS_ANSWER : can.call(this, type);
  };
`;
const NOTE = 'This browser cannot play H.264: single pictures instead.';

test('ManagedMediaSource, else HLS, else single pictures and a note', { skip, timeout: 90_000 }, async (t) => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  await using browser = await openBrowser();
  const openAs = async (script: string, ignore?: RegExp) => {
    const { page, problems } = await openPage(browser, {}, ignore);
    await page.addInitScript(script);
    await useCookie(page, nvr);
    return { page, problems, show: () => page.goto(`${nvr.url}/#/camera/${slug}`) };
  };

  await t.test('ManagedMediaSource plays, with remote playback off', async () => {
    const { page, problems, show } = await openAs(AS_IPHONE);
    await show();
    await plays(page.locator('.stage'));
    assert.equal(await propertyOf<boolean>(page.locator('.stage video'), 'disableRemotePlayback'), true);
    assert.equal(await page.evaluate('window.opened'), true);
    assert.deepEqual(problems, []);
    await page.close();
  });

  await t.test('without both, HLS by the browser itself', async (step) => {
    const { page, show } = await openAs(WITHOUT_SOURCES.replace('HLS_ANSWER', "'maybe'"), /./);
    const asked = page.waitForResponse(/\/hls\/index\.m3u8/);
    await show();
    assert.equal((await asked).status(), 200);
    const video = page.locator('.stage video');
    const note = page.getByText(NOTE);
    await until('a picture or the note', async () => {
      return (await note.isVisible()) || (await page.locator('.stage').getAttribute('data-picture')) === 'moving';
    });
    const byItself = (await video.count()) === 1;
    step.diagnostic(byItself ? 'this Chromium plays HLS by itself' : 'this Chromium does not play it: single pictures');
    if (byItself) await plays(page.locator('.stage'));
    else await seesMotion(page.locator('.stage'));
    await page.close();
  });

  await t.test('without any of them, single pictures and a note', async () => {
    const { page, problems, show } = await openAs(WITHOUT_SOURCES.replace('HLS_ANSWER', "''"));
    await show();
    await page.getByText(NOTE).waitFor();
    await seesMotion(page.locator('.stage'));
    assert.deepEqual(problems, []);
  });
});

test('how long a picture takes from its arrival at Perch to the screen', { skip, timeout: 90_000 }, async (t) => {
  await using world = await startCodedNvr({ width: 1280, height: 720, fps: 25 });
  const { nvr, slug } = world;
  await using browser = await openBrowser();
  const { page } = await openPage(browser);
  await useCookie(page, nvr);
  /** Arrival by media time, in milliseconds: both are in each message that carries one picture. */
  const arrivals = new Map<number, number>();
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      if (typeof payload === 'string' || payload[0] !== 3) return;
      arrivals.set(Math.round(Number(payload.readBigUInt64BE(TFDT_AT)) / 90), payload.readDoubleBE(8));
    }),
  );
  await page.goto(`${nvr.url}/#/camera/${slug}`);
  const stage = page.locator('.stage');
  await plays(stage);
  const shown = (await page.evaluate(`(${WATCH_PICTURES})(document.querySelector('video'))`)) as Array<{
    media: number;
    at: number;
  }>;
  const delays: number[] = [];
  for (const { media, at } of shown) {
    const arrived = arrivals.get(media) ?? arrivals.get(media - 1) ?? arrivals.get(media + 1);
    if (arrived !== undefined) delays.push(at - arrived);
  }
  delays.sort((a, b) => a - b);
  assert.ok(delays.length > 20, `${delays.length} of ${shown.length} pictures found`);
  const part = (share: number) => Math.round(delays[Math.floor((delays.length - 1) * share)]!);
  t.diagnostic(`${delays.length} pictures: median ${part(0.5)} ms, 90 % within ${part(0.9)} ms, most ${part(1)} ms`);
  assert.ok(part(0.5) > 0);
});
