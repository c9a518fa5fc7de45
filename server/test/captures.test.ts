// A capture for a bug report through the whole app: Wireshark's tshark and our dissectors read it, and nothing in it opens
// the camera.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { passwordToken } from '../drivers/iwfcam/token.ts';
import { systemNet } from '../net/system-net.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { HttpCameraSimulator } from '../sim/http-mjpeg/simulator.ts';
import { startDahuaRecorder } from './dahua-recorder.ts';
import { freshHost, type Nvr, startNvr } from './harness.ts';
import { noTshark, tshark } from './tshark.ts';

const skip = noTshark || (spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed');
const PASSWORD = 'Planted-Password-9';
/** Between two asks. */
const POLL_MS = 20;

/** Records one second of a camera, which is called anew meanwhile, so that its login is inside. */
async function capture(nvr: Nvr, camera: string, seconds = 1): Promise<Buffer> {
  const reply = nvr.fetch(`/api/cameras/${camera}/capture?seconds=${seconds}`);
  // The request is there when a second one is refused.
  for (;;) {
    const second = await nvr.api('GET', `/api/cameras/${camera}/capture?seconds=1`);
    if (second.status === 409) break;
    assert.fail(`a second capture: ${second.status}`);
  }
  await nvr.ok('POST', `/api/cameras/${camera}/restart`);
  const done = await reply;
  assert.equal(done.status, 200);
  assert.equal(done.headers.get('content-type'), 'application/x-pcapng');
  assert.match(
    done.headers.get('content-disposition') ?? '',
    new RegExp(`attachment; filename="${camera}-.+\\.pcapng"`),
  );
  return Buffer.from(await done.arrayBuffer());
}

/** The password in no form, and no answer to a challenge. */
function isClean(file: Buffer, more: readonly string[] = []): void {
  const forms = [PASSWORD, encodeURIComponent(PASSWORD), createHash('md5').update(PASSWORD).digest('hex'), ...more];
  for (const form of forms) assert.equal(file.includes(form), false, form);
  const text = file.toString('latin1');
  assert.doesNotMatch(text, /response="[0-9a-f]{8}/);
  for (const [, base64 = ''] of text.matchAll(/([A-Za-z0-9+/]{16,}={0,2})/g)) {
    for (const shift of [0, 1, 2, 3]) {
      assert.ok(!Buffer.from(base64.slice(shift), 'base64').includes(PASSWORD.slice(2, -2)), base64);
    }
  }
}

suite('captures', { skip, timeout: 120_000 }, () => {
  let nvr: Nvr;
  before(async () => {
    nvr = await startNvr({ cameras: [{ name: 'Door', password: PASSWORD, settings: { password: PASSWORD } }] });
  });
  after(() => nvr[Symbol.asyncDispose]());

  test('an IWFCam camera: search, login and media are named, the credential is gone', async () => {
    await nvr.state('door', 'live');
    const file = await capture(nvr, 'door', 2);
    isClean(file, [passwordToken(PASSWORD), passwordToken(PASSWORD).toUpperCase()]);
    const said = (await tshark(file, ['_ws.col.Protocol', '_ws.col.Info'])).map((line) => line.join(' '));
    assert.ok(
      said.every((line) => line.startsWith('TEG ')),
      said.find((line) => !line.startsWith('TEG ')),
    );
    for (const wanted of [
      /login$/,
      /login answer, accepted/,
      /picture \d+ fragment 0/,
      /command 0x/,
      /acknowledge, \d/,
    ])
      assert.ok(
        said.some((line) => wanted.test(line)),
        String(wanted),
      );
    const sizes = await tshark(file, ['teg.media.width', 'teg.media.height', 'teg.session'], 'teg.media.width');
    assert.equal(Number(sizes[0]?.[0]), nvr.app.fleet.get('door').status().width);
    const trail = await nvr.ok<Array<{ action: string; target: string }>>('GET', '/api/audit');
    assert.ok(trail.some(({ action, target }) => action === 'camera.captured' && target === 'door'));
    for (const query of ['seconds=0', 'seconds=61', 'seconds=x', 'minutes=1'])
      assert.equal((await nvr.api('GET', `/api/cameras/door/capture?${query}`)).status, 400, query);
  });

  test('a Dahua device: the tunnel that another camera opened, and RTSP inside it', async () => {
    await using recorder = await startDahuaRecorder(2, { password: PASSWORD, auth: 'required', randSalt: 'a1b2c3d4' });
    const settings = { ...recorder.settings, relay: 'always' };
    for (const channel of [1, 2]) {
      const added = { name: `Channel ${channel}`, driver: 'dahua-p2p', settings: { ...settings, channel } };
      await nvr.ok('POST', '/api/cameras', added);
      await nvr.state(`channel-${channel}`, 'live');
    }
    const inside = await capture(nvr, 'channel-2');
    isClean(inside, [settings.serial]);
    const said = (await tshark(inside, ['_ws.col.Info'], 'udp')).map(([info = '']) => info);
    for (const wanted of [/PTCP data/, /bind/, /status/])
      assert.ok(
        said.some((line) => wanted.test(line)),
        String(wanted),
      );
    assert.match(inside.toString('latin1'), /Authorization: Digest x{40}/);

    // With the other camera off, the tunnel itself is opened anew: signalling, password proof and all.
    await nvr.ok('PATCH', '/api/cameras/channel-1', { enabled: false });
    const whole = await capture(nvr, 'channel-2', 4);
    isClean(whole, [settings.serial]);
    const lines = (await tshark(whole, ['_ws.col.Info'], 'udp')).map(([info = '']) => info);
    for (const wanted of [/p2psrv/, /p2p-channel/, /PTCP SYN/, /PTCP data/])
      assert.ok(
        lines.some((line) => wanted.test(line)),
        String(wanted),
      );
    assert.match(whole.toString('latin1'), /<DevAuth>x+<\/DevAuth>/);
    assert.match(whole.toString('latin1'), new RegExp(`/device/x+${settings.serial.slice(-4)}/p2p-channel`));
    for (const channel of [1, 2]) await nvr.ok('DELETE', `/api/cameras/channel-${channel}`);
  });

  test('an HTTP camera with Basic and with the password in its address', async () => {
    const host = freshHost();
    const world = { net: systemNet, clock: systemClock, host, port: 0 };
    await using camera = await HttpCameraSimulator.start({
      ...{
        ...world,
        pictures: new CountedPictures({ width: 320, height: 240, minBytes: 4000, maxBytes: 9000, count: 5 }),
        fps: 10,
      },
      ...{ auth: 'basic', username: 'admin', password: PASSWORD },
    });
    const url = `${camera.origin}/video.mjpg?user={username}&password={password}`;
    const settings = { url, username: 'admin', password: PASSWORD };
    await nvr.ok('POST', '/api/cameras', { name: 'Web', driver: 'http-mjpeg', settings });
    await nvr.state('web', 'live');
    const file = await capture(nvr, 'web');
    await nvr.ok('DELETE', '/api/cameras/web');
    isClean(file);
    const requests = await tshark(file, ['http.request.uri', 'http.authorization'], 'http.request');
    assert.ok(
      requests.some(([uri]) => /user=admin&password=x+$/.test(uri ?? '')),
      JSON.stringify(requests),
    );
    assert.ok(
      requests.some(([, authorization]) => /^Basic x+$/.test(authorization ?? '')),
      JSON.stringify(requests),
    );
  });

  test('a client that leaves ends its capture', async () => {
    const gone = new AbortController();
    const first = nvr.fetch('/api/cameras/door/capture?seconds=60', { signal: gone.signal });
    first.catch(() => {});
    const again = async () => (await nvr.api('GET', '/api/cameras/door/capture?seconds=1')).status;
    while ((await again()) !== 409) await systemClock.sleep(POLL_MS);
    gone.abort();
    while ((await again()) !== 200) await systemClock.sleep(POLL_MS);
  });
});
