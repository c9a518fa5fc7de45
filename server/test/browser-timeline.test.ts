// The timeline in Chromium with real recordings of both formats: what is clicked is what is shown, to the picture; gaps say
// why; spans become files; on wide screens, phones, and for viewers.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { openPage, propertyOf, skip, until } from './chromium.ts';
import { AXIS, hands, ROW, sameTime, startTimelineWorld, type TimelineWorld } from './timeline-world.ts';

const run = promisify(execFile);
let world: TimelineWorld | null = null;

before(async () => {
  if (!skip) world = await startTimelineWorld();
});

after(() => world?.[Symbol.asyncDispose]());

test('a click plays that moment, in both formats; speed, single pictures, cameras, live', {
  skip,
  timeout: 120_000,
}, async () => {
  const { nvr, browser, pictures, gap } = world!;
  // A piece at the live edge may not be there yet: the player asks again.
  const { page, problems } = await openPage(browser, {}, /status of (404|503)/);
  const hand = hands(page);
  await hand.standAt(nvr, 'garage', gap.from);

  for (const [row, slug] of ['front-door', 'garage'].entries()) {
    const at = gap.from - 4000;
    const { x, y } = await hand.place(at, row);
    const clickedAt = Date.now();
    await page.mouse.click(x, y);
    await hand.hasPicture();
    const shown = await hand.shownAt();
    assert.ok(shown > at - 500 && shown < at + (Date.now() - clickedAt) + 500, `${slug}: ${shown - at} ms off`);
    await until('it goes on', async () => (await hand.shownAt()) > shown + 300);
    await hand.pause();
    const number = await sameTime(hand, pictures.get(slug));
    await page.getByRole('button', { name: 'One picture forward' }).click();
    await until('the next picture', async () => (await hand.counter()) === number + 1);
    await sameTime(hand, pictures.get(slug));
    await page.getByRole('button', { name: 'One picture back' }).click();
    await until('the picture before', async () => (await hand.counter()) === number);
    await sameTime(hand, pictures.get(slug));
    assert.ok(page.url().includes(`camera=${slug}`), page.url());
  }

  // The marker dragged along the axis, to a moment that both cameras have: it stands there.
  const marker = await hand.place(await hand.shownAt(), 0);
  const goal = await hand.place(gap.from - 1500, 0);
  const axis = marker.y - ROW / 2 - 8;
  await page.mouse.move(marker.x, axis);
  await page.mouse.down();
  await page.mouse.move((marker.x + goal.x) / 2 + 10, axis);
  await page.mouse.move(goal.x, axis);
  await page.mouse.up();
  await until('it stands there', async () => Math.abs((await hand.shownAt()) - (gap.from - 1500)) < 300);
  await hand.hasPicture();
  await sameTime(hand, pictures.get('garage'));
  // The other camera at the same moment, by its name.
  const before = await hand.shownAt();
  await page.getByRole('button', { name: /Front door/ }).click();
  await hand.hasPicture();
  await until('the same moment', async () => Math.abs((await hand.shownAt()) - before) < 300);
  await sameTime(hand, pictures.get('front-door'));

  // Over the gap, with a note; four times as fast.
  await page.getByLabel('Speed').selectOption('4');
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await page.getByText(/^Skipped .*: camera switched off in Perch$/).waitFor();
  assert.equal(await propertyOf<number>(hand.video, 'playbackRate'), 4);
  await until('it plays behind the gap', async () => (await hand.shownAt()) > gap.to);

  // Reloading keeps the place.
  await hand.pause();
  const at = await hand.shownAt();
  const reloadedAt = Date.now();
  await page.reload();
  await hand.hasPicture();
  const off = (await hand.shownAt()) - at;
  assert.ok(off > -1500 && off < Date.now() - reloadedAt + 500, `${off} ms off after reloading`);
  await sameTime(hand, pictures.get('front-door'));

  // What is being recorded plays, too, up to now: then it is live.
  await hand.tracks.press('End');
  await page.locator('.stage[data-picture="moving"]').waitFor();
  assert.equal(await hand.tracks.getAttribute('data-position'), 'live');
  const fresh = await hand.place(Date.now() - 6000, 1);
  await page.mouse.click(fresh.x, fresh.y);
  await hand.hasPicture();
  await page.getByLabel('Speed').selectOption('4');
  await until('live again', async () => (await hand.tracks.getAttribute('data-position')) === 'live');
  assert.deepEqual(problems, []);
  await page.context().close();
});

