import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Camera } from '../cameras/camera.ts';
import { Bus } from '../core/bus.ts';
import type { CameraState } from '../core/camera-status.ts';
import { type Logger, silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { openDatabase } from '../store/database.ts';
import { GapTable } from '../store/gaps.ts';
import { GapJournal, HEARTBEAT_MS } from './gap-journal.ts';
import { Timeline } from './timeline.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

function world() {
  const clock = new ManualClock(START);
  const db = openDatabase(':memory:');
  const gaps = new GapTable(db);
  const camera = { id: 'cam', config: { enabled: true }, state: 'live' as CameraState, reason: null as string | null };
  const seen = {
    ...camera,
    status: () => ({ state: camera.state, coolDownReason: camera.reason }),
  } as unknown as Camera;
  Object.defineProperty(seen, 'config', { get: () => camera.config });
  const bus = new Bus();
  const fleet = { all: () => [seen], find: () => seen };
  const order = { wanted: true };
  const logged: string[] = [];
  const log: Logger = {
    ...silentLogger,
    error: (_fields: object, message?: string) => void logged.push(`error: ${message}`),
    info: (_fields: object, message?: string) => void logged.push(`info: ${message}`),
  };
  const live = () =>
    new GapJournal({
      fleet,
      gaps,
      bus,
      clock,
      log,
      wanted: ({ config }) => order.wanted && config.enabled,
    });
  const timeline = new Timeline({ gaps, clock, unindexed: () => [] });
  /** Seconds since the start, and the reason. */
  const read = () =>
    timeline.read('cam', START - 10 * HOUR, START + 100 * HOUR).gaps.map(({ startAt, endAt, reason }) => {
      return [(startAt - START) / 1000, (endAt - START) / 1000, reason];
    });
  const say = () => bus.publish('camera.changed', { camera: 'cam', slug: 'cam', name: 'cam' });
  return { clock, db, gaps, logged, camera, bus, order, live, read, say, [Symbol.dispose]: () => void db.close() };
}

suite('gap journal', () => {
  test('states in order, at the moment of their change', async () => {
    using w = world();
    const journal = w.live();
    w.camera.state = 'backingOff';
    journal.start();
    const change = async (seconds: number, what: () => void) => {
      await w.clock.advance(seconds * 1000);
      what();
      w.say();
    };
    await change(10, () => (w.camera.state = 'refused'));
    await change(10.5, () => (w.camera.config = { enabled: false }));
    await change(10, () => {
      w.camera.config = { enabled: true };
      w.camera.state = 'coolingDown';
      w.camera.reason = 'released';
    });
    await change(10, () => (w.order.wanted = false));
    await change(20, () => (w.order.wanted = true));
    await w.clock.advance(5000);
    assert.deepEqual(w.read(), [
      [0, 10, 'offline'],
      [10, 20.5, 'refused'],
      [20.5, 30.5, 'cameraDisabled'],
      [30.5, 40.5, 'released'],
      [60.5, 65.5, 'released'],
    ]);
    journal.stop();
    assert.equal(w.clock.timers, 0);
  });

  test('a failed recorder, until it writes again', async () => {
    using w = world();
    const journal = w.live();
    journal.start();
    await w.clock.advance(5000);
    w.bus.publish('recording.failed', { camera: 'cam', slug: 'cam', code: 'exhausted', message: '' });
    await w.clock.advance(5000);
    w.bus.publish('recording.failed', { camera: 'cam', slug: 'cam', code: 'unavailable', message: '' });
    await w.clock.advance(5000);
    w.bus.publish('segment.opened', { camera: 'cam', slug: 'cam', start: 0 });
    await w.clock.advance(60_000);
    const held = w.gaps
      .watched('cam', START, START + HOUR)
      .map(({ startAt, condition }) => [(startAt - START) / 1000, condition]);
    assert.deepEqual(held, [
      [0, 'recording'],
      [5, 'diskFull'],
      [10, 'recorderFailed'],
      [15, 'recording'],
    ]);
    journal.stop();
  });

  test('a kill is known to two seconds, a stop exactly', async () => {
    using w = world();
    w.camera.state = 'backingOff';
    w.live().start();
    await w.clock.advance(10_500);
    // Killed: nothing is said. The old one's timers live on in this clock, so its heart is taken away.
    const alive = w.gaps.aliveAt()!;
    assert.ok(START + 10_500 - alive < HEARTBEAT_MS);
    w.clock.stepWall(0);
    using next = world();
    next.gaps.turn('cam', START - 20_000, 'offline');
    next.gaps.beat(START - 8000);
    next.camera.state = 'backingOff';
    const journal = next.live();
    journal.start();
    await next.clock.advance(3000);
    journal.stop();
    const again = next.live();
    await next.clock.advance(7000);
    again.start();
    await next.clock.advance(1000);
    assert.deepEqual(next.read(), [
      [-20, -8, 'offline'],
      [-8, 0, 'perchDown'],
      [0, 3, 'offline'],
      [3, 10, 'perchDown'],
      [10, 11, 'offline'],
    ]);
    again.stop();
  });

  test('a clock set forward is a gap, one set back leaves no time twice', async () => {
    using w = world();
    w.camera.state = 'backingOff';
    const journal = w.live();
    journal.start();
    await w.clock.advance(10_000);
    w.clock.stepWall(HOUR);
    w.say();
    await w.clock.advance(10_000);
    assert.deepEqual(w.read(), [
      [0, 10, 'offline'],
      [10, 3610, 'clockStep'],
      [3610, 3620, 'offline'],
    ]);
    w.clock.stepWall(-2 * HOUR);
    w.say();
    await w.clock.advance(10_000);
    const gaps = w.read();
    for (const [n, gap] of gaps.entries())
      assert.ok(n === 0 || Number(gaps[n - 1]![1]) <= Number(gap[0]), JSON.stringify(gaps));
    journal.stop();
  });

  test('a long state is cut into days, and reads as one', async () => {
    using w = world();
    w.camera.state = 'backingOff';
    const journal = w.live();
    journal.start();
    for (let hours = 0; hours < 50; hours++) {
      await w.clock.advance(1000);
      w.clock.stepWall(0);
    }
    w.gaps.add('cam', { startAt: START - 90 * HOUR, endAt: START }, 'perchDown');
    assert.deepEqual(
      w.read().map(([from, , reason]) => [from, reason]),
      [
        [-36_000, 'perchDown'],
        [0, 'offline'],
      ],
    );
    journal.stop();
  });

  test('a full database is said once, and once that it is well again', async (t) => {
    using w = world();
    const journal = w.live();
    journal.start();
    const full = t.mock.method(w.gaps, 'beat', () => {
      throw new Error('database or disk is full');
    });
    await w.clock.advance(10 * HEARTBEAT_MS);
    w.say();
    assert.equal(full.mock.callCount(), 10);
    full.mock.restore();
    await w.clock.advance(3 * HEARTBEAT_MS);
    assert.deepEqual(w.logged, [
      'error: The journal of gaps could not be written',
      'info: The journal of gaps is written again',
    ]);
    journal.stop();
  });
});
