// The client against the simulator over the in-memory network: every byte, every refusal, every way to end.

import assert from 'node:assert/strict';
import test from 'node:test';
import { isNvrError, type NvrError } from '../../core/nvr-error.ts';
import { joinUnits } from '../../media/nal.ts';
import { RtspSimulator, type RtspSimulatorOptions } from '../../sim/rtsp/simulator.ts';
import { CAMERA, endOf, madeClip, type SourceWorld, sourceWorld, takePictures } from '../../test/source-world.ts';
import { createRtspDriver } from './index.ts';
import type { RtspSession } from './session.ts';

const driver = createRtspDriver();

async function camera(world: SourceWorld, options: Partial<RtspSimulatorOptions> = {}): Promise<RtspSimulator> {
  return RtspSimulator.start({
    ...{ net: world.camera, clock: world.clock, host: CAMERA, port: 554, clip: madeClip(), ...options },
  });
}

const credentials = { username: 'admin', password: 'secret' };

/** Opening must fail; the error that it fails with. */
async function failure(world: SourceWorld, settings: Record<string, unknown>): Promise<NvrError> {
  try {
    await world.open(driver, settings);
  } catch (error) {
    assert.ok(isNvrError(error), String(error));
    return error;
  }
  throw new Error('it opened');
}

for (const transport of ['tcp', 'udp'] as const) {
  test(`frames over ${transport} are the camera's, whole, in order, with its clock`, async () => {
    const world = sourceWorld();
    await using sim = await camera(world);
    await using session = await world.open(driver, { url: sim.url, transport });
    const pictures = await world.until(takePictures(session, 45));
    const { clip } = sim.options;
    const first = clip.pictures.findIndex((picture) => Buffer.from(joinUnits(picture.units)).equals(pictures[0]!.data));
    assert.ok(first >= 0 && pictures[0]!.key);
    for (const [n, picture] of pictures.entries()) {
      const sent = clip.pictures[(first + n) % clip.pictures.length]!;
      assert.deepEqual(Buffer.from(picture.data), Buffer.from(joinUnits(sent.units)), `picture ${n}`);
      assert.equal(picture.key, sent.key);
      assert.ok(Math.abs(picture.mediaMs! - n * 40) < 0.1, `picture ${n} at ${picture.mediaMs} ms`);
      assert.deepEqual([picture.codec, picture.width, picture.height], ['h264', 640, 360]);
      assert.equal(picture.codecConfig?.[0], 1);
    }
    assert.equal(session.counters().framesDropped, 0);
    await session[Symbol.asyncDispose]();
    assert.equal(sim.stats.requests.TEARDOWN, 1);
    await sim.vanish();
    assert.equal(world.clock.timers, 0, 'no timer is left');
  });
}

for (const auth of ['basic', 'digest-md5', 'digest-md5-old', 'digest-sha256'] as const) {
  test(`${auth}: the right password is let in, also after the nonce ran out; a wrong one is refused, once`, async () => {
    const world = sourceWorld();
    await using sim = await camera(world, { auth, timeoutSeconds: 12 });
    await using session = await world.open(driver, { url: sim.url, ...credentials });
    await world.until(takePictures(session, 3));
    sim.gate.renewNonce();
    await world.clock.advance(7000);
    assert.equal(sim.stats.requests.GET_PARAMETER, auth === 'basic' ? 1 : 2);
    assert.equal(sim.stats.playing, 1);
    const before = sim.stats.connections;
    const error = await failure(world, { url: sim.url, username: 'admin', password: 'wrong' });
    assert.equal(error.code, 'refused');
    assert.match(error.message, /refuses the user name or password/);
    assert.equal(sim.stats.connections, before + 1);
    const bare = await failure(world, { url: sim.url });
    assert.equal(bare.code, 'refused');
    assert.match(bare.message, /asks for a user name/);
  });
}

test('each failure has its own sentence, and none repeats a credential', async () => {
  const world = sourceWorld();
  await using sim = await camera(world, { auth: 'basic' });
  const url = sim.url;
  const wrong = async (change: Partial<RtspSimulator['faults']>, settings: object = {}) => {
    sim.faults = change;
    const error = await failure(world, { url, ...credentials, ...settings });
    assert.doesNotMatch(error.message + JSON.stringify(error.context), /secret|hunter2/);
    return { code: error.code, reason: error.context.reason, message: error.message };
  };
  const sdp = (line: string) => ({ sdp: `v=0\r\ns=x\r\n${line}\r\n` });
  assert.match((await wrong({}, { url: `rtsp://${CAMERA}:554/other` })).message, /no stream at this path/);
  assert.match((await wrong({}, { url: `rtsp://${CAMERA}:99/` })).message, /refused the connection/);
  world.net.cut(CAMERA);
  const away = await wrong({});
  assert.deepEqual([away.code, away.message], ['timeout', `${CAMERA}:554 did not answer within 5 s`]);
  world.net.mend(CAMERA);
  const redirect = await wrong({ redirectTo: 'rtsp://admin:hunter2@10.0.0.9:554/x?password=hunter2' });
  assert.equal(redirect.reason, 'redirect');
  assert.match(redirect.message, /redirects to another address \(10\.0\.0\.9:554\)/);
  assert.equal((await wrong({ answer: { method: 'DESCRIBE', status: 453 } })).reason, 'busy');
  assert.equal((await wrong({ answer: { method: 'SETUP', status: 461 } })).reason, 'transport');
  assert.match((await wrong({ answer: { method: 'PLAY', status: 500 } })).message, /answers PLAY with 500/);
  assert.equal((await wrong({ answer: { method: 'SETUP', status: 403 } })).code, 'refused');
  const noVideo = await wrong(sdp('m=audio 0 RTP/AVP 0'));
  assert.deepEqual([noVideo.reason, noVideo.message], ['noVideo', `${CAMERA}:554 sends no video on this path`]);
  const codec = await wrong(sdp('m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000'));
  assert.deepEqual([codec.code, codec.reason], ['protocol', 'codec']);
  assert.match(codec.message, /MP4V-ES/);
  assert.equal((await wrong({ sdp: 'hello' })).code, 'protocol');
  const silent = await wrong({ silent: true });
  assert.deepEqual([silent.code, silent.reason], ['timeout', 'stalled']);
  assert.match(silent.message, /^10\.0\.0\.2:554 .*did not answer/);
});

