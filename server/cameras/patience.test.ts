// Camera test and discovery with drivers that do not keep their promises: the answer comes in time all the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import type { CameraDriver, CameraSession } from '../drivers/driver.ts';
import { DriverRegistry } from '../drivers/registry.ts';
import type { Net } from '../net/net.ts';
import { Discovery } from './discovery.ts';
import type { Fleet } from './fleet.ts';
import { CameraProbe } from './probe.ts';

const never = new Promise<never>(() => {});
/** The public interface: a camera test answers within this. */
const ANSWER_MS = 15_000;

function setUp(parts: Partial<CameraDriver>[]) {
  const clock = new ManualClock();
  const drivers = new DriverRegistry(
    parts.map((part, index) => ({
      id: `driver-${index}` as 'rtsp',
      name: '',
      description: '',
      settingsSchema: Type.Object({ host: Type.String(), port: Type.Optional(Type.Integer({ default: 80 })) }),
      secrets: [],
      hostSettings: ['host'],
      capabilities: { video: ['mjpeg'], audio: [], discovery: true },
      open: () => never,
      ...part,
    })),
  );
  const camera = { config: { driver: 'driver-0', settings: { host: 'a' } } };
  const fleet = { drivers: () => drivers.all(), all: () => [camera] } as unknown as Fleet;
  const common = { fleet, clock, net: {} as Net, log: silentLogger };
  return {
    clock,
    probe: new CameraProbe({ ...common, drivers }),
    discovery: new Discovery({ ...common, targets: [] }),
  };
}

const hungGoodbye: CameraSession = {
  facts: {},
  counters: () => ({ framesDropped: 0, details: {} }),
  async *frames() {
    yield {
      kind: 'video',
      codec: 'mjpeg',
      key: true,
      data: new Uint8Array(1),
      width: 1,
      height: 1,
      mediaMs: null,
      at: 0,
      monoMs: 0,
    };
  },
  [Symbol.asyncDispose]: () => never,
};

for (const [what, open] of [
  ['that ignores its end', () => never],
  ['whose goodbye hangs', async () => hungGoodbye],
] as const) {
  test(`a camera test answers in time with a driver ${what}, again and again`, async () => {
    const { clock, probe } = setUp([{ open }]);
    for (let round = 0; round < 6; round++) {
      const run = probe.run({ driver: 'driver-0', settings: { host: 'a' } });
      await clock.advance(ANSWER_MS);
      const result = await Promise.race([run, Promise.resolve('late' as const)]);
      assert.notEqual(result, 'late');
    }
    assert.equal(clock.timers, 0);
  });
}

test('one driver whose search hangs does not keep back what the others found', async () => {
  const found = { driver: 'driver-0', name: 'Door', settings: { host: 'a', port: 80 } } as never;
  const { clock, discovery } = setUp([
    {
      async *discover() {
        yield found;
      },
    },
    {
      async *discover() {
        yield await never;
      },
    },
  ]);
  const run = discovery.run();
  await clock.advance(ANSWER_MS);
  const result = await Promise.race([run, Promise.resolve('late' as const)]);
  assert.deepEqual(result, [
    { driver: 'driver-0', name: 'Door', settings: { host: 'a', port: 80 }, alreadyAdded: true },
  ]);
  assert.equal(clock.timers, 0);
});
