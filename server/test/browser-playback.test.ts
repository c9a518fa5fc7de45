// Playback in Chromium over a span in which a camera changed its pictures, its sound and its codec: what plays is played, what
// cannot be played is named. And the exports of the timeline page beside: cancelled, refused, on their way, chosen by touch.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPage, propertyOf, skip, until } from './chromium.ts';
import { standInFfmpeg } from './recording-fixture.ts';
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

test('an export that cannot fit is refused; one on its way tells how far it is, and is cancelled; one that fails says why', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const { nvr, browser, gap } = world!;
  const { page, problems } = await openPage(browser, {}, /status of 404/);
  const hand = hands(page);
  await hand.standAt(nvr, 'garage', gap.from);
  const form = page.getByRole('region', { name: 'New export' });
  const start = form.getByRole('button', { name: 'Start export' });
  const [from, to] = [await hand.place(gap.from - 6000, 1), await hand.place(gap.from - 1000, 1)];
  await page.route('**/api/exports/estimate**', async (route) => {
    const reply = await route.fetch();
    await route.fulfill({ response: reply, json: { ...(await reply.json()), neededBytes: 9e9, bytesFree: 2e9 } });
  });
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 3 });
  await page.mouse.up();
  await form.getByText(/not enough free space/).waitFor();
  assert.equal(await start.isDisabled(), true);
  await page.unroute('**/api/exports/estimate**');
  await form.getByLabel('To').press('ArrowUp'); // another span is asked for anew
  await until('it fits', async () => !(await start.isDisabled()));

  // An ffmpeg that comes to no end with exports, and does everything else.
  const gate = join(nvr.dataDir, 'export-gate');
  const real = process.env.FFMPEG_PATH ?? 'ffmpeg';
  const script = `case "$*" in *.work/*) [ -e ${gate} ] && { echo "out of cheese" >&2; exit 1; }; exec sleep 600;; esac\nexec ${real} "$@"`;
  standInFfmpeg(t, nvr.dataDir, script);
  await start.click();
  const cancel = page.getByRole('button', { name: /^Cancel .*–/ });
  await page.getByRole('progressbar').waitFor();
  await page.getByText('0 %', { exact: true }).waitFor();
  await page.route('**/api/exports', async (route) => {
    const reply = await route.fetch();
    const [job] = (await reply.json()) as object[];
    await route.fulfill({ response: reply, json: [{ ...job, progress: 42, secondsLeft: 75 }] });
  });
  await page.getByText('42 %, about 1 min 15 s left').waitFor();
  await page.unroute('**/api/exports');
  await cancel.click();
  await page.getByText('No exports yet.').waitFor();
  assert.deepEqual(await nvr.ok<unknown[]>('GET', '/api/exports'), []);

  await writeFile(gate, '');
  await page.keyboard.press('[');
  await start.click();
  await page.getByText(/^Failed: these recordings could not be joined\./).waitFor();
  await page.getByText('ffmpeg ended with code 1: out of cheese').waitFor();
  await page.getByRole('button', { name: /^Delete .*–/ }).click();
  await page.getByText('No exports yet.').waitFor();
  assert.deepEqual(problems, []);
  await page.context().close();
});
