// The stale port (section 7.2): what a crash leaves in the camera, and how the next session deals with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../core/clock.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import { IwfcamWorld, RECORDER, type Viewer } from '../../test/iwfcam-world.ts';

type Saved = { localPort: number; session: number; mediaPort: number; host: string };
const saved = (world: IwfcamWorld) => world.memory.saved as Saved;

/** Until the first picture after `sinceMs`; @returns how long it took */
async function firstPicture(world: IwfcamWorld, viewer: Viewer, sinceMs: number): Promise<number> {
  while (viewer.pictures.length === 0) {
    if (viewer.end) throw viewer.end;
    if (world.clock.monoMs() - sinceMs > 20_000) throw new Error('no picture');
    await world.clock.advance(10);
  }
  return viewer.pictures[0]!.monoMs - sinceMs;
}

/** A session, then kill -9: the process is gone, the port is free, the camera knows nothing of it. */
async function crashed(slots: number, options = {}): Promise<IwfcamWorld> {
  const world = await IwfcamWorld.start({ slots, ...options });
  const crash = new AbortController();
  const stored = await world.open({}, { signal: crash.signal });
  await world.clock.advance(2000);
  const memory = structuredClone(saved(world));
  assert.ok(memory.session > 0, 'the running session is remembered');
  world.net.cut(RECORDER);
  crash.abort();
  // Real time does not pass in a crash; the driver only needs a moment to free the port.
  while (!stored.end) await world.clock.advance(1);
  await world.clock.advance(400);
  world.net.mend(RECORDER);
  world.memory.saved = memory;
  return world;
}

/** The clock as a process that starts now sees it: its monotonic time begins at zero. */
function nextProcess(clock: Clock): Clock {
  const zeroMs = clock.monoMs();
  return {
    wallMs: () => clock.wallMs(),
    monoMs: () => clock.monoMs() - zeroMs,
    after: (delayMs, fn) => clock.after(delayMs, fn),
    sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
  };
}

for (const slots of [1, 2, 8]) {
  test(`${slots} slots, kept port: pictures again within 3 s of the restart`, async () => {
    const world = await crashed(slots);
    assert.equal(world.simulator.slots.length, 1, 'the camera still holds the dead session');
    const { localPort } = saved(world);
    const beginMs = world.clock.monoMs();
    const viewer = await world.open();
    const tookMs = await firstPicture(world, viewer, beginMs);
    assert.ok(tookMs < 3000, `${tookMs} ms`);
    assert.equal(saved(world).localPort, localPort);
    assert.equal(world.simulator.slots.length, 1);
    assert.equal(viewer.session.facts.session, 1);
    await world.clock.advance(10_000);
    assert.ok(viewer.isLive);
    await world.stop();
  });
}

test('kept port on a slow device that loses messages: still within 3 s', async () => {
  for (const seed of [1, 2, 3]) {
    const world = await crashed(1, { slow: { ignore: 0.2, busyMs: 20 }, seed });
    const beginMs = world.clock.monoMs();
    const tookMs = await firstPicture(world, await world.open(), beginMs);
    assert.ok(tookMs < 3000, `seed ${seed}: ${tookMs} ms`);
    await world.stop();
  }
});

test('a firmware that ignores close: the kept port reuses the slot', async () => {
  const world = await crashed(1, { ignoreClose: true });
  const beginMs = world.clock.monoMs();
  assert.ok((await firstPicture(world, await world.open(), beginMs)) < 3000);
  await world.stop();
});

