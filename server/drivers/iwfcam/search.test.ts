// Discovery and locate against simulated cameras, in memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../core/logger.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import { MemoryNet } from '../../net/memory-net.ts';
import type { IwfcamSimulatorOptions } from '../../sim/iwfcam/options.ts';
import { IwfcamSimulator } from '../../sim/iwfcam/simulator.ts';
import { IwfcamWorld } from '../../test/iwfcam-world.ts';
import type { DiscoveredCamera, DiscoveryContext } from '../driver.ts';
import { limits } from './dialect.ts';
import { createIwfcamDriver } from './index.ts';
import { encodeDiscoveryResponse, ZERO_IDENTITY } from './wire.ts';

const driver = createIwfcamDriver();

/** A network with cameras and one who looks for them. */
async function world(cameras: readonly Partial<IwfcamSimulatorOptions>[]) {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const recorder = net.host('10.0.0.9');
  const simulators: IwfcamSimulator[] = [];
  for (const options of cameras) {
    const host = options.host ?? '10.0.0.2';
    simulators.push(await IwfcamSimulator.start({ port: 10104, ...options, net: net.host(host), clock, host }));
  }
  const abort = new AbortController();
  const context = (targets: readonly string[] = []): DiscoveryContext => ({
    clock,
    net: recorder,
    log: silentLogger,
    signal: abort.signal,
    targets,
  });
  const run = async <T>(work: Promise<T>): Promise<T> => {
    await clock.advance(4000);
    return work;
  };
  const discover = (targets?: readonly string[]) =>
    run(
      (async () => {
        const found: DiscoveredCamera[] = [];
        for await (const camera of driver.discover!(context(targets))) found.push(camera);
        return found;
      })(),
    );
  const stop = async () => {
    for (const simulator of simulators) await simulator.stop();
    assert.equal(clock.timers, 0, 'no timer is left');
  };
  return { clock, net, recorder, simulators, abort, context, run, discover, stop };
}

test('broadcast finds every camera once, however often it answers', async () => {
  const { discover, stop } = await world([
    { host: '10.0.0.2', uid: 'CAM-A', discoveryCopies: 3, broadcastReplies: true },
    { host: '10.0.0.3', uid: 'CAM-B' },
  ]);
  const found = await discover();
  assert.deepEqual(
    found.toSorted((a, b) => a.name.localeCompare(b.name)),
    [
      { driver: 'iwfcam', name: 'IWFCam CAM-A', settings: { uid: 'CAM-A', host: '10.0.0.2' } },
      { driver: 'iwfcam', name: 'IWFCam CAM-B', settings: { uid: 'CAM-B', host: '10.0.0.3' } },
    ],
  );
  await stop();
});

test('targets are asked alone, on their ports; nonsense among them does no harm', async () => {
  const { discover, simulators, stop } = await world([
    { host: '10.0.0.2', uid: 'CAM-A', port: 20104 },
    { host: '10.0.0.3', uid: 'CAM-B' },
  ]);
  const targets = ['10.0.0.2:20104', 'no.such.name', '10.0.0.2:0', '10.0.0.2:99999', '', '10.0.0.77'];
  assert.deepEqual(await discover(targets), [
    { driver: 'iwfcam', name: 'IWFCam CAM-A', settings: { uid: 'CAM-A', host: '10.0.0.2', port: 20104 } },
  ]);
  assert.equal(simulators[1]!.stats.datagramsReceived, 0);
  await stop();
});

test('a reader may leave early, and an abort ends the search at once', async () => {
  const { clock, abort, context, run, stop } = await world([{ uid: 'CAM-A' }, { host: '10.0.0.3', uid: 'CAM-B' }]);
  const first = await run(
    (async () => {
      for await (const camera of driver.discover!(context())) return camera.name;
      return null;
    })(),
  );
  assert.ok(first?.startsWith('IWFCam CAM-'));
  const searching = (async () => {
    for await (const _camera of driver.discover!(context(['10.0.0.55']))) assert.fail();
  })();
  await clock.advance(100);
  abort.abort();
  await clock.advance(0);
  await searching;
  await stop();
});

test('names of cameras are hostile: bounded and printable; a flood of cameras is cut off', async () => {
  const { clock, net, context, stop } = await world([]);
  const liar = await net.host('10.0.0.66').openUdp({ port: 10104 });
  const address = {
    identity: ZERO_IDENTITY,
    publicAddress: '0.0.0.0',
    publicPort: 0,
    lanPort: 1,
    lanAddress: '10.0.0.66',
  };
  liar.onDatagram((_bytes, from) => {
    const evil = encodeDiscoveryResponse([{ ...address, uid: '<img src=x>', webPort: 0 }]);
    evil.set([0x1b, 0x07, 0xc3], 0x2d);
    liar.send(evil, from);
    for (let n = 0; n < 2 * limits.foundCameras; n++) {
      liar.send(encodeDiscoveryResponse([{ ...address, uid: `FAKE${n}`, webPort: 0 }]), from);
    }
  });
  const found: DiscoveredCamera[] = [];
  const searching = (async () => {
    for await (const camera of driver.discover!(context(['10.0.0.66']))) found.push(camera);
  })();
  await clock.advance(4000);
  await searching;
  assert.equal(found.length, limits.foundCameras);
  for (const camera of found) assert.match(camera.name, /^[ -~]{1,50}$/);
  assert.equal(found[0]!.settings.uid, undefined, 'a UID with blanks is not offered');
  await liar.close();
  await stop();
});

test('locate finds a moved camera by its UID, and only then', async () => {
  const { context, run, stop } = await world([
    { host: '10.0.0.7', uid: 'CAM-A' },
    { host: '10.0.0.2', uid: 'CAM-B' },
  ]);
  const locate = (settings: object) => run(driver.locate!(settings as Record<string, unknown>, context()));
  assert.deepEqual(await locate({ uid: 'CAM-A', host: '10.0.0.2' }), { host: '10.0.0.7', port: 10104 });
  assert.deepEqual(await locate({ uid: 'cam-a', host: '10.0.0.2' }), { host: '10.0.0.7', port: 10104 });
  assert.deepEqual(await locate({ uid: 'CAM-A' }), { host: '10.0.0.7', port: 10104 });
  assert.equal(await locate({ uid: 'CAM-A', host: '10.0.0.7' }), null);
  assert.equal(await locate({ uid: 'CAM-C', host: '10.0.0.2' }), null);
  assert.equal(await locate({ host: '10.0.0.2' }), null, 'without a UID there is nothing to recognize');
  await stop();
});

test('a camera known by its UID alone is found by broadcast, and by its last address', async () => {
  const world = await IwfcamWorld.start({ port: 10104 });
  const viewer = await world.open({ host: undefined, uid: world.simulator.options.uid });
  await world.clock.advance(500);
  assert.ok(viewer.pictures.length > 0);
  await world.stop();
});
