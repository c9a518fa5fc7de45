// From a click on the timeline page to the first picture on the screen, in Chromium, of both formats. Beside it a bare
// <video> that is given the same moment of the same file, in the same page and run.

import { existsSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { skip as noBrowser, openBrowser } from '../test/chromium.ts';
import type { CameraPlace } from './cameras-process.ts';
import { Child } from './child.ts';
import { PerchProcess } from './perch-process.ts';
import { wait } from './process-stats.ts';

const LOAD = { count: 2, fps: 15, minBytes: 20_000, maxBytes: 40_000 } as const;
const SEGMENT_SECONDS = 10;
const SEGMENTS = 3;
const RECORDED_LIMIT_MS = 120_000;
const ROUNDS = 20;
const QUICK_ROUNDS = 6;
const USER = { username: 'viewer', password: 'bench bench bench' } as const;
/** Of the page: its axis, its rows. */
const [AXIS, ROW] = [42, 40];

type Segment = { id: string; start: string; end: string; open: boolean };

/** Milliseconds. */
export type PlaybackFigure = { readonly p50: number; readonly max: number; readonly rounds: number };

/** What was measured; a sentence instead, where it cannot be. */
export type PlaybackResults =
  | string
  | Readonly<Record<'mp4' | 'mjpeg', { readonly page: PlaybackFigure; readonly bare: PlaybackFigure }>>;

/** In the page: from the end of the next press to the first picture of another source in the page's <video>. */
const WATCH_CLICK = `new Promise((done) => {
  const video = document.querySelector('.tl-stage > video');
  const { src } = video;
  addEventListener('pointerup', () => {
    const pressed = performance.now();
    const shown = (now) => {
      if (video.src !== src && !video.hidden) done(now - pressed);
      else video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }, { once: true, capture: true });
})`;

/** In the page: the same for a <video> that only gets an address and a moment. */
const BARE = `(url, seconds) => new Promise((done) => {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const begun = performance.now();
  video.requestVideoFrameCallback((now) => {
    done(now - begun);
    video.removeAttribute('src');
    video.load();
    video.remove();
  });
  video.src = url;
  video.currentTime = seconds;
  video.play();
})`;

/** Records, opens the page, and clicks. */
export async function measurePlayback({ quick = false }: { quick?: boolean }): Promise<PlaybackResults> {
  if (noBrowser) return noBrowser;
  if (!existsSync(new URL('../../web/dist/index.html', import.meta.url))) return 'web/dist is not built: npm run build';
  await using perch = await PerchProcess.start();
  using cameras = new Child('./cameras-process.ts');
  const places = await cameras.ask<CameraPlace[]>('add', { ...LOAD });
  const formats = ['mp4', 'mjpeg'] as const;
  for (const [n, format] of formats.entries()) {
    const { slug } = await perch.addCamera(format, places[n]!);
    const recording = { mode: 'continuous', format, segmentSeconds: SEGMENT_SECONDS };
    await perch.call('PATCH', `/api/cameras/${slug}`, { recording });
  }
  await perch.call('POST', '/api/users', { ...USER, role: 'viewer', cameras: null });
  const segments = { mp4: await recorded(perch, 'mp4'), mjpeg: await recorded(perch, 'mjpeg') };
  await using browser = await openBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const root = `http://127.0.0.1:${perch.port}`;
  await page.goto(`${root}/healthz`);
  const signIn = `fetch('/api/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '${JSON.stringify(USER)}' })`;
  await page.evaluate(`${signIn}.then(({ ok }) => { if (!ok) throw new Error('sign-in failed'); })`);
  const middle = Date.parse(segments.mp4[0]!.end);
  await page.goto(`${root}/#/timeline?camera=mp4&at=${new Date(middle).toISOString()}&span=60`);
  await page.locator('.tl-stage > video').waitFor();
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  const taken = { mp4: [] as number[], mjpeg: [] as number[] };
  const bare = { mp4: [] as number[], mjpeg: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    // Each click is one to another camera than before: nothing of it is in the player.
    for (const [row, format] of [...formats.entries()].reverse()) {
      const segment = segments[format][round % segments[format].length]!;
      const seconds = 1 + ((round * 1.7) % (SEGMENT_SECONDS - 3));
      taken[format].push(await click(page, Date.parse(segment.start) + seconds * 1000, row));
      const media = `/api/segments/${segment.id}`;
      const url = format === 'mp4' ? `${media}/media` : `${media}/play.mp4?from=${seconds}`;
      bare[format].push(await page.evaluate<number>(`(${BARE})('${url}', ${format === 'mp4' ? seconds : 0})`));
    }
  }
  return {
    mp4: { page: figure(taken.mp4), bare: figure(bare.mp4) },
    mjpeg: { page: figure(taken.mjpeg), bare: figure(bare.mjpeg) },
  };
}

async function recorded(perch: PerchProcess, slug: string): Promise<Segment[]> {
  for (const until = performance.now() + RECORDED_LIMIT_MS; performance.now() < until; await wait(500)) {
    const { segments } = await perch.call<{ segments: Segment[] }>('GET', `/api/cameras/${slug}/segments`);
    const whole = segments.filter(({ start, end, open }) => {
      return !open && Date.parse(end) - Date.parse(start) > (SEGMENT_SECONDS - 1) * 1000;
    });
    if (whole.length >= SEGMENTS) return whole.slice(0, SEGMENTS);
  }
  throw new Error(`${slug} was not recorded`);
}

async function click(page: Page, at: number, row: number): Promise<number> {
  const tracks = page.locator('.tl-tracks');
  const box = await tracks.boundingBox();
  const from = Number(await tracks.getAttribute('data-from'));
  const to = Number(await tracks.getAttribute('data-to'));
  if (!box || at < from || at > to) throw new Error('The moment is not in view');
  // In place before the click: a browser takes input before what it is asked over the debugger.
  await page.evaluate(`globalThis.taken = ${WATCH_CLICK}, 0`);
  await page.mouse.click(box.x + ((at - from) / (to - from)) * box.width, box.y + AXIS + ROW * row + ROW / 2);
  return page.evaluate<number>('globalThis.taken');
}

function figure(values: readonly number[]): PlaybackFigure {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: sorted[Math.floor(sorted.length / 2)]!, max: sorted.at(-1)!, rounds: sorted.length };
}
