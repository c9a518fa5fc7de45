// Somebody else on the network forges a camera's packets, from another address and from another port of the camera, for
// IWFCam and for RTSP over UDP: no forged picture is shown, and the true ones come through.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../drivers/iwfcam/dialect.ts';
import { createRtspDriver } from '../drivers/rtsp/index.ts';
import { joinUnits } from '../media/nal.ts';
import { encodeRtp, parseRtp } from '../media/rtp.ts';
import type { Endpoint, Net } from '../net/net.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { Spoofer } from '../sim/iwfcam/spoofer.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { CAMERA, IwfcamWorld } from './iwfcam-world.ts';
import { madeClip, CAMERA as RTSP_CAMERA, sourceWorld, takePictures } from './source-world.ts';

const STEP_MS = 50;
const STEPS = 1200;
const MIN_SHARE = 0.99;
const FLOOD = 500;
/** Numbers of pictures in flight or about to be: the forger guesses them right. */
const AHEAD = 8;
const RTSP_PICTURES = 200;

test('a minute of forged packets: none is shown, at least 99 % of the true pictures arrive', async (context) => {
  const world = await IwfcamWorld.start({ fps: 20, audio: true });
  const viewer = await world.open();
  await world.clock.advance(1000);
  const client = world.simulator.slots[0]!.client;
  const forged = new CountedPictures({ width: 320, height: 240, minBytes: 3000, maxBytes: 9000, count: 4, seed: 99 });
  const spoofers = [
    await Spoofer.open(world.net.host('10.0.0.66'), '10.0.0.66'),
    await Spoofer.open(world.net.host(CAMERA), CAMERA),
  ];
  const [sentBefore, shownBefore] = [world.simulator.stats.framesSent, viewer.pictures.length];
  let packets = 0;
  for (let step = 0; step < STEPS; step++) {
    const { framesSent, audioBlocksSent } = world.simulator.stats; // one counter for both
    const next = framesSent + audioBlocksSent - 2;
    for (const [n, spoofer] of spoofers.entries()) {
      for (let ahead = 0; ahead < AHEAD; ahead++) {
        spoofer.picture(forged.picture(step), { session: 1, frameIndex: (next + ahead) & 0xffff }, client);
        packets++;
      }
      spoofer.sound({ session: 1, frameIndex: (next + 1) & 0xffff }, client);
      if (step % 20 === n) spoofer.goodbye(1, client);
      if (step % 20 === 10 + n) spoofer.loginResponse(3, 7, client);
    }
    await world.clock.advance(STEP_MS);
  }
  await world.clock.advance(500);
  assert.ok(viewer.isLive, String(viewer.end));
  assert.ok(viewer.pictures.every(({ width }) => width !== forged.width));
  const forgedBytes = Array.from({ length: 4 }, (_, n) => Buffer.from(forged.picture(n).data));
  for (const { data } of viewer.pictures) assert.ok(!forgedBytes.some((bytes) => bytes.equals(data)));
  const sent = world.simulator.stats.framesSent - sentBefore;
  const shown = viewer.pictures.length - shownBefore;
  context.diagnostic(`${packets} forged pictures; ${shown} of ${sent} true ones shown`);
  assert.ok(sent > 1000);
  assert.ok(shown >= sent * MIN_SHARE, `${shown} of ${sent}`);
  for (const spoofer of spoofers) await spoofer.close();
  await world.stop();
});

test('a flood of others is left to the kernel, and the camera is still heard', async () => {
  const world = await IwfcamWorld.start({ fps: 20 });
  const viewer = await world.open();
  await world.clock.advance(1000);
  const client = world.simulator.slots[0]!.client;
  const spoofers = [
    await Spoofer.open(world.net.host('10.0.0.66'), '10.0.0.66'),
    await Spoofer.open(world.net.host(CAMERA), CAMERA),
  ];
  const flood = async () => {
    const before = viewer.count('wrongSource');
    for (let n = 0; n < FLOOD; n++) spoofers[n % 2]!.sound({ session: 1, frameIndex: n }, client);
    await world.clock.advance(400);
    return viewer.count('wrongSource') - before;
  };
  assert.ok((await flood()) >= limits.strangers);
  const shown = viewer.pictures.length;
  assert.equal(await flood(), 0, 'none of them is received any more');
  await world.clock.advance(1000);
  assert.ok(viewer.isLive && viewer.pictures.length >= shown + 20);
  for (const spoofer of spoofers) await spoofer.close();
  await world.stop();
});

test('RTSP over UDP: packets forged before each true one, from elsewhere, show nothing and end nothing', async (context) => {
  const world = sourceWorld();
  const spoofers = [await world.net.host('10.0.0.66').openUdp(), await world.camera.openUdp()];
  let forged = 0;
  /** Knows all that the camera sends, and is faster. */
  const forge = (bytes: Uint8Array, to: Endpoint) => {
    const packet = parseRtp(bytes);
    if (!packet) return;
    const payload = packet.payload.map((byte, at) => (at < 2 ? byte : byte ^ 0x55));
    for (const spoofer of spoofers) {
      spoofer.send(encodeRtp({ ...packet, payload }), to);
      forged++;
    }
  };
  const overheard: Net = {
    ...{ streams: world.camera.streams, localAddressFor: (address) => world.camera.localAddressFor(address) },
    ...{ resolve: (host) => world.camera.resolve(host), resolveAll: (host) => world.camera.resolveAll(host) },
    broadcastAddresses: () => world.camera.broadcastAddresses(),
    async openUdp(options) {
      const socket = await world.camera.openUdp(options);
      const send = socket.send.bind(socket);
      socket.send = (bytes, to) => {
        forge(bytes, to);
        send(bytes, to);
      };
      return socket;
    },
  };
  const options = { net: overheard, clock: world.clock, host: RTSP_CAMERA, port: 554, clip: madeClip() };
  await using sim = await RtspSimulator.start(options);
  await using session = await world.open(createRtspDriver(), { url: sim.url, transport: 'udp' });
  const pictures = await world.until(takePictures(session, RTSP_PICTURES));
  const known = new Set(options.clip.pictures.map(({ units }) => Buffer.from(joinUnits(units)).toString('base64')));
  for (const { data } of pictures) assert.ok(known.has(Buffer.from(data).toString('base64')), 'a true picture');
  const { framesDropped, details } = session.counters();
  context.diagnostic(`${forged} forged packets, ${pictures.length} pictures, ${framesDropped} dropped`);
  assert.ok(forged > RTSP_PICTURES);
  assert.equal(framesDropped, 0);
  assert.equal(details?.strangers, 0, 'the kernel keeps them out');
  for (const spoofer of spoofers) await spoofer.close();
});