test('a firmware that does not know OPTIONS is no obstacle', async () => {
  const world = sourceWorld();
  await using sim = await camera(world, { faults: { answer: { method: 'OPTIONS', status: 501 } } });
  await using session = await world.open(driver, { url: sim.url });
  assert.equal((await world.until(takePictures(session, 1))).length, 1);
});

test('a camera that stops sending is stalled within 9 seconds; one that cuts is unavailable at once', async () => {
  const world = sourceWorld();
  await using sim = await camera(world, { faults: { stallAfter: 5 } });
  await using stalled = await world.open(driver, { url: sim.url });
  const began = world.clock.monoMs();
  const stall = (await world.until(endOf(stalled))) as NvrError;
  assert.deepEqual([stall.code, stall.context.reason], ['timeout', 'stalled']);
  assert.ok(world.clock.monoMs() - began < 9500);
  sim.faults = { cutAfter: 5 };
  await using cut = await world.open(driver, { url: sim.url });
  const end = (await world.until(endOf(cut))) as NvrError;
  assert.equal(end.code, 'unavailable');
  assert.match(end.message, /closed the connection/);
});

test('UDP that does not come through is told as such', async () => {
  const world = sourceWorld();
  await using sim = await camera(world);
  world.net.setFaults({ loss: 1 });
  await using session = await world.open(driver, { url: sim.url, transport: 'udp' });
  const end = (await world.until(endOf(session))) as NvrError;
  assert.equal(end.code, 'timeout');
  assert.match(end.message, /sends nothing; a firewall may be in the way of UDP, choose TCP/);
});

test('lost, late and repeated datagrams cost the pictures they belong to and nothing else', async () => {
  const world = sourceWorld();
  const clip = madeClip(50, 10);
  await using sim = await camera(world, { clip });
  world.net.setFaults({ loss: 0.02, duplicate: 0.02, reorder: 0.05 });
  await using session = await world.open(driver, { url: sim.url, transport: 'udp' });
  const pictures = await world.until(takePictures(session, 200));
  const known = new Set(clip.pictures.map(({ units }) => Buffer.from(joinUnits(units)).toString('base64')));
  for (const { data } of pictures) assert.ok(known.has(Buffer.from(data).toString('base64')), 'a picture is whole');
  assert.ok(session.counters().framesDropped > 0);
  for (const [n, { mediaMs }] of pictures.entries()) assert.ok(n === 0 || mediaMs! > pictures[n - 1]!.mediaMs!);
});

test('lying lengths end in pictures again or in an error, never in a crash or a growing memory', async () => {
  const world = sourceWorld();
  await using sim = await camera(world, { faults: { lyingLengthsAfter: 20 } });
  await using session = await world.open(driver, { url: sim.url });
  const end = (await world.until(endOf(session))) as NvrError;
  assert.ok(['protocol', 'timeout'].includes(end.code), end.message);
  assert.ok((session as RtspSession).heldBytes < 9 * 1024 * 1024);
});

test('an abort ends opening at any moment, and a session at once; nothing is left', async () => {
  for (const afterMs of [0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.9, 1.1]) {
    const world = sourceWorld();
    await using sim = await camera(world);
    const abort = new AbortController();
    world.clock.after(afterMs, () => abort.abort());
    const opening = world.open(driver, { url: sim.url, transport: 'udp' }, abort.signal);
    const end = await opening.then((session) => world.until(endOf(session))).catch((error: unknown) => error);
    assert.ok(isNvrError(end, 'cancelled'), String(end));
    await world.clock.advance(1000);
    assert.equal(sim.stats.playing, 0);
    await sim.vanish();
    assert.equal(world.clock.timers, 0, `timers after an abort at ${afterMs} ms`);
  }
});

test('the camera comes back on the same address: a new session plays', async () => {
  const world = sourceWorld();
  await using sim = await camera(world);
  await using first = await world.open(driver, { url: sim.url });
  await world.until(takePictures(first, 2));
  await sim.vanish();
  assert.equal((await failure(world, { url: sim.url })).code, 'unavailable');
  await sim.comeBack();
  await using second = await world.open(driver, { url: sim.url });
  assert.equal((await world.until(takePictures(second, 2))).length, 2);
});
