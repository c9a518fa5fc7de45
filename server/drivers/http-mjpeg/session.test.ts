// The driver against the simulator over the in-memory network: every style of stream, credentials, redirects, ends.

import assert from 'node:assert/strict';
import test from 'node:test';
import { isNvrError, type NvrError } from '../../core/nvr-error.ts';
import { ownPorts } from '../../net/address-rules.ts';
import { CountedPictures, pictureNumber } from '../../sim/counted-pictures.ts';
import { type HttpCameraOptions, HttpCameraSimulator } from '../../sim/http-mjpeg/simulator.ts';
import { READABLE_STYLES } from '../../sim/http-mjpeg/styles.ts';
import { CAMERA, endOf, RECORDER, type SourceWorld, sourceWorld, takePictures } from '../../test/source-world.ts';
import { createHttpMjpegDriver } from './index.ts';

const driver = createHttpMjpegDriver();
const pictures = new CountedPictures({ width: 320, height: 240, minBytes: 4000, maxBytes: 30_000, count: 40 });
const credentials = { username: 'admin', password: 'secret' };
const OTHER = '10.0.0.3';

function camera(world: SourceWorld, options: Partial<HttpCameraOptions> = {}): Promise<HttpCameraSimulator> {
  const fixed = { net: world.camera, clock: world.clock, host: CAMERA, port: 80, pictures, fps: 20 };
  return HttpCameraSimulator.start({ ...fixed, ...options });
}

async function failure(world: SourceWorld, settings: Record<string, unknown>): Promise<NvrError> {
  try {
    await world.open(driver, settings);
  } catch (error) {
    assert.ok(isNvrError(error), String(error));
    return error;
  }
  throw new Error('it opened');
}

for (const style of READABLE_STYLES) {
  test(`style ${style}: every picture, untouched, in order`, async () => {
    const world = sourceWorld();
    await using sim = await camera(world, { style });
    await using session = await world.open(driver, { url: `${sim.origin}/video.mjpg` });
    const taken = await world.until(takePictures(session, 30));
    const first = pictureNumber(taken[0]!.data)!;
    for (const [n, { data, width, height }] of taken.entries()) {
      const sent = pictures.picture(first + n).data;
      const expected = style === 'noEndMarker' ? sent.subarray(0, sent.length - 2) : sent;
      assert.ok(Buffer.from(data).equals(expected), `picture ${n} of ${data.length} bytes, sent ${expected.length}`);
      assert.deepEqual([width, height], [320, 240]);
    }
    assert.equal(session.counters().framesDropped, 0);
    await session[Symbol.asyncDispose]();
    await sim.vanish();
    assert.equal(world.clock.timers, 0, 'no timer is left');
  });
}

test('a compressed stream is refused with a sentence', async () => {
  const world = sourceWorld();
  await using sim = await camera(world, { style: 'gzip' });
  const error = await failure(world, { url: `${sim.origin}/video.mjpg` });
  assert.equal(error.code, 'protocol');
  assert.match(error.message, /compresses/);
});

for (const auth of ['basic', 'digest-md5', 'digest-md5-old', 'digest-sha256'] as const) {
  test(`${auth}: right, wrong and missing credentials`, async () => {
    const world = sourceWorld();
    await using sim = await camera(world, { auth });
    const url = `${sim.origin}/video.mjpg`;
    await using session = await world.open(driver, { url, ...credentials });
    assert.equal((await world.until(takePictures(session, 2))).length, 2);
    assert.equal(sim.stats.requests, 2);
    const wrong = await failure(world, { url, username: 'admin', password: 'nope' });
    assert.deepEqual([wrong.code, sim.stats.requests], ['refused', 4]);
    assert.equal((await failure(world, { url })).code, 'refused');
  });
}

test('statuses and pages have their own sentences', async () => {
  const world = sourceWorld();
  await using sim = await camera(world);
  const url = `${sim.origin}/video.mjpg`;
  assert.match((await failure(world, { url: `${sim.origin}/nothing` })).message, /nothing at this path/);
  sim.faults = { status: 503 };
  assert.match((await failure(world, { url })).message, /busy/);
  sim.faults = { status: 500 };
  assert.match((await failure(world, { url })).message, /status 500/);
  sim.faults = { status: 403 };
  assert.equal((await failure(world, { url })).code, 'refused');
  sim.faults = { silent: true };
  assert.equal((await failure(world, { url })).code, 'timeout');
  sim.faults = {};
  assert.match((await failure(world, { url: `http://${CAMERA}:9/` })).message, /refused the connection/);
  await using single = await world.open(driver, { url: `${sim.origin}/snapshot.jpg` });
  assert.match(((await world.until(endOf(single))) as NvrError).message, /snapshot camera/);
});

