// The Supervisor around a fake driver: one login at a time, watchdog, goodbye at every exit, hung drivers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver, CameraSession, DriverContext } from '../drivers/driver.ts';
import type { Net } from '../net/net.ts';
import { DISPOSE_TIMEOUT_MS, OPEN_TIMEOUT_MS, Supervisor, WATCHDOG_MS } from './supervisor.ts';

const noNet = {} as Net;

/** A driver played by the test: each dial waits in `dials` for an answer. */
class FakeDriver {
  dials: { context: DriverContext; answer: (session: CameraSession) => void; fail: (error: Error) => void }[] = [];
  open = 0;
  mostOpen = 0;
  goodbyes = 0;
  readonly asDriver = {
    id: 'iwfcam',
    open: (_settings: unknown, context: DriverContext) =>
      new Promise<CameraSession>((answer, fail) => {
        this.dials.push({ context, answer, fail });
        context.signal.addEventListener('abort', () => fail(new NvrError('cancelled', 'left')));
      }),
  } as unknown as CameraDriver;

  /** Answers the newest dial; the returned functions drive the session. */
  accept(options: { hangGoodbye?: boolean; ignoreAbort?: boolean; brokenCounters?: boolean } = {}) {
    const dial = this.dials.at(-1)!;
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    const queue: Frame[] = [];
    let end: Error | null = null;
    let wake = () => {};
    const session: CameraSession = {
      facts: {},
      counters: () => {
        if (options.brokenCounters) throw new Error('a bug of the driver');
        return { framesDropped: 2, details: {} };
      },
      async *frames() {
        for (;;) {
          const frame = queue.shift();
          if (frame) yield frame;
          else if (end) throw end;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      },
      [Symbol.asyncDispose]: async () => {
        this.goodbyes++;
        if (options.hangGoodbye) await new Promise(() => {});
        this.open--;
        if (!options.ignoreAbort) {
          end ??= new NvrError('cancelled', 'disposed');
          wake();
        }
      },
    };
    dial.answer(session);
    return {
      frame: (monoMs: number) => {
        queue.push(picture(monoMs));
        wake();
      },
      fail: (error: Error) => {
        end = error;
        wake();
      },
    };
  }
}

function picture(monoMs: number): Frame {
  return {
    kind: 'video',
    codec: 'mjpeg',
    key: true,
    data: new Uint8Array(1),
    width: 1,
    height: 1,
    mediaMs: null,
    at: monoMs,
    monoMs,
  };
}

function start(random = () => 1) {
  const clock = new ManualClock();
  const driver = new FakeDriver();
  const states: string[] = [];
  const failures: string[] = [];
  const frames: Frame[] = [];
  let located = 0;
  const supervisor = new Supervisor({
    driver: driver.asDriver,
    settings: () => ({}),
    memory: { load: () => null, save: () => {} },
    clock,
    net: noNet,
    log: silentLogger,
    random,
    onFrame: (frame) => frames.push(frame),
    onChange: (state, _before, failure) => {
      states.push(state.kind);
      if (failure) failures.push(failure.code);
    },
    locate: async () => {
      located++;
      return true;
    },
  });
  return { clock, driver, states, failures, frames, supervisor, located: () => located };
}

test('the first dial is retried until the camera answers', async () => {
  const { clock, driver, states, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  for (let i = 1; i <= 2; i++) {
    driver.dials.at(-1)!.fail(new NvrError('timeout', 'nobody there'));
    await clock.advance(5000);
    assert.equal(driver.dials.length, i + 1);
  }
  const session = driver.accept();
  session.frame(0);
  await clock.advance(0);
  assert.equal(supervisor.state.kind, 'live');
  assert.deepEqual(states, ['connecting', 'backingOff', 'connecting', 'backingOff', 'connecting', 'live']);
  await stopped(supervisor, clock);
  assert.equal(driver.goodbyes, 1);
});

test('after three failed dials the new address is dialled at once', async () => {
  const { clock, driver, supervisor, located } = start();
  supervisor.enable();
  await clock.advance(0);
  for (let i = 0; i < 2; i++) {
    driver.dials.at(-1)!.fail(new NvrError('timeout', 'nobody there'));
    await clock.advance(5000);
  }
  assert.equal(located(), 0);
  driver.dials.at(-1)!.fail(new NvrError('timeout', 'nobody there'));
  await clock.advance(0);
  assert.equal(located(), 1);
  assert.equal(driver.dials.length, 4);
  assert.equal(supervisor.state.kind, 'connecting');
  await stopped(supervisor, clock);
});

test('a silent camera is given up by the watchdog, with a goodbye', async () => {
  const { clock, driver, failures, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  driver.accept().frame(0);
  await clock.advance(WATCHDOG_MS + 1500);
  assert.equal(driver.goodbyes, 1);
  assert.deepEqual(failures, ['timeout']);
  assert.ok(supervisor.framesDropped === 2, 'the counters of ended sessions are kept');
  await stopped(supervisor, clock);
});

test('a dial that never ends is given up, and a late session is closed', async () => {
  const { clock, driver, supervisor } = start();
  driver.asDriver.open = (_settings, context) =>
    new Promise((answer, fail) => driver.dials.push({ context, answer, fail }));
  supervisor.enable();
  await clock.advance(OPEN_TIMEOUT_MS + DISPOSE_TIMEOUT_MS + 10);
  assert.equal(supervisor.state.kind, 'backingOff');
  driver.accept();
  await clock.advance(0);
  assert.equal(driver.goodbyes, 1);
  await stopped(supervisor, clock);
});

test('a session that ignores its end does not hold the camera', async () => {
  const { clock, driver, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  driver.accept({ hangGoodbye: true, ignoreAbort: true }).frame(0);
  await clock.advance(1);
  supervisor.restart();
  await clock.advance(3 * DISPOSE_TIMEOUT_MS);
  assert.equal(driver.dials.length, 2);
  await stopped(supervisor, clock);
});

test('restarts in a row never hold two logins', async () => {
  const { clock, driver, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  for (let i = 0; i < 5; i++) {
    driver.accept().frame(0);
    await clock.advance(1);
    supervisor.restart();
    supervisor.restart();
    supervisor.restart();
    await clock.advance(1);
  }
  assert.equal(driver.mostOpen, 1);
  assert.equal(driver.goodbyes, 5);
  await stopped(supervisor, clock);
});

test('a cool-down that the driver asks for is shown with its end and then dialled', async () => {
  const { clock, driver, states, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  driver.dials[0]!.fail(new NvrError('unavailable', 'full', { coolDownMs: 7000 }));
  await clock.advance(0);
  assert.equal(supervisor.state.kind, 'coolingDown');
  assert.equal(supervisor.nextAttemptAt, clock.wallMs() + 7000);
  await clock.advance(6999);
  assert.equal(driver.dials.length, 1);
  await clock.advance(1);
  assert.equal(driver.dials.length, 2);
  assert.deepEqual(states, ['connecting', 'coolingDown', 'connecting']);
  await stopped(supervisor, clock);
});

test('a released camera is left with a goodbye and taken back after the time', async () => {
  const { clock, driver, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  driver.accept().frame(0);
  await clock.advance(1);
  const left = supervisor.release(60_000);
  await clock.advance(1);
  await left;
  assert.equal(driver.goodbyes, 1);
  await clock.advance(59_000);
  assert.equal(driver.dials.length, 1);
  await clock.advance(1000);
  assert.equal(driver.dials.length, 2);
  await stopped(supervisor, clock);
});

test('after stop nothing is left behind', async () => {
  const { clock, driver, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  driver.accept().frame(0);
  await clock.advance(100);
  await stopped(supervisor, clock);
  assert.equal(clock.timers, 0);
  assert.equal(driver.open, 0);
});

test('no timer outlives its session, however it ended', async () => {
  const { clock, driver, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  for (const end of ['restart', 'fail', 'stop'] as const) {
    const session = driver.accept();
    session.frame(0);
    await clock.advance(1);
    if (end === 'restart') supervisor.restart();
    if (end === 'fail') session.fail(new NvrError('unavailable', 'gone'));
    if (end === 'stop') void supervisor.stop();
    await clock.advance(0);
    if (end === 'fail') {
      assert.equal(clock.timers, 1, 'the back-off');
      supervisor.restart();
      await clock.advance(0);
    }
  }
  assert.equal(clock.timers, 0);
});

test('a driver whose counters throw costs its session, not the camera', async () => {
  const { clock, driver, failures, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  const session = driver.accept({ brokenCounters: true });
  session.frame(0);
  await clock.advance(0);
  assert.equal(supervisor.framesDropped, 0);
  session.fail(new NvrError('unavailable', 'gone'));
  await clock.advance(5000);
  assert.deepEqual(failures, ['unavailable']);
  assert.equal(driver.dials.length, 2);
  await stopped(supervisor, clock);
});

test('the back-off starts anew only after healthy pictures: the silence before the watchdog does not count', async () => {
  const { clock, driver, supervisor } = start();
  supervisor.enable();
  await clock.advance(0);
  for (let lives = 1; lives <= 3; lives++) {
    const session = driver.accept();
    for (let second = 0; second < 25; second++) {
      session.frame(clock.monoMs());
      await clock.advance(1000);
    }
    await clock.advance(WATCHDOG_MS - 500);
    assert.equal(supervisor.state.kind === 'backingOff' && supervisor.state.attempt, lives);
    await clock.advance(4000);
  }
  await stopped(supervisor, clock);
});

async function stopped(supervisor: Supervisor, clock: ManualClock): Promise<void> {
  const done = supervisor.stop();
  await clock.advance(DISPOSE_TIMEOUT_MS * 3);
  await done;
}
