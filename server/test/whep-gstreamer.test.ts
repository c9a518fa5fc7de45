// WebRTC with GStreamer as the client: pictures and sound of a camera that sends H.264, and of one that sends JPEG.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childrenOf, skip } from './coded-world.ts';
import { GstreamerServer, gstreamerMissing } from './gstreamer-server.ts';
import { watchByGstreamer, webrtcbinMissing } from './gstreamer-viewer.ts';
import { startNvr } from './harness.ts';

/** Its sound comes in blocks of 128 ms. */
const CAMERA =
  '( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=20/1 ! ' +
  'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=20 ! rtph264pay name=pay0 pt=96 ' +
  'audiotestsrc is-live=true ! audioconvert ! audio/x-raw,channels=1,rate=8000 ! mulawenc ! rtppcmupay name=pay1 )';
const SECOND_SOURCE =
  '( videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=20/1 ! ' +
  'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=20 ! rtph264pay name=pay0 pt=96 )';
const SAMPLES_OF_20_MS = 160;
const HEARD = 2000;

test('GStreamer plays cameras by WHEP', {
  skip: skip || gstreamerMissing() || webrtcbinMissing(),
  timeout: 60_000,
}, async (t) => {
  await using server = await GstreamerServer.start({ '/camera': CAMERA, '/second': SECOND_SOURCE });
  await using nvr = await startNvr({ cameras: [{ name: 'jpeg', audio: true }] });
  const rtsp = (path: string) => ({ driver: 'rtsp', settings: { url: `rtsp://127.0.0.1:${server.port}/${path}` } });
  await nvr.app.fleet.add({ name: 'coded', ...rtsp('camera'), subSource: rtsp('second') });
  await Promise.all(['jpeg', 'coded'].map((slug) => nvr.frames(slug, 10)));
  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', { name: 'x', scope: 'stream' });
  const url = (slug: string) => `${nvr.url}/cameras/${slug}/whep?token=${token}`;

  await t.test('H.264 and G.711 as the camera sends them, nothing encoded; its second source', async () => {
    const [watched, second] = await Promise.all([
      watchByGstreamer(url('coded'), { pictures: 10, sounds: 30 }),
      watchByGstreamer(`${url('coded')}&source=sub`, { pictures: 10, sounds: 0 }),
    ]);
    assert.deepEqual([watched.status, watched.size, watched.rate], [201, [320, 240], 8000], watched.body);
    assert.deepEqual(watched.blocks, [SAMPLES_OF_20_MS]);
    assert.ok(watched.loudest > HEARD, `${watched.loudest}`);
    assert.deepEqual(
      [second.status, second.size, second.sounds],
      [201, [160, 120], 0],
      'asked for sound, there is none',
    );
    assert.deepEqual(childrenOf('ffmpeg'), []);
  });

  await t.test('JPEG by the camera’s one encoder for two clients, its sound as A-law', async () => {
    const wanted = { pictures: 10, sounds: 30, law: 'pcma' } as const;
    const watching = [1, 2].map(() => watchByGstreamer(url('jpeg'), wanted));
    let most = 0;
    const looking = setInterval(() => (most = Math.max(most, childrenOf('ffmpeg').length)), 50);
    const both = await Promise.all(watching).finally(() => clearInterval(looking));
    for (const watched of both) {
      assert.deepEqual([watched.status, watched.size, watched.rate], [201, [640, 480], 8000], watched.body);
      assert.deepEqual(watched.blocks, [SAMPLES_OF_20_MS]);
      assert.ok(watched.loudest > HEARD, `${watched.loudest}`);
    }
    assert.equal(most, 1, 'one encoder');
  });
});
