// The second source of a camera: connected on demand, shown at its first key picture, and the main source where it is not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { Bus } from '../core/bus.ts';
import type { DriverId } from '../core/camera-config.ts';
import type { VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver, CameraSession, DriverContext } from '../drivers/driver.ts';
import { FrameQueue } from '../drivers/frame-queue.ts';
import { DriverRegistry } from '../drivers/registry.ts';
import type { Net } from '../net/net.ts';
import { CameraTable } from '../store/cameras.ts';
import { openDatabase } from '../store/database.ts';
import { Secrets } from '../store/secrets.ts';
import { SILENT_MS } from './fallback-hub.ts';
import { Fleet } from './fleet.ts';
import type { FrameHub } from './frame-hub.ts';
import { SUB_LINGER_MS } from './sub-stream.ts';
import { WATCHDOG_MS } from './supervisor.ts';

/** A driver whose camera the test plays. */
class Played {
  readonly driver: CameraDriver;
  dials = 0;
  open = 0;
  /** The next dial fails with it. */
  failure: NvrError | null = null;
  #context: DriverContext | null = null;
  #queue: FrameQueue | null = null;

  constructor(id: DriverId) {
    this.driver = {
      ...{ id, name: id, description: '', secrets: ['password'], hostSettings: ['host'] },
      settingsSchema: Type.Object(
        { host: Type.String(), password: Type.Optional(Type.String()) },
        { additionalProperties: false },
      ),
      capabilities: { video: ['h264'], audio: [], discovery: false },
      open: async (_settings, context) => this.#dial(context),
    };
  }

  show(size: number, key = true): void {
    this.#queue?.push(this.#frame(size, key));
  }

  end(): void {
    this.#queue?.end(new NvrError('unavailable', 'gone'));
  }

  #frame(width: number, key: boolean): VideoFrame {
    const data = new Uint8Array(10);
    return {
      ...({ kind: 'video', codec: 'h264', key, data, width, height: width, mediaMs: null } as const),
      ...this.#context!.time(),
    };
  }

  #dial(context: DriverContext): CameraSession {
    this.dials++;
    if (this.failure) throw this.failure;
    this.open++;
    this.#context = context;
    const queue = new FrameQueue({ frames: 100, bytes: 10_000 });
    this.#queue = queue;
    let isOpen = true;
    return {
      facts: {},
      frames: () => queue.read(),
      counters: () => ({ framesDropped: 0, details: {} }),
      [Symbol.asyncDispose]: async () => {
        if (isOpen) this.open--;
        isOpen = false;
        queue.end(new NvrError('cancelled', 'left'));
      },
    };
  }
}

const SUB = { driver: 'rtsp', settings: { host: 'b' } };

async function setUp(subSource: typeof SUB | null = SUB) {
  const clock = new ManualClock();
  const main = new Played('iwfcam');
  const small = new Played('rtsp');
  const drivers = new DriverRegistry([main.driver, small.driver]);
  const fleet = new Fleet({
    table: new CameraTable(openDatabase(':memory:'), Secrets.ephemeral(), (driver) => drivers.get(driver).secrets),
    ...{ drivers, clock, net: {} as Net, log: silentLogger, discoveryTargets: [], random: () => 0.5 },
    bus: new Bus((error) => {
      throw error;
    }),
    folderExists: () => false,
  });
  fleet.start();
  const camera = await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' }, subSource });
  await clock.advance(0);
  const turn = () => clock.advance(0);
  main.show(1000);
  await turn();
  /** Widths of the pictures that a viewer got since it was asked last. */
  const watch = (hub: FrameHub) => {
    const reader = hub.open({ kinds: 'video', policy: 'every', start: 'newestKey' });
    return () => {
      const widths: number[] = [];
      for (let item = reader.poll(); item; item = reader.poll()) {
        if (item.frame.kind === 'video') widths.push(item.frame.width);
      }
      return widths;
    };
  };
  return { clock, main, small, fleet, camera, turn, watch };
}

