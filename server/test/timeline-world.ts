// For tests of the timeline page: recordings of both formats with a gap, the page's hands, and the eyes that read the
// counter in the picture.

import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { pictureNumber } from '../sim/counted-pictures.ts';
import { openBrowser, propertyOf, until } from './chromium.ts';
import { type Nvr, startNvr } from './harness.ts';

const recording = { mode: 'continuous', segmentSeconds: 3, preRollSeconds: 0, audio: true };
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

/** When each picture reached Perch, by its number (they begin anew after a while); filled while the camera sends. */
function followPictures(nvr: Nvr, slug: string): Map<number, number[]> {
  const seen = new Map<number, number[]>();
  const camera = nvr.app.fleet.get(slug);
  void (async () => {
    using reader = camera.hub.open({ kinds: 'video', policy: 'every', start: 'live' });
    for await (const { frame } of reader.items()) {
      const number = pictureNumber(frame.data);
      if (number !== null) seen.set(number, [...(seen.get(number) ?? []), frame.at]);
    }
  })().catch(() => {}); // the app ended
  return seen;
}

/** Two cameras that were recorded, one in each format; the first one was switched off for a while. */
export type TimelineWorld = AsyncDisposable & {
  readonly nvr: Nvr;
  readonly browser: Browser;
  readonly pictures: ReadonlyMap<string, ReadonlyMap<number, readonly number[]>>;
  /** When the first camera was off. Both have recordings before it. */
  readonly gap: { readonly from: number; readonly to: number };
};

/** Records for some ten seconds. */
export async function startTimelineWorld(): Promise<TimelineWorld> {
  const nvr = await startNvr({
    cameras: [
      { name: 'Front door', fps: 5, audio: true, recording: { ...recording, format: 'mp4' } },
      { name: 'Garage', fps: 5, audio: false, recording: { ...recording, format: 'mjpeg' } },
    ],
  });
  const pictures = new Map(['front-door', 'garage'].map((slug) => [slug, followPictures(nvr, slug)]));
  const browser = await openBrowser();
  const closed = async (slug: string, count: number) => {
    for (let n = 0; n < count; n++) await nvr.app.bus.next('segment.closed', (fact) => fact.slug === slug);
  };
  await closed('front-door', 2);
  await nvr.frames('garage', 12);
  await nvr.ok('PATCH', '/api/cameras/front-door', { enabled: false });
  const from = Date.now();
  await nvr.frames('garage', 10);
  await nvr.ok('PATCH', '/api/cameras/front-door', { enabled: true });
  await nvr.state('front-door', 'live');
  const to = Date.now();
  await closed('front-door', 1);
  return {
    ...{ nvr, browser, pictures, gap: { from, to } },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await nvr[Symbol.asyncDispose]();
    },
  };
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
        return last === before && (await propertyOf<boolean>(video, 'paused'));
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
    number = await hand.counter();
    const shown = await hand.shownAt();
    off = Math.min(...(pictures?.get(number) ?? []).map((sentAt) => Math.abs(shown - sentAt)));
    return off < 1000 && !(await propertyOf<boolean>(hand.video, 'seeking'));
  }).catch((error: unknown) => {
    throw new Error(`picture ${number} is shown as ${off} ms off`, { cause: error });
  });
  return number;
}