test('another program took the port: full, silence, then pictures within the device timeout plus 2 s', async () => {
  const world = await crashed(1);
  const squatter = await world.recorder.openUdp({ port: saved(world).localPort });
  const beginMs = world.clock.monoMs();
  const clock = nextProcess(world.clock);
  const refused = await world.open({}, { clock }).then(
    () => assert.fail('it opened'),
    (error: unknown) => error,
  );
  assert.ok(isNvrError(refused, 'unavailable'));
  const { coolDownMs = 0 } = refused;
  assert.ok(coolDownMs > 6000 && coolDownMs < 7000, 'the silence began when the process did');
  assert.notEqual(saved(world).localPort, squatter.local.port);
  assert.equal(saved(world).session, 0, 'there is nothing that this port could close');
  await world.clock.advance(coolDownMs);
  const viewer = await world.open();
  const tookMs = await firstPicture(world, viewer, beginMs);
  assert.ok(tookMs < 8000, `${tookMs} ms`);
  await squatter.close();
  await world.stop();
});

test('two slots and a new port: the second slot is used, with its own session id', async () => {
  const world = await crashed(2);
  world.memory.saved = null;
  const squatter = await world.recorder.openUdp({ port: 49152 });
  const viewer = await world.open();
  await world.clock.advance(3000);
  assert.equal(viewer.session.facts.session, 2);
  assert.ok(viewer.pictures.length > 25);
  await squatter.close();
  await world.stop();
});

test('the port is kept over sessions, also when the first dial fails', async () => {
  const world = await IwfcamWorld.start();
  world.simulator.vanish();
  await world.open().catch(() => {});
  const { localPort } = saved(world);
  assert.ok(localPort > 0);
  world.simulator.comeBack();
  for (let round = 0; round < 3; round++) {
    const viewer = await world.open();
    assert.equal(saved(world).localPort, localPort);
    await world.pass(Promise.resolve(viewer.session[Symbol.asyncDispose]()));
  }
  const wanted = await world.open({ localPort: 41773 });
  assert.equal(saved(world).localPort, 41773);
  assert.equal(wanted.session.facts.session, 1);
  await world.stop();
});

test('the camera was restarted meanwhile: no close is sent to its new port, the login works', async () => {
  const world = await crashed(1);
  await world.simulator.reboot();
  await world.clock.advance(10_001);
  const viewer = await world.open();
  await world.clock.advance(1000);
  assert.ok(viewer.pictures.length > 5);
  assert.equal(world.simulator.stats.closes, 0);
  await world.stop();
});

test('late packets of the old session are dropped, and never shown', async () => {
  const world = await crashed(1, { ignoreClose: true });
  const viewer = await world.open();
  await world.clock.advance(3000);
  assert.equal(viewer.count('wrongSession'), 0);
  const times = viewer.pictures.map((frame) => frame.mediaMs!);
  assert.ok(times.every((ms, n) => n === 0 || ms > times[n - 1]!));
  await world.stop();
});

test('memory of another version or of a vandal is ignored', async () => {
  for (const stored of ['x', 7, [], { localPort: 'x' }, { localPort: 70000 }, { localPort: 40000, session: -1 }]) {
    const world = await IwfcamWorld.start();
    world.memory.saved = stored;
    const viewer = await world.open();
    await world.clock.advance(500);
    assert.ok(viewer.pictures.length > 0);
    await world.stop();
  }
});

test('a registry that cannot be written costs nothing but the memory', async () => {
  const world = await IwfcamWorld.start();
  const memory = {
    load: () => null,
    save: () => {
      throw new Error('disk full');
    },
  };
  const viewer = await world.open({}, { memory });
  await world.clock.advance(1000);
  assert.ok(viewer.pictures.length > 5);
  await world.pass(Promise.resolve(viewer.session[Symbol.asyncDispose]()));
  await world.stop();
});

test('a camera known by its UID alone is asked at its last address first', async () => {
  const world = await IwfcamWorld.start();
  const first = await world.open();
  await world.pass(Promise.resolve(first.session[Symbol.asyncDispose]()));
  const { port } = world.simulator.settings;
  assert.equal(saved(world).session, 0);
  // No broadcast reaches it: only its last address is left.
  world.recorder.broadcastAddresses = () => [];
  const viewer = await world.open({ host: undefined, uid: world.simulator.options.uid, port });
  await world.clock.advance(500);
  assert.ok(viewer.pictures.length > 0);
  await world.stop();
});
