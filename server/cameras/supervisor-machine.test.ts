// The Supervisor's rules as a table, then its invariants over random walks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BACK_OFF,
  HEALTHY_AFTER_MS,
  next,
  REFUSED_RETRY_MS,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
} from './supervisor-machine.ts';

const gone = { code: 'unavailable', message: 'gone' } as const;
const ended = (nowMs: number, extra: Partial<SupervisorEvent & { kind: 'ended' }> = {}): SupervisorEvent => ({
  kind: 'ended',
  nowMs,
  failure: gone,
  coolDownMs: null,
  lastPictureMs: nowMs,
  random: 1,
  ...extra,
});
const connecting = (attempt = 0, failedDials = 0): SupervisorState => ({ kind: 'connecting', attempt, failedDials });
const live = (sinceMs: number, attempt = 0): SupervisorState => ({ kind: 'live', attempt, sinceMs });
const backingOff = (untilMs: number, attempt: number, failedDials: number): SupervisorState => ({
  kind: 'backingOff',
  untilMs,
  attempt,
  failedDials,
});
const disabled: SupervisorState = { kind: 'disabled' };
const dial: SupervisorEffect = { kind: 'dial' };
const leave: SupervisorEffect = { kind: 'leave' };
const wake = (atMs: number): SupervisorEffect => ({ kind: 'wake', atMs });

type Row = [string, SupervisorState, SupervisorEvent, SupervisorState, SupervisorEffect[]];

const table: Row[] = [
  ['enabling dials at once', disabled, { kind: 'enable' }, connecting(), [dial]],
  ['enabling twice changes nothing', connecting(2, 2), { kind: 'enable' }, connecting(2, 2), []],
  ['the first dial is retried like any other', connecting(), ended(100), backingOff(1100, 1, 1), [wake(1100)]],
  ['the back-off doubles', connecting(3, 1), ended(0), backingOff(8000, 4, 2), [wake(8000)]],
  [
    'the back-off has a ceiling',
    connecting(20, 0),
    ended(0),
    backingOff(BACK_OFF.maxMs, 21, 1),
    [wake(BACK_OFF.maxMs)],
  ],
  ['jitter never makes a busy loop', connecting(5, 0), ended(0, { random: 0 }), backingOff(500, 6, 1), [wake(500)]],
  [
    'every third failed dial looks for the camera',
    connecting(2, 2),
    ended(0),
    backingOff(4000, 3, 3),
    [wake(4000), { kind: 'locate' }],
  ],
  ['a found camera is dialled at once', backingOff(9000, 3, 3), { kind: 'located' }, connecting(3, 0), [dial]],
  ['a find that comes late is not a second dial', connecting(3, 0), { kind: 'located' }, connecting(3, 0), []],
  ['the first frame makes it live', connecting(4, 2), { kind: 'firstFrame', nowMs: 7 }, live(7, 4), []],
  [
    'a short life does not reset the back-off',
    live(0, 4),
    ended(HEALTHY_AFTER_MS - 1),
    backingOff(HEALTHY_AFTER_MS - 1 + 16000, 5, 0),
    [wake(HEALTHY_AFTER_MS - 1 + 16000)],
  ],
  [
    'a healthy life resets the back-off',
    live(0, 4),
    ended(HEALTHY_AFTER_MS),
    backingOff(HEALTHY_AFTER_MS + 1000, 1, 0),
    [wake(HEALTHY_AFTER_MS + 1000)],
  ],
  [
    'the silence before the end is not a healthy stretch',
    live(0, 4),
    ended(HEALTHY_AFTER_MS + 5000, { lastPictureMs: HEALTHY_AFTER_MS - 1 }),
    backingOff(HEALTHY_AFTER_MS + 5000 + 16000, 5, 0),
    [wake(HEALTHY_AFTER_MS + 5000 + 16000)],
  ],
  [
    'the driver may ask for silence',
    connecting(0, 0),
    ended(0, { coolDownMs: 7000 }),
    { kind: 'coolingDown', untilMs: 7000, attempt: 1, failedDials: 1, reason: 'stalePort' },
    [wake(7000)],
  ],
  [
    'silence does not stop the search for the camera',
    connecting(2, 2),
    ended(0, { coolDownMs: 7000 }),
    { kind: 'coolingDown', untilMs: 7000, attempt: 3, failedDials: 3, reason: 'stalePort' },
    [wake(7000), { kind: 'locate' }],
  ],
  [
    'a find during silence waits for its end',
    { kind: 'coolingDown', untilMs: 7000, attempt: 3, failedDials: 3, reason: 'stalePort' },
    { kind: 'located' },
    { kind: 'coolingDown', untilMs: 7000, attempt: 3, failedDials: 3, reason: 'stalePort' },
    [],
  ],
  [
    'silence ends in a dial',
    { kind: 'coolingDown', untilMs: 7000, attempt: 1, failedDials: 1, reason: 'stalePort' },
    { kind: 'timer', nowMs: 7000 },
    connecting(1, 1),
    [dial],
  ],
  ['an early timer waits on', backingOff(500, 1, 1), { kind: 'timer', nowMs: 499 }, backingOff(500, 1, 1), [wake(500)]],
  [
    'wrong credentials wait',
    connecting(1, 0),
    ended(5, { failure: { code: 'refused', message: 'no' } }),
    { kind: 'refused', untilMs: 5 + REFUSED_RETRY_MS },
    [wake(5 + REFUSED_RETRY_MS)],
  ],
  [
    'bad settings wait',
    connecting(1, 0),
    ended(5, { failure: { code: 'bad_input', message: 'no' } }),
    { kind: 'refused', untilMs: 5 + REFUSED_RETRY_MS },
    [wake(5 + REFUSED_RETRY_MS)],
  ],
  ['and are tried slowly', { kind: 'refused', untilMs: 10 }, { kind: 'timer', nowMs: 10 }, connecting(), [dial]],
  [
    'a change of settings dials from refused',
    { kind: 'refused', untilMs: 10 },
    { kind: 'restart' },
    connecting(),
    [dial],
  ],
  ['a change of settings dials from back-off', backingOff(9, 7, 7), { kind: 'restart' }, connecting(), [dial]],
  ['a restart leaves first', live(0, 3), { kind: 'restart' }, connecting(), [leave, dial]],
  ['a restart of a disabled camera is nothing', disabled, { kind: 'restart' }, disabled, []],
  ['disabling leaves', live(0), { kind: 'disable' }, disabled, [leave]],
  ['disabling while waiting has nothing to leave', backingOff(1, 1, 1), { kind: 'disable' }, disabled, []],
  [
    'a release leaves and stays away',
    live(0),
    { kind: 'release', untilMs: 99 },
    { kind: 'coolingDown', untilMs: 99, attempt: 0, failedDials: 0, reason: 'released' },
    [leave, wake(99)],
  ],
  ['an end after leaving is stale', disabled, ended(1), disabled, []],
  ['a timer while live is stale', live(0), { kind: 'timer', nowMs: 9 }, live(0), []],
];

