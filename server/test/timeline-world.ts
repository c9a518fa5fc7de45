// For tests of the timeline page: recordings of all formats with a gap, the page's hands, and the eyes that read the counter
// in the picture.

import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { CountedPictures } from '../sim/counted-pictures.ts';
import type { Segment } from '../store/segment-index.ts';
import { openBrowser, propertyOf, until } from './chromium.ts';
import { type Nvr, startNvr } from './harness.ts';
import { codedClip } from './paced-recording.ts';
import { clipLoop, jpegs, recordPast, tellPast } from './recorded-past.ts';
import { pictures as smallPictures } from './recording-fixture.ts';

/** Of the recordings with counters: five pictures a second, with sound where there is any. */
const EVERY_MS = 200;
/** A picture that stands is exactly the one that the clock names; one that plays goes on while it is read. */
const SAME_PICTURE_MS = EVERY_MS / 2;
const SAME_PLAYING_MS = 1000;
const SIZE = { width: 640, height: 480 };
const SOUND = new Int16Array((8000 * EVERY_MS) / 1000);
/** How far back they begin, and how long they are before and after the gap. */
const AGO_MS = 80_000;
const BEFORE_MS = 12_000;
const GAP_MS = 4000;
const AFTER_MS = 24_000;
/** The camera that was changed and changed: how long it was H.264, and each of the others. */
const LONG_S = 40;
const PART_S = 6;
const SEGMENT_S = 10;
/** The recorder's encoder: as quick as it can be. */
const encoder = { kind: 'auto', preset: 'ultrafast', quality: 30 } as const;
/** Heights on the page: of the axis, of a row. */
export const AXIS = 42;
export const ROW = 40;

/** The counter in the picture of a <video>: five digits of 3x5 cells, as the simulator draws them on 640x480. */
const READ_COUNTER = `(video) => {
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = 480;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 640, 480);
  const { data } = context.getImageData(0, 0, 640, 480);
  const light = (x, y) => {
    const at = (Math.floor(y) * 640 + Math.floor(x)) * 4;
    return 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2] > 160;
  };
  const shapes = [0x7b6f, 0x2c97, 0x73e7, 0x73cf, 0x5bc9, 0x79cf, 0x79ef, 0x7249, 0x7bef, 0x7bcf];
  let text = '';
  for (let place = 0; place < 5; place++) {
    let shape = 0;
    for (let cell = 0; cell < 15; cell++) {
      const x = (1 + place * 8 + (cell % 3) * 2) * 16;
      const y = (10 + Math.floor(cell / 3) * 2 + 1) * 16;
      // Both blocks of a cell: the bar that moves through the picture is one block wide.
      shape = shape * 2 + (light(x + 8, y) && light(x + 24, y) ? 1 : 0);
    }
    text += shapes.indexOf(shape);
  }
  return Number(text);
}`;

/** A world with recordings; the parts of `yard` follow one another without a hole. */
export type TimelineWorld = AsyncDisposable & {
  readonly nvr: Nvr;
  readonly browser: Browser;
  /** When each picture was taken, by the number in it. */
  readonly pictures: ReadonlyMap<string, ReadonlyMap<number, readonly number[]>>;
  /** When the first camera was off. Both have recordings before it. */
  readonly gap: { readonly from: number; readonly to: number };
  readonly yard: Readonly<Record<'long' | 'wide' | 'h265' | 'jpeg', readonly Segment[]>>;
};

/**
 * Three cameras: `front-door` (encoded, sound) was switched off for a while, `garage` (JPEG) was not and records now, too;
 * `yard` was H.264 with sound, then larger without, then H.265, then JPEG.
 */
export async function startTimelineWorld(): Promise<TimelineWorld> {
  const live = { fps: 5, audio: false };
  const now = { mode: 'continuous', format: 'mjpeg', segmentSeconds: 4, preRollSeconds: 0, audio: false };
  const nvr = await startNvr({
    cameras: [
      { name: 'Front door', ...live },
      { name: 'Garage', ...live, recording: now },
      { name: 'Yard', ...live },
    ],
  });
  const startAt = Math.floor(Date.now() / SEGMENT_S / 1000) * SEGMENT_S * 1000 - AGO_MS;
  const gap = { from: startAt + BEFORE_MS, to: startAt + BEFORE_MS + GAP_MS };
  const [browser, yard, pictures] = await Promise.all([
    openBrowser(),
    recordYard(nvr, startAt - (LONG_S + 3 * PART_S) * 1000),
    recordCounters(nvr, startAt, gap),
  ]);
  return {
    ...{ nvr, browser, pictures, gap, yard },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await nvr[Symbol.asyncDispose]();
    },
  };
}

async function recordCounters(nvr: Nvr, startAt: number, gap: TimelineWorld['gap']) {
  const counted = new CountedPictures(SIZE);
  const seen = new Map<string, Map<number, number[]>>();
  const part = async (slug: string, format: 'mp4' | 'mjpeg', from: number, to: number, sound: Int16Array | null) => {
    const first = (from - startAt) / EVERY_MS;
    const count = (to - from) / EVERY_MS;
    const numbers = seen.get(slug) ?? new Map<number, number[]>();
    seen.set(slug, numbers);
    for (let n = 0; n < count; n++) numbers.set(first + n, [from + n * EVERY_MS]);
    const settings = { format, encoder, segmentSeconds: SEGMENT_S, audio: sound !== null };
    const sent = jpegs(count, EVERY_MS, (n) => counted.picture(first + n).data, SIZE, sound);
    await recordPast({ nvr, slug, startAt: from, settings }, sent);
  };
  await Promise.all([
    part('front-door', 'mp4', startAt, gap.from, SOUND),
    part('front-door', 'mp4', gap.to, gap.to + AFTER_MS, SOUND),
    part('garage', 'mjpeg', startAt, gap.to + AFTER_MS, null),
  ]);
  tellPast(nvr, 'front-door', { startAt: gap.from, endAt: gap.to }, 'cameraDisabled');
  return seen;
}

