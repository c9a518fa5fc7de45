// WebRTC in Chromium: how late a picture is, sound, loss of the picture, and the ends of sessions; from a page of Perch and, with
// a token, from a page of another origin.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mock, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Frame } from '../core/frame.ts';
import { Outlet } from '../rtsp-out/outlet.ts';
import { skip as noBrowser, openBrowser, openPage, seesMotion, until, useCookie } from './chromium.ts';
import { skip as noFfmpeg, startCodedNvr } from './coded-world.ts';
import { GstreamerServer, gstreamerMissing } from './gstreamer-server.ts';
import { COUNTS, OPEN_WHEP } from './whep-page.ts';

const SOUND_MOUNT =
  '( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=20/1 ! ' +
  'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=20 ! rtph264pay name=pay0 pt=96 ' +
  'audiotestsrc is-live=true ! audioconvert ! audio/x-raw,channels=1,rate=8000 ! mulawenc ! rtppcmupay name=pay1 )';

const H265_MOUNT =
  '( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=10/1 ! ' +
  'x265enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! h265parse ! rtph265pay name=pay0 pt=96 )';

type Opened = { readonly status: number; readonly type: string; readonly body: string; readonly location: string };
type Counts = { readonly framesDecoded: number; readonly framesPerSecond?: number; readonly totalAudioEnergy: number };
type Shown = { readonly rtp: number; readonly at: number };

const open = (page: Page, url: string, token?: string, audio = true) =>
  page.evaluate(`(${OPEN_WHEP})(${JSON.stringify({ url, token, audio })})`) as Promise<Opened>;
const counts = (page: Page, kind: 'video' | 'audio') =>
  page.evaluate(`(${COUNTS})('${kind}')`) as Promise<Counts | null>;
const decoded = async (page: Page) => (await counts(page, 'video'))?.framesDecoded ?? 0;

