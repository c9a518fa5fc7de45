// The test of the last paragraph of section 17: a naive client must fare with the simulator as it does with a real camera.

import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '../../core/manual-clock.ts';
import { encodeLive, liveMask } from '../../drivers/iwfcam/wire.ts';
import { MemoryNet } from '../../net/memory-net.ts';
import type { Net } from '../../net/net.ts';
import { CountedPictures } from '../counted-pictures.ts';
import { BareClient } from './bare-client.ts';
import type { IwfcamSimulatorOptions } from './options.ts';
import { IwfcamSimulator } from './simulator.ts';

const CAMERA = '10.0.0.2';
const CLIENT = '10.0.0.9';
/** chinesium: 0B, then 0D twice, then live 1 twice and live 3 twice every 2 s, session 1 whatever the camera says. */
async function runNaiveClient(net: Net, clock: ManualClock, discoveryPort: number, seconds: number) {
  const client = await BareClient.open(net, CLIENT);
  client.discover({ address: CAMERA, port: discoveryPort });
  await clock.advance(10);
  assert.ok(client.mediaPort, 'the camera answers discovery');
  const camera = { address: CAMERA, port: client.mediaPort };
  client.login(camera);
  await clock.advance(20);
  client.login(camera);
  for (let second = 0; second < seconds; second += 2) {
    for (const mask of [liveMask.video, liveMask.both]) {
      client.send(encodeLive(1, mask), camera);
      await clock.advance(20);
      client.send(encodeLive(1, mask), camera);
    }
    await clock.advance(1960);
  }
  await client.close();
  return client;
}

async function startWorld(options: Partial<IwfcamSimulatorOptions> = {}) {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const simulator = await IwfcamSimulator.start({
    net: net.host(CAMERA),
    clock,
    host: CAMERA,
    pictures: new CountedPictures({ maxBytes: 20_000 }),
    ...options,
  });
  const run = (seconds: number) => runNaiveClient(net.host(CLIENT), clock, simulator.discoveryPort, seconds);
  return { clock, simulator, run };
}

for (const slots of [2, 8]) {
  test(`${slots} slots: works fresh, fails on an immediate restart with a new port, works after silence`, async () => {
    const { clock, simulator, run } = await startWorld({ slots });
    const first = await run(4);
    assert.ok(first.pictures.length > 30, `${first.pictures.length} pictures`);
    assert.ok(first.audioBlocks.length > 10);

    const second = await run(10);
    assert.equal(second.logins[0]?.session, 2, 'the dead session still holds slot 1');
    assert.equal(second.pictures.length, 0);
    assert.ok(simulator.stats.wrongSession > 0);
    // Its packets keep its own useless slot alive: it fails for as long as it runs.
    assert.equal(simulator.slots.length, 1);

    await clock.advance(46_000);
    assert.equal(simulator.slots.length, 0);
    const third = await run(4);
    assert.ok(third.pictures.length > 30);
    await simulator.stop();
    assert.equal(clock.timers, 0);
  });
}

test('one slot: a restart is refused until 6 s of silence have passed', async () => {
  const { clock, simulator, run } = await startWorld({ slots: 1 });
  assert.ok((await run(4)).pictures.length > 30);
  const refused = await run(2);
  assert.deepEqual(
    refused.logins.map(({ result }) => result),
    [2, 2],
  );
  assert.equal(refused.pictures.length, 0);
  await clock.advance(6100);
  assert.ok((await run(4)).pictures.length > 30);
  await simulator.stop();
});

test('the camera goes on sending to the dead port for 6 s, and not longer', async () => {
  const { clock, simulator, run } = await startWorld();
  await run(4);
  const lastHeardMs = simulator.slots[0]!.lastHeardMs;
  const framesAt = async (ms: number) => {
    await clock.advance(lastHeardMs + ms - clock.monoMs());
    return simulator.stats.framesSent;
  };
  const early = await framesAt(4900);
  const late = await framesAt(5900);
  assert.equal(late - early, 12, 'a second of pictures into the void');
  const end = await framesAt(6001);
  assert.equal(simulator.stats.slotsTimedOut, 1);
  assert.equal(await framesAt(20_000), end);
  await simulator.stop();
});