async function recordYard(nvr: Nvr, startAt: number): Promise<TimelineWorld['yard']> {
  const small = { width: 160, height: 120 };
  const wide = { width: 320, height: 240 };
  const [first, larger, h265] = await Promise.all([
    codedClip(),
    codedClip({ size: '320x240', seconds: 2 }),
    codedClip({ encoder: 'libx265', seconds: 2 }),
  ]);
  const part = (n: number) => startAt + (LONG_S + n * PART_S) * 1000;
  const past = (from: number, audio: boolean, format: 'mp4' | 'mjpeg' = 'mp4') => ({
    ...{ nvr, slug: 'yard', startAt: from },
    settings: { format, segmentSeconds: SEGMENT_S, audio },
  });
  const picture = (n: number) => smallPictures.picture(n).data;
  const segments = await Promise.all([
    recordPast(past(startAt, true), clipLoop(first, 'h264', LONG_S, small, true)),
    recordPast(past(part(0), false), clipLoop(larger, 'h264', PART_S, wide, false)),
    recordPast(past(part(1), false), clipLoop(h265, 'h265', PART_S, small, false)),
    recordPast(past(part(2), false, 'mjpeg'), jpegs((PART_S * 1000) / EVERY_MS, EVERY_MS, picture, small)),
  ]);
  return { long: segments[0], wide: segments[1], h265: segments[2], jpeg: segments[3] };
}

/** What a person does on the page. */
export function hands(page: Page) {
  const tracks = page.getByRole('slider', { name: /^Timeline of/ });
  const video = page.locator('.tl-stage > video');
  const view = async () => ({
    from: Number(await tracks.getAttribute('data-from')),
    to: Number(await tracks.getAttribute('data-to')),
  });
  const place = async (at: number, row: number) => {
    const box = await tracks.boundingBox();
    const { from, to } = await view();
    assert.ok(box && at > from && at < to, `${at} is not in ${from} to ${to}`);
    return { x: box.x + ((at - from) / (to - from)) * box.width, y: box.y + AXIS + ROW * row + ROW / 2 };
  };
  const shownAt = async () => Number(await page.locator('.tl-clock').getAttribute('data-at'));
  const counter = () => page.evaluate<number>(`(${READ_COUNTER})(document.querySelector('.tl-stage > video'))`);
  return {
    ...{ tracks, video, view, place, shownAt, counter },
    async open(nvr: Pick<Nvr, 'url' | 'cookie'>, query = '') {
      await page
        .context()
        .addCookies([{ name: 'perch_session', value: nvr.cookie.replace(/^[^=]*=/, ''), url: nvr.url }]);
      await page.goto(`${nvr.url}/#/timeline${query}`);
      await tracks.waitFor();
    },
    /** Stands at a moment, with a minute in view unless told otherwise. */
    async standAt(nvr: Pick<Nvr, 'url' | 'cookie'>, camera: string, at: number, seconds = 60) {
      await this.open(nvr, `?camera=${camera}&at=${new Date(at).toISOString()}&span=${seconds}`);
      await this.hasPicture();
      await this.pause();
    },
    async hasPicture() {
      await until('a picture', async () => {
        return (await propertyOf<number>(video, 'readyState')) >= 2 && !(await propertyOf<boolean>(video, 'seeking'));
      });
    },
    async pause() {
      await page.getByRole('button', { name: 'Pause' }).click();
      let last = -1;
      // The picture that was on its way when it was paused is the one that stays.
      await until('it stands', async () => {
        const before = last;
        last = await counter();
        const stands = (await propertyOf<boolean>(video, 'paused')) && !(await propertyOf<boolean>(video, 'seeking'));
        return stands && Object.is(last, before); // other pictures have no number
      });
    },
  };
}

/** The counter in the picture, the clock over it and what the camera sent say the same. */
export async function sameTime(
  hand: ReturnType<typeof hands>,
  pictures: ReadonlyMap<number, readonly number[]> | undefined,
): Promise<number> {
  let number = 0;
  let off = Number.POSITIVE_INFINITY;
  // A seek says where it goes before its picture is there.
  await until('the picture and the clock agree', async () => {
    if (await propertyOf<boolean>(hand.video, 'seeking')) return false;
    number = await hand.counter();
    const shown = await hand.shownAt();
    off = Math.min(...(pictures?.get(number) ?? []).map((takenAt) => Math.abs(shown - takenAt)));
    return off < ((await propertyOf<boolean>(hand.video, 'paused')) ? SAME_PICTURE_MS : SAME_PLAYING_MS);
  }).catch((error: unknown) => {
    throw new Error(`picture ${number} is shown as ${off} ms off`, { cause: error });
  });
  return number;
}