test('WHEP in Chromium', {
  skip: noBrowser || noFfmpeg || gstreamerMissing(),
  timeout: 120_000,
}, async (t) => {
  /** Arrival of pictures on the wall clock by the RTP time that they got. */
  const arrivals = new Map<number, number>();
  const encode = Outlet.prototype.encode;
  mock.method(Outlet.prototype, 'encode', function (this: Outlet, frame: Frame, monoMs: number) {
    if (frame.kind === 'video') arrivals.set(this.timestampOf(monoMs), performance.timeOrigin + frame.monoMs);
    return encode.call(this, frame, monoMs);
  });
  t.after(() => mock.restoreAll());
  await using server = await GstreamerServer.start({ '/pcmu': SOUND_MOUNT, '/h265': H265_MOUNT });
  await using world = await startCodedNvr({ width: 1280, height: 720, fps: 25 });
  const { nvr, slug } = world;
  const settings = { url: `rtsp://127.0.0.1:${server.port}/pcmu` };
  await nvr.app.fleet.add({ name: 'sound', driver: 'rtsp', settings });
  await nvr.frames('sound', 30);
  await using browser = await openBrowser(['--autoplay-policy=no-user-gesture-required']);
  const { page, problems } = await openPage(browser, {}, /404/); // no icon
  await useCookie(page, nvr);
  await page.goto(`${nvr.url}/api/openapi.json`); // any page of ours

  await t.test('how late a picture is on the screen (aim: 300 ms at most, see the figures)', async (step) => {
    await open(page, `${nvr.url}/cameras/${slug}/whep`); // loads what is loaded once
    await page.evaluate('window.whep.peer.close()');
    const answer = await open(page, `${nvr.url}/cameras/${slug}/whep`);
    assert.deepEqual([answer.status, answer.type], [201, 'application/sdp'], answer.body);
    assert.match(answer.location, new RegExp(`^${nvr.url}/cameras/${slug}/whep/[\\w-]{36}$`));
    const firstMs = (await page.evaluate('window.whep.first')) as number;
    await until('eighty pictures', async () => ((await page.evaluate('window.whep.shown.length')) as number) >= 80);
    const shown = ((await page.evaluate('window.whep.shown')) as Shown[]).slice(20);
    const delays = shown.flatMap(({ rtp, at }) => {
      const arrived = arrivals.get(rtp);
      return arrived === undefined ? [] : [at - arrived];
    });
    assert.ok(delays.length > 50, `${delays.length} of ${shown.length} pictures found`);
    delays.sort((a, b) => a - b);
    const part = (share: number) => Math.round(delays[Math.floor((delays.length - 1) * share)]!);
    step.diagnostic(
      `first picture ${Math.round(firstMs)} ms after asking; from arrival to the screen, ${delays.length} pictures: ` +
        `median ${part(0.5)} ms, 90 % within ${part(0.9)} ms, most ${part(1)} ms`,
    );
    assert.ok(part(0.5) > 0);
  });

  await t.test(
    'H.265 is refused by WebRTC with a sentence; the page plays it, or says why not and shows pictures',
    async () => {
      const url = `rtsp://127.0.0.1:${server.port}/h265`;
      await nvr.app.fleet.add({ name: 'hevc', driver: 'rtsp', settings: { url } });
      await nvr.frames('hevc', 2);
      const second = await openPage(browser, {}, /404|406/);
      await useCookie(second.page, nvr);
      await second.page.goto(`${nvr.url}/#/camera/hevc`);
      const refused = await open(second.page, `${nvr.url}/cameras/hevc/whep`);
      assert.equal(refused.status, 406);
      assert.match(refused.body, /This camera sends H\.265/);
      const note = second.page.getByText('This browser cannot play H.265: single pictures instead.');
      const stage = second.page.locator('.stage');
      await until('a live picture', async () => (await stage.getAttribute('data-picture')) === 'moving');
      if ((await stage.locator('video').count()) === 0) {
        assert.ok(await note.isVisible());
        await seesMotion(stage);
      }
      assert.deepEqual(second.problems, []);
      await second.page.close();
      await nvr.ok('DELETE', '/api/cameras/hevc');
    },
  );

  await t.test('DELETE ends it; PATCH is not offered; an unknown session is 404', async () => {
    const { location } = (await page.evaluate('({ location: window.whep.location })')) as { location: string };
    const path = new URL(location).pathname;
    assert.equal((await nvr.fetch(path, { method: 'PATCH' })).status, 405);
    assert.equal((await nvr.fetch(path.replace(slug, 'sound'), { method: 'DELETE' })).status, 404);
    const before = nvr.app.webrtc.sessions;
    assert.equal((await nvr.fetch(path, { method: 'DELETE' })).status, 204);
    assert.equal(nvr.app.webrtc.sessions, before - 1);
    assert.equal((await nvr.fetch(path, { method: 'DELETE' })).status, 404);
  });

  await t.test('a page of another origin plays pictures and sound with a token until the token ends', async () => {
    const site = createServer((_request, reply) => reply.setHeader('content-type', 'text/html').end('<p>Elsewhere'));
    await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));
    using stack = new DisposableStack();
    stack.defer(() => site.close());
    stack.defer(() => site.closeAllConnections());
    const other = await openPage(browser, {}, /404/);
    await other.page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    const made = await nvr.ok<{ id: string; token: string }>('POST', '/api/tokens', { name: 'site', scope: 'stream' });
    const answer = await open(other.page, `${nvr.url}/cameras/sound/whep`, made.token);
    assert.equal(answer.status, 201, answer.body);
    assert.match(answer.body, /^a=rtpmap:0 PCMU\/8000\r$/m);
    assert.match(answer.location, /\/cameras\/sound\/whep\/[\w-]{36}$/, 'the page may read Location');
    await until('pictures', async () => (await decoded(other.page)) > 20);
    await other.page.evaluate('window.whep.video.muted = false');
    await until('sound', async () => ((await counts(other.page, 'audio'))?.totalAudioEnergy ?? 0) > 0);
    const before = nvr.app.webrtc.sessions;
    assert.equal((await nvr.api('DELETE', `/api/tokens/${made.id}`)).status, 204);
    assert.equal(nvr.app.webrtc.sessions, before - 1);
    assert.deepEqual(other.problems, []);
  });

  await t.test('it goes on with another size, and ends with its camera', async () => {
    await open(page, `${nvr.url}/cameras/${slug}/whep`);
    await until('pictures', async () => (await decoded(page)) > 5);
    await world.change({ width: 640, height: 360 });
    await until('the new size', async () => (await page.evaluate('window.whep.video.videoWidth')) === 640);
    const before = nvr.app.webrtc.connected;
    assert.ok(before > 0);
    await nvr.ok('DELETE', `/api/cameras/${slug}`);
    // The session of a page that was left may not have been missed yet: it ends, too.
    assert.ok(nvr.app.webrtc.connected < before, `${before}, then ${nvr.app.webrtc.connected}`);
    assert.deepEqual(problems, []);
  });
});
