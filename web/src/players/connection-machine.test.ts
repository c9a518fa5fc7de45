import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  FALLBACK_AFTER,
  nextConnection,
} from './connection-machine.ts';

const idle: ConnectionState = { kind: 'idle', plain: false };
const lost: ConnectionEvent = { kind: 'closed', answers: true };

/** Runs events one after the other; answers the last state and the kinds of all effects. */
function run(events: readonly ConnectionEvent[], from: ConnectionState = idle) {
  let state = from;
  const effects: ConnectionEffect[] = [];
  for (const event of events) {
    const step = nextConnection(state, event);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects, kinds: effects.map(({ kind }) => kind).join(' ') };
}

test('opens when wanted, hangs up when not', () => {
  const { state, kinds } = run([{ kind: 'wanted' }, { kind: 'opened' }, { kind: 'unwanted' }]);
  assert.deepEqual(state, idle);
  assert.equal(kinds, 'dial hangUp');
});

test('a lost connection is dialled again soon', () => {
  const { state, effects } = run([{ kind: 'wanted' }, { kind: 'opened' }, lost, { kind: 'due' }]);
  assert.equal(state.kind, 'opening');
  assert.deepEqual(effects[1], { kind: 'retry', delayMs: 500 });
  assert.equal(effects[2]?.kind, 'dial');
});

test('the delay doubles up to a ceiling while Perch does not answer, without giving up on sockets', () => {
  const gone: ConnectionEvent = { kind: 'closed', answers: false };
  const events: ConnectionEvent[] = [{ kind: 'wanted' }];
  for (let i = 0; i < 10; i++) events.push(gone, { kind: 'due' });
  const { state, effects } = run(events);
  const delays = effects.filter((effect) => effect.kind === 'retry').map((effect) => effect.delayMs);
  assert.deepEqual(delays.slice(0, 4), [500, 1000, 2000, 4000]);
  assert.equal(Math.max(...delays), 15_000);
  assert.equal(state.kind, 'opening');
});

test('sockets that never open though Perch answers lead to plain pictures, and back when one opens', () => {
  const events: ConnectionEvent[] = [{ kind: 'wanted' }];
  for (let i = 0; i < FALLBACK_AFTER; i++) events.push(...(i > 0 ? [{ kind: 'due' } as const] : []), lost);
  const { state } = run(events);
  assert.equal(state.kind, 'fallback');
  assert.equal(run([{ kind: 'due' }, lost], state).state.kind, 'fallback');
  assert.equal(run([{ kind: 'due' }, { kind: 'opened' }], state).state.kind, 'open');
});

test('the next page does not find out again that sockets do not get through', () => {
  const { state, kinds } = run([{ kind: 'unwanted' }, { kind: 'wanted' }], { kind: 'fallback' });
  assert.equal(state.kind, 'fallback');
  assert.equal(kinds, 'hangUp retry');
});

test('events that mean nothing change nothing', () => {
  for (const kind of ['due', 'opened', 'closed'] as const) {
    const event: ConnectionEvent = kind === 'closed' ? lost : { kind };
    assert.deepEqual(nextConnection(idle, event), { state: idle, effects: [] });
  }
});