test('zoom around the pointer, gaps with reasons, thumbnails, calendar, keys, keeping', {
  skip,
  timeout: 120_000,
}, async () => {
  const { nvr, browser, gap } = world!;
  // A playlist of a time without recordings is a 404: what the calendar leads to may be one.
  const { page, problems } = await openPage(browser, {}, /status of 404/);
  const hand = hands(page);
  // Not live: there the view moves with the time.
  await hand.standAt(nvr, 'front-door', gap.from, 7200);
  const old = await hand.view();
  const box = await hand.tracks.boundingBox();
  assert.ok(box);
  // Wheels come at whole pixels.
  const pointer = Math.round(box.x + box.width / 2);
  const pointed = old.from + ((pointer - box.x) / box.width) * (old.to - old.from);
  await page.mouse.move(pointer, box.y + AXIS + ROW / 2);
  for (let n = 0; n < 3; n++) await page.mouse.wheel(0, -300);
  const length = async () => (await hand.view()).to - (await hand.view()).from;
  await until('closer', async () => (await length()) < (old.to - old.from) / 8);
  const { x } = await hand.place(pointed, 0);
  assert.ok(Math.abs(x - pointer) < 2, `the moment under the pointer went from ${pointer} to ${x}`);
  await hand.standAt(nvr, 'front-door', gap.from);

  const hole = await hand.place((gap.from + gap.to) / 2, 0);
  await page.mouse.move(hole.x, hole.y);
  const card = page.getByRole('tooltip');
  await card.getByText(/^Camera switched off in Perch .*–/).waitFor();
  assert.equal(await card.locator('img').count(), 0);
  const film = await hand.place(gap.from - 3000, 1);
  await page.mouse.move(film.x, film.y);
  await card.getByText('Garage').waitFor();
  let nudge = 0;
  await until('a thumbnail', async () => {
    // Another moment, should the one before have failed.
    await page.mouse.move(film.x + (nudge++ % 20), film.y);
    return (
      (await card.locator('img').count()) === 1 && (await propertyOf<number>(card.locator('img'), 'naturalWidth')) > 0
    );
  });
  await page.mouse.move(10, 10);
  await until('no card', async () => (await card.count()) === 0);

  // Keys: closer, further, another camera, earlier.
  await hand.tracks.focus();
  const close = await length();
  await hand.tracks.press('+');
  await until('closer', async () => (await length()) < close);
  await hand.tracks.press('-');
  await hand.tracks.press('PageUp');
  await until('earlier', async () => (await hand.view()).to < gap.to + close);
  await hand.tracks.press('ArrowDown');
  await page.getByRole('slider', { name: 'Timeline of Garage' }).waitFor();

  await page.getByRole('button', { name: 'Choose a day' }).click();
  const today = page.getByRole('dialog').locator('[aria-current="date"]');
  await page
    .getByRole('button', { name: /: .* recorded$/ })
    .first()
    .waitFor();
  await today.and(page.locator(':focus')).waitFor();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await until('the whole day', async () => (await length()) > 20 * 3_600_000);
  await hand.hasPicture();

  // A recording is kept, and deleted.
  const list = page.getByRole('tabpanel');
  await list
    .getByRole('button', { name: /^Keep .* for good$/ })
    .last()
    .click();
  await list.getByRole('button', { name: /^Let .* go/ }).waitFor();
  type Listed = { segments: { id: string; protected: boolean; open: boolean }[] };
  const segments = async () => (await nvr.ok<Listed>('GET', '/api/cameras/garage/segments')).segments;
  const kept = (await segments()).filter((segment) => segment.protected);
  assert.equal(kept.length, 1);
  await list
    .getByRole('button', { name: /^Delete / })
    .last()
    .click();
  await page.getByRole('button', { name: 'Delete recording' }).click();
  await until('it is gone', async () => !(await segments()).some(({ id }) => id === kept[0]?.id));
  assert.deepEqual(problems, []);
  await page.context().close();
});