test('a stall ends within 9 seconds, a cut at once; half a picture is never given out', async () => {
  const world = sourceWorld();
  await using sim = await camera(world, { faults: { stallAfter: 3 } });
  await using stalled = await world.open(driver, { url: `${sim.origin}/video.mjpg` });
  const stall = (await world.until(endOf(stalled))) as NvrError;
  assert.deepEqual([stall.code, stall.context.reason], ['timeout', 'stalled']);
  sim.faults = { cutAfter: 3 };
  await using cut = await world.open(driver, { url: `${sim.origin}/video.mjpg` });
  const end = (await world.until(endOf(cut))) as NvrError;
  assert.equal(end.code, 'unavailable');
  assert.equal(cut.counters().details.pictures, 3);
});

test('intervalMs leaves pictures out', async () => {
  const world = sourceWorld();
  await using sim = await camera(world);
  await using session = await world.open(driver, { url: `${sim.origin}/video.mjpg`, intervalMs: 190 });
  const taken = await world.until(takePictures(session, 5));
  for (let n = 1; n < taken.length; n++) assert.ok(taken[n]!.monoMs - taken[n - 1]!.monoMs >= 190);
});

test('a redirect on the same camera is followed with the credentials, elsewhere without', async () => {
  const world = sourceWorld();
  await using target = await camera(world, { port: 8080, auth: 'basic' });
  await using other = await camera(world, { net: world.net.host(OTHER), host: OTHER, auth: 'basic' });
  await using sim = await camera(world, { faults: { redirectTo: '/again' } });
  const settings = { url: `${sim.origin}/video.mjpg`, ...credentials };
  const loop = await failure(world, settings);
  assert.match(loop.message, /redirects more than 3 times/);
  sim.faults = { redirectTo: `${target.origin}/video.mjpg` };
  assert.equal((await failure(world, settings)).code, 'refused', 'another port is another program');
  sim.faults = { redirectTo: `${other.origin}/video.mjpg` };
  assert.equal((await failure(world, settings)).code, 'refused');
  assert.deepEqual([...other.stats.authorizations, ...target.stats.authorizations], []);
  for (const place of [
    'ftp://x/',
    'rtsp://x/',
    'file:///etc/passwd',
    'http://u:p@x/',
    'data:image/jpeg,x',
    'gopher://x',
  ]) {
    sim.faults = { redirectTo: place };
    const error = await failure(world, settings);
    assert.deepEqual([error.code, error.context.reason], ['protocol', 'redirect'], place);
  }
});

test('a redirect never leads to metadata, link-local, this machine or Perch itself', async () => {
  const world = sourceWorld();
  await using sim = await camera(world);
  ownPorts.add(3000);
  try {
    for (const place of [
      '169.254.169.254',
      '169.254.1.1',
      '127.0.0.1',
      RECORDER,
      '0.0.0.0',
      '255.255.255.255',
      '224.0.0.1',
    ]) {
      sim.faults = { redirectTo: `http://${place}/video.mjpg` };
      const error = await failure(world, { url: `${sim.origin}/video.mjpg` });
      assert.deepEqual([error.code, error.context.reason], ['protocol', 'redirect'], place);
    }
    sim.faults = { redirectTo: `http://${RECORDER}:3000/cameras/x/mjpeg` };
    assert.match((await failure(world, { url: `${sim.origin}/video.mjpg` })).message, /Perch itself|this machine/);
    for (const place of ['169.254.169.254', '100.100.100.200', '224.0.0.1', `${RECORDER}:3000`, '127.0.0.1:3000']) {
      assert.equal((await failure(world, { url: `http://${place}/` })).code, 'bad_input', place);
    }
    world.net.setName('rebound.example', '169.254.169.254');
    assert.equal((await failure(world, { url: 'http://rebound.example/' })).code, 'bad_input');
  } finally {
    ownPorts.delete(3000);
  }
});

test('check refuses at once, naming the field', () => {
  for (const [settings, field] of [
    [{ url: 'file:///x' }, 'url'],
    [{ url: 'http://u:p@x/' }, 'url'],
    [{ url: 'http://x/', username: 'a:b' }, 'username'],
    [{ url: 'http://x/', password: 'a\nb' }, 'password'],
  ] as const) {
    assert.throws(
      () => driver.check!(settings),
      (error: unknown) => isNvrError(error, 'bad_input') && error.message.startsWith(`${field}:`),
    );
  }
});