for (const [name, state, event, expected, effects] of table) {
  test(`${name} (${state.kind}, ${event.kind})`, () => {
    const step = next(state, event);
    assert.deepEqual(step.state, expected);
    assert.deepEqual(step.effects, effects);
  });
}

test('whatever happens, a camera that is not disabled is connected, or has a time to wake', () => {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };
  let state: SupervisorState = disabled;
  let nowMs = 0;
  for (let i = 0; i < 20_000; i++) {
    nowMs += Math.floor(random() * 5000);
    const events: SupervisorEvent[] = [
      { kind: 'enable' },
      { kind: 'disable' },
      { kind: 'restart' },
      { kind: 'release', untilMs: nowMs + 1000 },
      { kind: 'firstFrame', nowMs },
      ended(nowMs, { random: random() }),
      ended(nowMs, { coolDownMs: 7000 }),
      ended(nowMs, { failure: { code: 'refused', message: '' } }),
      { kind: 'located' },
      { kind: 'timer', nowMs },
    ];
    const before: SupervisorState = state;
    const step = next(state, events[Math.floor(random() * events.length)]!);
    state = step.state;
    const dials = step.effects.filter((effect) => effect.kind === 'dial').length;
    assert.ok(dials <= 1);
    if (dials === 1) assert.equal(state.kind, 'connecting');
    if ('untilMs' in state && state !== before) {
      assert.ok(
        step.effects.some((effect) => effect.kind === 'wake'),
        `${state.kind} without a wake-up`,
      );
    }
  }
});
