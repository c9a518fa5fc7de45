// An ONVIF camera from the search to the grid: found, asked, added with its sub stream, watched small, recorded large.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { SUB_LINGER_MS } from '../cameras/sub-stream.ts';
import { systemClock } from '../core/clock.ts';
import { jpegSize } from '../media/jpeg.ts';
import { systemNet } from '../net/system-net.ts';
import { OnvifSimulator } from '../sim/onvif/simulator.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { freshHost, startNvr } from './harness.ts';

const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';

type Profile = { token: string; url: string; codec: string; width: number };
type Answer = {
  ok: boolean;
  device: { main: string; sub: string; profiles: Profile[] };
  error?: { code: string; message: string };
};
type Status = { viewers: number; sub: { state: string; shown: boolean; width: number | null; viewers: number } };

test('found, asked with a password, added with main and sub; small pictures come from the sub stream', {
  skip,
  timeout: 90_000,
}, async () => {
  const host = freshHost();
  const world = { net: systemNet, clock: systemClock, host, port: 0 };
  const clip = (width: number, height: number) => loadClip({ source: 'testsrc', width, height, fps: 10, seconds: 2 });
  await using large = await RtspSimulator.start({
    ...world,
    clip: await clip(640, 480),
    path: '/main',
    auth: 'digest-md5',
  });
  await using small = await RtspSimulator.start({
    ...world,
    clip: await clip(160, 120),
    path: '/sub',
    auth: 'digest-md5',
    password: 'other',
  });
  const common = { codec: 'H264', frameRate: 10, bitRate: 500 } as const;
  await using device = await OnvifSimulator.start({
    ...world,
    profiles: [
      { ...common, token: 'small', name: 'Sub', width: 160, height: 120, url: small.url },
      { ...common, token: 'large', name: 'Main', width: 640, height: 480, url: large.url },
    ],
  });
  await using nvr = await startNvr({ config: { discoveryTargets: [`${host}:${device.discoveryPort}`] } });

  const ask = (password: string) =>
    nvr.ok<Answer>('POST', '/api/drivers/onvif/profiles', { url: device.url, username: 'admin', password });
  const wrong = await ask('wrong');
  assert.deepEqual([wrong.ok, wrong.error?.code], [false, 'refused']);
  const bad = await nvr.api('POST', '/api/drivers/onvif/profiles', { url: 'file:///etc/passwd' });
  assert.equal(bad.status, 400);
  const itself = await nvr.api('POST', '/api/drivers/onvif/profiles', { url: nvr.url });
  assert.equal(itself.status, 400, 'Perch is no camera');
  const { device: offer } = await ask('secret');
  assert.deepEqual([offer.main, offer.sub], ['large', 'small']);

  const urlOf = (token: string) => offer.profiles.find((each) => each.token === token)!.url;
  const settings = (token: string) => ({ url: urlOf(token), username: 'admin', password: 'secret' });
  const camera = await nvr.ok<{ slug: string; subSource: { settings: Record<string, unknown> } }>(
    'POST',
    '/api/cameras',
    {
      ...{ name: 'Door', driver: 'rtsp', settings: settings(offer.main) },
      subSource: { driver: 'rtsp', settings: { ...settings(offer.sub), password: 'other' } },
    },
  );
  assert.equal(camera.subSource.settings.password, '********');
  const searching = nvr.ok<{ found: unknown[] }>('POST', '/api/discovery');
  await nvr.state(camera.slug, 'live');
  const status = async () => (await nvr.ok<{ status: Status }>('GET', `/api/cameras/${camera.slug}`)).status;
  const widthOf = async (query: string) => {
    const reply = await nvr.fetch(`/cameras/${camera.slug}/snapshot.jpg${query}`);
    return jpegSize(Buffer.from(await reply.arrayBuffer()))?.width;
  };
  assert.equal(await widthOf(''), 640);
  assert.equal(small.stats.connections, 0, 'nobody looked at it yet');

  const end = new AbortController();
  const pictures = async (query: string) => {
    const reply = await nvr.fetch(`/cameras/${camera.slug}/mjpeg${query}`, { signal: end.signal });
    return jpegWidths(reply.body!);
  };
  const shown = await pictures('');
  while ((await shown.next()).value !== 160) {
    // The main source's picture stands in until the sub stream's first.
  }
  assert.deepEqual([(await status()).sub.state, (await status()).sub.shown, small.stats.playing], ['live', true, 1]);
  const tried = (source: 'main' | 'sub') => {
    const masked = { ...settings(offer.sub), password: '********' };
    return nvr.api('POST', '/api/cameras/test', { driver: 'rtsp', settings: masked, camera: camera.slug, source });
  };
  assert.equal(((await tried('sub')).body as { ok: boolean }).ok, true);
  assert.equal((await tried('main')).status, 400, 'that password is for another address');
  assert.equal(await widthOf(''), 640, 'a snapshot is of the main source');
  assert.equal(await widthOf('?width=100'), 100);
  assert.equal(await widthOf('?source=sub'), 160);
  const main = await pictures('?source=main');
  while ((await main.next()).value !== 640) {
    // A busy machine sends the card first.
  }

  const playlist = await (await nvr.fetch(`/cameras/${camera.slug}/hls/index.m3u8?source=sub`)).text();
  const uris = playlist.match(/^segment.*$|URI="[^"]*"/gm) ?? [];
  assert.ok(uris.length >= 2 && uris.every((uri) => uri.includes('?source=sub')), playlist);
  const init = await nvr.fetch(`/cameras/${camera.slug}/hls/${/URI="([^"]*)"/.exec(playlist)?.[1]}`);
  assert.equal(Buffer.from(await init.arrayBuffer()).toString('latin1', 4, 8), 'ftyp');
  const badSource = await nvr.fetch(`/cameras/${camera.slug}/mjpeg?source=third`);
  assert.equal(badSource.status, 400);

  const { id, sub } = nvr.app.fleet.get(camera.slug);
  const becomes = async (isShown: boolean) => {
    while (sub.connection?.shown !== isShown) await nvr.app.bus.next('camera.status', (fact) => fact.camera === id);
  };
  await small.vanish();
  await becomes(false);
  while ((await shown.next()).value !== 640) {
    // The stream stays open and shows the main source.
  }
  await small.comeBack();
  await becomes(true);
  while ((await shown.next()).value !== 160) {
    // And the sub stream again.
  }
  const metrics = await (await nvr.fetch('/metrics')).text();
  assert.match(metrics, /perch_camera_sub_up\{camera="door"\} 1/);
  await nvr.ok('PATCH', `/api/cameras/${camera.slug}`, { enabled: false });
  // At once, not after the sub stream's linger; the simulators count at their next picture.
  const left = AbortSignal.timeout(SUB_LINGER_MS / 2);
  while (large.stats.playing + small.stats.playing > 0 && !left.aborted) await systemClock.sleep(20);
  assert.deepEqual([large.stats.playing, small.stats.playing], [0, 0], 'both are left');
  end.abort();
  const known = { driver: 'rtsp', name: 'Front door SIM-1', settings: { url: `rtsp://${host}/` }, onvif: device.url };
  assert.deepEqual((await searching).found, [{ ...known, alreadyAdded: true }]);
});

/** Widths of the JPEGs of a multipart stream. */
async function* jpegWidths(body: ReadableStream<Uint8Array>): AsyncGenerator<number, void> {
  let kept = Buffer.alloc(0);
  for await (const chunk of body) {
    kept = Buffer.concat([kept, chunk as Uint8Array]);
    for (;;) {
      const length = /Content-Length: (\d+)/i.exec(kept.subarray(0, 400).toString('latin1'))?.[1];
      const head = kept.indexOf('\r\n\r\n');
      if (length === undefined || head < 0 || kept.length < head + 4 + Number(length)) break;
      const size = jpegSize(kept.subarray(head + 4, head + 4 + Number(length)));
      kept = kept.subarray(head + 4 + Number(length));
      if (size) yield size.width;
    }
  }
}