test('connected for the first viewer, kept a moment after the last; the main source stands in without a gap', async () => {
  const { clock, main, small, camera, turn, watch } = await setUp();
  assert.equal(small.dials, 0, 'nobody looks');
  assert.equal(camera.status().sub?.state, 'idle');
  const hold = camera.view('sub').hub === camera.sub.hub && camera.sub.hold();
  assert.ok(hold);
  const seen = watch(camera.sub.hub);
  assert.deepEqual(seen(), [1000], 'a picture at once, before the sub stream has answered');
  await turn();
  small.show(10, false);
  main.show(1000);
  await turn();
  assert.deepEqual(seen(), [1000], 'nothing that cannot be decoded');
  small.show(10);
  main.show(1000);
  small.show(10, false);
  await turn();
  assert.deepEqual(seen().slice(-2), [10, 10]);
  const { sub } = camera.status();
  assert.deepEqual([sub?.state, sub?.shown, sub?.width, sub?.framesReceived], ['live', true, 10, 3]);
  assert.deepEqual(watch(camera.hub)(), [1000], 'the main source is only itself');

  small.end();
  main.show(1000);
  await turn();
  assert.deepEqual(seen().slice(-1), [1000], 'away: the main source again');
  assert.equal(camera.status().sub?.error?.message, 'gone');
  await clock.advance(2000);
  small.show(10);
  await turn();
  assert.deepEqual(seen().slice(-1), [10], 'and back by itself');

  hold[Symbol.dispose]();
  await clock.advance(SUB_LINGER_MS - 1);
  assert.equal(small.open, 1);
  const again = camera.sub.hold();
  await clock.advance(1);
  assert.equal(small.open, 1, 'a new viewer within the moment goes on');
  again[Symbol.dispose]();
  await clock.advance(SUB_LINGER_MS);
  assert.deepEqual([small.open, main.open, camera.status().sub?.state], [0, 1, 'idle']);
  assert.equal(camera.sub.hub.bytes, 0, 'nothing is kept for nobody');
});

test('a sub stream that is silent is not waited for', async () => {
  const { clock, main, small, camera, turn, watch } = await setUp();
  using _hold = camera.sub.hold();
  await turn();
  small.show(10);
  await turn();
  const seen = watch(camera.sub.hub);
  assert.deepEqual(seen(), [10]);
  for (let ms = 0; ms < SILENT_MS; ms += 1000) {
    main.show(1000);
    await clock.advance(1000);
  }
  assert.deepEqual(seen(), [1000]);
  assert.ok(SILENT_MS < WATCHDOG_MS, 'long before the connection is given up');
  assert.equal(small.open, 1);
  small.show(10);
  await turn();
  assert.deepEqual(seen(), [10]);
});

test('it shares the fate of its camera: disabled, released, removed', async () => {
  const { clock, main, small, fleet, camera, turn } = await setUp();
  const hold = camera.sub.hold();
  await turn();
  assert.deepEqual([main.open, small.open], [1, 1]);
  await fleet.change('door', { enabled: false });
  assert.deepEqual([main.open, small.open], [0, 0]);
  await fleet.change('door', { enabled: true });
  await turn();
  assert.deepEqual([main.open, small.open], [1, 1]);
  await fleet.release('door', 1);
  assert.deepEqual([main.open, small.open], [0, 0]);
  using _second = camera.sub.hold();
  await clock.advance(59_000);
  assert.deepEqual([main.open, small.open], [0, 0], 'a viewer does not take the camera back');
  await clock.advance(1000);
  assert.deepEqual([main.open, small.open], [1, 1]);
  fleet.restart('door');
  await turn();
  assert.deepEqual([main.dials, small.dials], [4, 4]);
  await fleet.remove('door');
  assert.deepEqual([main.open, small.open], [0, 0]);
  hold[Symbol.dispose]();
  await clock.advance(SUB_LINGER_MS);
  assert.deepEqual([main.open, small.open, clock.timers], [0, 0, 0]);
});

test('it comes, changes and goes while somebody looks', async () => {
  const { main, small, fleet, camera, turn, watch } = await setUp(null);
  assert.equal(camera.view('sub'), camera);
  assert.equal(camera.status().sub, null);
  using _hold = camera.sub.hold();
  const seen = watch(camera.sub.hub);
  assert.deepEqual(seen(), [1000]);
  await fleet.change('door', { subSource: SUB });
  await turn();
  small.show(10);
  await turn();
  assert.deepEqual(seen(), [10]);
  assert.equal(main.dials, 1, 'the main source is not disturbed');
  await fleet.change('door', { subSource: { settings: { host: 'c' } } });
  await turn();
  assert.deepEqual([small.dials, small.open], [2, 1]);
  assert.deepEqual(seen(), [1000]);
  small.show(20);
  await turn();
  assert.equal(camera.viewOfWidth(20), camera.sub);
  assert.equal(camera.viewOfWidth(21), camera);
  await fleet.change('door', { subSource: null });
  assert.deepEqual([small.open, camera.status().sub, camera.view('sub')], [0, null, camera]);
  main.show(1000);
  await turn();
  assert.deepEqual(seen().slice(-1), [1000]);
  assert.equal(main.dials, 1);
});

test('a refused sub stream is not dialled again for each viewer', async () => {
  const { clock, small, fleet, camera, turn } = await setUp();
  small.failure = new NvrError('refused', 'Wrong password');
  for (let viewer = 0; viewer < 5; viewer++) {
    camera.sub.hold()[Symbol.dispose]();
    await clock.advance(SUB_LINGER_MS);
  }
  assert.equal(small.dials, 1, 'cameras lock out who tries too often');
  assert.equal(camera.status().sub?.error?.code, 'refused');
  small.failure = null;
  await fleet.change('door', { subSource: { settings: { password: 'right' } } });
  using _hold = camera.sub.hold();
  await turn();
  assert.deepEqual([small.dials, small.open], [2, 1], 'other settings are tried at once');
});
