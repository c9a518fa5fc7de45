// The sound of cameras in Chromium: AAC as it is, µ-law as AAC, both with the pictures through Media Source Extensions. And
// pictures that come out of order, and a camera that changes its codec while its page is open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { HttpCameraSimulator } from '../sim/http-mjpeg/simulator.ts';
import { skip as noBrowser, openBrowser, openPage, propertyOf, seesMotion, until, useCookie } from './chromium.ts';
import { GstreamerServer, gstreamerMissing } from './gstreamer-server.ts';
import { freshHost, startNvr } from './harness.ts';

const VIDEO =
  'videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=20/1 ! ' +
  'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=20 ! rtph264pay name=pay0 pt=96 ' +
  'audiotestsrc is-live=true ! audioconvert ! audio/x-raw,channels=1';
const MOUNTS = {
  '/aac': `( ${VIDEO},rate=48000 ! avenc_aac ! rtpmp4gpay name=pay1 pt=97 )`,
  '/pcmu': `( ${VIDEO},rate=8000 ! mulawenc ! rtppcmupay name=pay1 )`,
  '/bframes':
    '( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=20/1 ! x264enc ' +
    'speed-preset=veryfast bframes=2 b-adapt=false key-int-max=20 ! video/x-h264,profile=main ! rtph264pay name=pay0 pt=96 )',
  '/h265':
    '( videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=10/1 ! ' +
    'x265enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! h265parse ! rtph265pay name=pay0 pt=96 )',
};
const PICTURE_MS = 50;

/** In the page: the places of sixty pictures on the media's line, milliseconds, as they are shown. */
const WATCH = `(video) => new Promise((done) => {
  const seen = [];
  const shown = (_now, { mediaTime }) => {
    seen.push(Math.round(mediaTime * 1000));
    if (seen.length < 60) video.requestVideoFrameCallback(shown); else done(seen);
  };
  video.requestVideoFrameCallback(shown);
})`;

/** In the page: the loudest sample of a moment, 0 to 128, of what the <video> plays. */
const LISTEN = `async (video) => {
  const context = new AudioContext();
  await context.resume();
  const analyser = context.createAnalyser();
  context.createMediaElementSource(video).connect(analyser);
  let loudest = 0;
  for (let n = 0; n < 100 && loudest < 8; n++) {
    await new Promise((done) => setTimeout(done, 50));
    const wave = new Uint8Array(analyser.fftSize);
    analyser.getByteTimeDomainData(wave);
    for (const at of wave) loudest = Math.max(loudest, Math.abs(at - 128));
  }
  return { loudest, decoded: video.webkitAudioDecodedByteCount, behind: video.buffered.end(video.buffered.length - 1) - video.currentTime };
}`;

test('sound is decoded and heard after a press; B-frames are shown in their order; another codec is shown another way; the grid fetches no sound', {
  skip: noBrowser || gstreamerMissing(),
  timeout: 120_000,
}, async (t) => {
  await using server = await GstreamerServer.start(MOUNTS);
  await using nvr = await startNvr();
  for (const path of Object.keys(MOUNTS)) {
    const settings = { url: `rtsp://127.0.0.1:${server.port}${path}` };
    await nvr.app.fleet.add({ name: path.slice(1), driver: 'rtsp', settings });
  }
  await Promise.all(['aac', 'pcmu', 'bframes'].map((slug) => nvr.frames(slug, 30)));
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  await useCookie(page, nvr);
  for (const slug of ['aac', 'pcmu']) {
    await page.goto(`${nvr.url}/#/camera/${slug}`);
    const stage = page.locator('.stage');
    await until('a live picture', async () => (await stage.getAttribute('data-picture')) === 'moving');
    await page.getByRole('button', { name: 'Sound' }).click();
    assert.equal(await propertyOf<boolean>(stage.locator('video'), 'muted'), false);
    const heard = (await page.evaluate(`(${LISTEN})(document.querySelector('.stage video'))`)) as {
      loudest: number;
      decoded: number;
      behind: number;
    };
    t.diagnostic(`${slug}: ${JSON.stringify(heard)}`);
    assert.ok(heard.loudest >= 8 && heard.decoded > 0, slug);
  }
  await page.goto(`${nvr.url}/#/camera/bframes`);
  const stage = page.locator('.stage');
  await until('a live picture', async () => (await stage.getAttribute('data-picture')) === 'moving');
  const seen = (await page.evaluate(`(${WATCH})(document.querySelector('.stage video'))`)) as number[];
  const steps = seen.slice(1).map((ms, n) => ms - seen[n]!);
  const single = steps.filter((ms) => Math.abs(ms - PICTURE_MS) < 10).length;
  t.diagnostic(`${single} of ${steps.length} pictures come one after the other`);
  // In the order of coding every third one comes too late to be shown.
  assert.ok(steps.every((ms) => ms > 0) && single > steps.length * 0.6, `${steps}`);

  // The same camera with another codec: the page, which stays open, shows it another way.
  const address = (path: string) => ({ url: `rtsp://127.0.0.1:${server.port}${path}` });
  const [video, note] = [stage.locator('video'), page.getByText('This browser cannot play H.265: single pictures')];
  await nvr.app.fleet.change('bframes', { settings: address('/h265') });
  // At once, whatever is there: a <video> that goes away is not waited for.
  const videoWidth = () => page.evaluate("document.querySelector('.stage video')?.videoWidth ?? 0") as Promise<number>;
  const playsIt = async () => (await videoWidth()) === 640;
  await until('H.265 as video, or as pictures with a note', async () => (await note.isVisible()) || (await playsIt()));
  if (await note.isVisible()) await seesMotion(stage, 1);
  t.diagnostic(`this Chromium ${(await note.isVisible()) ? 'does not play' : 'plays'} H.265`);
  const pictures = new CountedPictures({ width: 160, height: 120, minBytes: 2000, maxBytes: 6000, count: 100 });
  const jpegs = { net: systemNet, clock: systemClock, host: freshHost(), port: 0, fps: 10, pictures };
  await using jpegCamera = await HttpCameraSimulator.start(jpegs);
  const settings = { url: `${jpegCamera.origin}/video.mjpg` };
  await nvr.app.fleet.change('bframes', { driver: 'http-mjpeg', settings });
  const canvasWidth = () => page.evaluate("document.querySelector('.stage canvas')?.width ?? 0") as Promise<number>;
  await until('JPEGs', async () => (await canvasWidth()) === 160);
  assert.deepEqual([await video.count(), await note.count()], [0, 0]);
  await nvr.app.fleet.change('bframes', { driver: 'rtsp', settings: address('/bframes') });
  await until('H.264 again', async () => (await videoWidth()) === 320);

  const formats: boolean[] = [];
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      if (typeof payload === 'string' && payload.includes('"format"')) formats.push(JSON.parse(payload).sound);
    }),
  );
  await page.goto('about:blank');
  await page.goto(`${nvr.url}/#/`);
  // One that has just come back may say its format twice.
  await until('all tiles', async () => formats.length >= 3);
  assert.ok(!formats.includes(true), `${formats}`);
  assert.deepEqual(problems, []);
});
