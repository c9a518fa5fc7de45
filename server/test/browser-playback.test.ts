// Playback in Chromium over a span in which a camera changed its pictures, its sound and its codec: what plays is played, what
// cannot be played is named. And the exports of the timeline page beside: cancelled, refused, on their way, chosen by touch.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPage, propertyOf, skip, until } from './chromium.ts';
import { hands, startTimelineWorld, type TimelineWorld } from './timeline-world.ts';

let world: TimelineWorld | null = null;
const YARD_ROW = 2;
/** Playing goes on while it is looked at. */
const NEAR_MS = 1500;

before(async () => {
  if (!skip) world = await startTimelineWorld();
});

after(() => world?.[Symbol.asyncDispose]());

const widthOf = (page: Page) => propertyOf<number>(page.locator('.tl-stage > video'), 'videoWidth');

test('sizes, sound and codecs change in one span; H.265 is named; every speed; recordings one by one; full screen', {
  skip,
  timeout: 120_000,
}, async () => {
  const { nvr, browser, yard } = world!;
  const { page, problems } = await openPage(browser, {}, /status of (404|503)/);
  const hand = hands(page);
  const [wide, h265, later, jpeg] = [yard.wide[0]!, yard.h265[0]!, yard.h265[1]!, yard.jpeg[0]!];
  const stands = (at: number) =>
    until(`it stands at ${at}`, async () => Math.abs((await hand.shownAt()) - at) < NEAR_MS);
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  await hand.standAt(nvr, 'yard', wide.startAt - 3000, 120);
  const playsH265 = await page.evaluate<boolean>(`MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L60.90"')`);

  // Sound: heard, softer, off, on again as soft as before.
  assert.ok((await propertyOf<number>(hand.video, 'webkitAudioDecodedByteCount')) > 0);
  await page.getByLabel('Volume').fill('0.4');
  const sound = async () => [await propertyOf(hand.video, 'muted'), await propertyOf(hand.video, 'volume')];
  assert.deepEqual(await sound(), [false, 0.4]);
  await button('Mute').click();
  assert.deepEqual(await sound(), [true, 0.4]);
  await button('Sound on').click();
  assert.deepEqual(await sound(), [false, 0.4]);

  // On into the larger pictures without sound, over H.265, into JPEG.
  assert.equal(await widthOf(page), 160);
  await page.getByLabel('Speed').selectOption('2');
  await button('Play').click();
  await until('the larger pictures', async () => (await widthOf(page)) === 320);
  assert.equal(await page.getByRole('alert').count(), 0, 'H.265 lies ahead, and nobody asked for it');
  if (!playsH265) await page.getByText('Skipped 6 s: this browser cannot play H.265').waitFor();
  await until('JPEG', async () => (await hand.shownAt()) >= jpeg.startAt && (await widthOf(page)) === 160);
  await hand.pause();

  // Back one by one; into H.265 it says so, and what can be done.
  await page.mouse.click(...(await spot(hand, jpeg.startAt + 1000)));
  await hand.hasPicture();
  await hand.pause();
  await button('Previous recording').click();
  await stands(later.startAt);
  const refused = page
    .getByRole('alert')
    .getByText('This browser cannot play H.265. Download the recording to watch it.');
  if (!playsH265) await refused.waitFor();
  await button('Previous recording').click();
  await stands(h265.startAt);
  await button('Previous recording').click();
  await stands(wide.startAt);
  await until('its pictures', async () => (await widthOf(page)) === 320);
  assert.equal(await refused.count(), 0);
  for (const { startAt } of [h265, later, jpeg]) {
    await button('Next recording').click();
    await stands(startAt);
  }
  await until('its pictures', async () => (await widthOf(page)) === 160);
  await hand.hasPicture();
  assert.equal(await refused.count(), 0);

  // Half as fast, and sixteen times: over four files.
  await page.mouse.click(...(await spot(hand, yard.long[1]!.startAt)));
  await hand.hasPicture();
  await page.getByLabel('Speed').selectOption('0.5');
  assert.equal(await propertyOf<number>(hand.video, 'playbackRate'), 0.5);
  await page.getByLabel('Speed').selectOption('16');
  assert.equal(await propertyOf<number>(hand.video, 'playbackRate'), 16);
  await until('it runs', async () => (await hand.shownAt()) > yard.long[3]!.startAt + 5000);
  await page.getByLabel('Speed').selectOption('1');

  await button('Full screen').click();
  const inFull = () => page.evaluate<boolean>(`document.fullscreenElement?.classList.contains('tl-stage') ?? false`);
  await until('full screen', inFull);
  await page.keyboard.press('f');
  await until('the page again', async () => !(await inFull()));
  assert.deepEqual(problems, []);
  await page.context().close();
});

/** Where to click for a moment of the camera that changed. */
async function spot(hand: ReturnType<typeof hands>, at: number): Promise<[number, number]> {
  const { x, y } = await hand.place(at, YARD_ROW);
  return [x, y];
}
