// Polling against the simulator over the in-memory network: pace, validators, one request at a time.

import assert from 'node:assert/strict';
import test from 'node:test';
import { isNvrError, type NvrError } from '../../core/nvr-error.ts';
import { CountedPictures, pictureNumber } from '../../sim/counted-pictures.ts';
import { type HttpCameraOptions, HttpCameraSimulator } from '../../sim/http-mjpeg/simulator.ts';
import { CAMERA, endOf, type SourceWorld, sourceWorld, takePictures } from '../../test/source-world.ts';
import { createHttpSnapshotDriver } from './index.ts';
import { restMs } from './pace.ts';

const driver = createHttpSnapshotDriver();
const pictures = new CountedPictures({ width: 320, height: 240, minBytes: 4000, maxBytes: 30_000, count: 100 });

function camera(world: SourceWorld, options: Partial<HttpCameraOptions> = {}): Promise<HttpCameraSimulator> {
  const fixed = { net: world.camera, clock: world.clock, host: CAMERA, port: 80, pictures, fps: 20 };
  return HttpCameraSimulator.start({ ...fixed, ...options });
}

const settingsOf = (sim: HttpCameraSimulator) => ({ url: `${sim.origin}/snapshot.jpg`, intervalMs: 200 });

test('pictures come at the interval, untouched', async () => {
  const world = sourceWorld();
  await using sim = await camera(world);
  await using session = await world.open(driver, settingsOf(sim));
  const taken = await world.until(takePictures(session, 10));
  for (const [n, { data, monoMs, width }] of taken.entries()) {
    assert.ok(Buffer.from(data).equals(pictures.picture(pictureNumber(data)!).data));
    assert.equal(width, 320);
    if (n > 0) assert.ok(Math.abs(monoMs - taken[n - 1]!.monoMs - 200) < 25, `${monoMs - taken[n - 1]!.monoMs} ms`);
  }
  await session[Symbol.asyncDispose]();
  await sim.vanish();
  assert.equal(world.clock.timers, 0, 'no timer is left');
});

test('an unchanged picture is not sent again, and given again every four seconds', async () => {
  const world = sourceWorld();
  await using sim = await camera(world);
  sim.frozen = true;
  await using session = await world.open(driver, settingsOf(sim));
  const taken = await world.until(takePictures(session, 3));
  assert.equal(sim.stats.snapshots, 1);
  assert.ok(sim.stats.unchanged > 20);
  assert.ok(taken[1]!.monoMs - taken[0]!.monoMs >= 4000);
  assert.equal(taken[1]!.data, taken[0]!.data);
});

test('a slow camera is asked less often, and never twice at once', async () => {
  const world = sourceWorld();
  await using sim = await camera(world, { faults: { slowMs: 1000 } });
  await using session = await world.open(driver, settingsOf(sim));
  const taken = await world.until(takePictures(session, 6));
  assert.equal(sim.stats.mostOpen, 1);
  const distance = taken[5]!.monoMs - taken[4]!.monoMs;
  assert.ok(distance >= 1240 && distance < 1400, `${distance} ms`);
});

test('credentials are answered once and then sent along', async () => {
  for (const auth of ['basic', 'digest-md5', 'digest-sha256'] as const) {
    const world = sourceWorld();
    await using sim = await camera(world, { auth });
    await using session = await world.open(driver, { ...settingsOf(sim), username: 'admin', password: 'secret' });
    await world.until(takePictures(session, 5));
    assert.equal(sim.stats.refused, 1, auth);
    sim.gate.renewNonce();
    await world.clock.advance(1000);
    assert.ok(sim.stats.snapshots > 7);
    await assert.rejects(
      world.open(driver, { ...settingsOf(sim), username: 'admin', password: 'x' }),
      (error: unknown) => isNvrError(error, 'refused'),
    );
  }
});

test('what is no picture has its own sentence', async () => {
  const world = sourceWorld();
  await using sim = await camera(world);
  const failing = (path: string) =>
    world.open(driver, { url: sim.origin + path }).then(
      () => assert.fail('it opened'),
      (error: NvrError) => error,
    );
  assert.match((await failing('/video.mjpg')).message, /MJPEG camera/);
  assert.match((await failing('/nothing')).message, /nothing at this path/);
  sim.faults = { status: 200 };
  assert.match((await failing('/snapshot.jpg')).message, /instead of a JPEG/);
});

test('a camera that goes away ends the session; an abort ends a wait at once', async () => {
  const world = sourceWorld();
  await using sim = await camera(world);
  await using session = await world.open(driver, settingsOf(sim));
  await sim.vanish();
  const end = (await world.until(endOf(session))) as NvrError;
  assert.equal(end.code, 'unavailable');
  await sim.comeBack();
  const abort = new AbortController();
  await using other = await world.open(driver, settingsOf(sim), abort.signal);
  abort.abort();
  assert.ok(isNvrError(await world.until(endOf(other)), 'cancelled'));
});

test('the rest after an answer', () => {
  assert.equal(restMs(1000, 100), 900);
  assert.equal(restMs(1000, 1000), 250);
  assert.equal(restMs(1000, 4000), 1000);
});