test('dragging chooses a span, which becomes a file that plays', { skip, timeout: 120_000 }, async () => {
  const { nvr, browser, gap } = world!;
  const { page, problems } = await openPage(browser, {}, /status of 404/);
  const hand = hands(page);
  await hand.standAt(nvr, 'front-door', gap.from);
  const [from, to] = [gap.from - 4500, gap.from - 500];
  const drag = async (begin: { x: number; y: number }, end: { x: number; y: number }) => {
    await page.mouse.move(begin.x, begin.y);
    await page.mouse.down();
    await page.mouse.move((begin.x + end.x) / 2, end.y);
    await page.mouse.move(end.x, end.y);
    await page.mouse.up();
  };
  await page.keyboard.down('Shift');
  await drag(await hand.place(from, 0), await hand.place(to - 1500, 0));
  await page.keyboard.up('Shift');
  // The handle at its end, without a key.
  await drag(await hand.place(to - 1500, 0), await hand.place(to, 0));
  const form = page.getByRole('region', { name: 'New export' });
  await form.getByText(/^4 s · about .* free$/).waitFor();
  await form.getByRole('button', { name: 'Start export' }).click();
  const link = page.getByRole('link', { name: /^Download .*–/ });
  await link.waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  assert.match(download.suggestedFilename(), /^Front door .* to .*Z\.mp4$/);
  const { stdout } = await run('ffprobe', [
    ...[
      '-v',
      'error',
      '-count_packets',
      '-show_entries',
      'stream=codec_type,nb_read_packets:format=duration',
      '-of',
      'json',
    ],
    await download.path(),
  ]);
  const probed = JSON.parse(stdout) as {
    streams: { codec_type: string; nb_read_packets: string }[];
    format: { duration: string };
  };
  // Nothing is decoded: it begins with a key picture, of which there is one at least every 2 s.
  const seconds = Number(probed.format.duration);
  assert.ok(seconds > 3.4 && seconds < 6.6, `${seconds} s`);
  assert.deepEqual(probed.streams.map(({ codec_type }) => codec_type).sort(), ['audio', 'video']);

  // A span without recordings is refused in words, before it is begun.
  await page.keyboard.down('Shift');
  const begin = await hand.view();
  await drag(await hand.place(begin.from + 500, 0), await hand.place(begin.from + 2500, 0));
  await page.keyboard.up('Shift');
  await form.getByText('Nothing is recorded in this span').waitFor();
  assert.equal(await form.getByRole('button', { name: 'Start export' }).isDisabled(), true);
  await form.getByRole('button', { name: 'Do not export' }).click();

  await page.getByRole('button', { name: /^Delete .*–/ }).click();
  await page.getByText('No exports yet.').waitFor();
  assert.deepEqual(await nvr.ok<unknown[]>('GET', '/api/exports'), []);
  assert.deepEqual(problems, []);
  await page.context().close();
});

test('on a phone, by touch; a viewer sees only what it may', { skip, timeout: 120_000 }, async () => {
  const { nvr, browser, gap } = world!;
  const user = { username: 'grandma', password: 'a good long sentence' };
  await nvr.ok('POST', '/api/users', { ...user, role: 'viewer', cameras: ['garage'] });
  const signedIn = await fetch(`${nvr.url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(user),
  });
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  const phone = { viewport: { width: 375, height: 740 }, isMobile: true, hasTouch: true };
  const { page, problems } = await openPage(browser, phone);
  const hand = hands(page);
  await hand.open({ ...nvr, cookie });
  assert.equal(await page.locator('.tl-name').count(), 1);
  const [wide, view] = await page.evaluate<[number, number]>('[document.documentElement.scrollWidth, innerWidth]');
  assert.ok(wide <= 375 && view === 375, `${wide} wide on ${view}`);

  const box = await hand.tracks.boundingBox();
  assert.ok(box);
  const touch = await page.context().newCDPSession(page);
  const fingers = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...xs: number[]) =>
    touch.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: xs.map((x, id) => ({ x: box.x + x, y: box.y + AXIS + 20, id })),
    });
  const length = async () => (await hand.view()).to - (await hand.view()).from;
  for (const at of [gap.from - 3000]) {
    while ((await length()) > 120_000) {
      const before = await length();
      const { x } = await hand.place(at, 0);
      const middle = x - box.x;
      await fingers('touchStart', middle - 15, middle + 15);
      await fingers('touchMove', middle - 30, middle + 30);
      await fingers('touchMove', middle - 40, middle + 40);
      await fingers('touchEnd');
      await until('closer', async () => (await length()) < before * 0.7);
    }
  }
  const { x, y } = await hand.place(gap.from - 3000, 0);
  await page.touchscreen.tap(x, y);
  await hand.hasPicture();
  assert.ok(Math.abs((await hand.shownAt()) - (gap.from - 3000)) < 4000);
  await page
    .getByRole('button', { name: /^Play / })
    .first()
    .waitFor();
  // What to export, by one finger; the form for it is a press away.
  await page.getByRole('button', { name: 'Export', exact: true }).tap();
  const ends = await Promise.all([gap.from - 8000, gap.from - 1000].map((at) => hand.place(at, 0)));
  const [begin = 0, end = 0] = ends.map((point) => point.x - box.x);
  await fingers('touchStart', begin);
  await fingers('touchMove', (begin + end) / 2);
  await fingers('touchMove', end);
  await fingers('touchEnd');
  await page.getByText(/^[6-8] s chosen$/).waitFor();
  const start = page.getByRole('region', { name: 'New export' }).getByRole('button', { name: 'Start export' });
  assert.ok(((await start.boundingBox())?.y ?? 0) > 680, 'it is below what a phone shows');
  await until('the form is in sight', async () => {
    // Chromium drops the taps that a busy page does not take within a fifth of a second.
    await page.getByRole('button', { name: 'Continue' }).tap();
    const { y: top = Number.POSITIVE_INFINITY } = (await start.boundingBox()) ?? {};
    return top > 0 && top < 680 && !(await start.isDisabled());
  });
  await page.getByRole('button', { name: 'Do not export' }).tap();
  for (const name of [/^Delete /, /^Keep /]) assert.equal(await page.getByRole('button', { name }).count(), 0);
  assert.deepEqual(problems, []);
  await page.context().close();
});
