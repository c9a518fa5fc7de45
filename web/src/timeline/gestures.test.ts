import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GestureEffect, type GestureEvent, type GestureState, nextGesture, wheelFactor } from './gestures.ts';

const point = (x: number, id = 1) => ({ id, x, y: 50 });
const down = (x: number, id = 1, mode: 'browse' | 'select' = 'browse', onMarker = false): GestureEvent => {
  return { kind: 'down', point: point(x, id), mode, onMarker };
};
const move = (x: number, id = 1): GestureEvent => ({ kind: 'move', point: point(x, id) });
const up = (x: number, id = 1): GestureEvent => ({ kind: 'up', point: point(x, id) });

function run(...events: GestureEvent[]): { state: GestureState; effects: GestureEffect[] } {
  let state: GestureState = { kind: 'idle' };
  const effects: GestureEffect[] = [];
  for (const event of events) {
    const next = nextGesture(state, event);
    state = next.state;
    effects.push(...next.effects);
  }
  return { state, effects };
}
const kinds = (...events: GestureEvent[]) => run(...events).effects.map(({ kind }) => kind);

test('a press is a click, also with an unsteady hand', () => {
  assert.deepEqual(kinds(down(100), move(103), up(103)), ['click']);
  assert.deepEqual(run(down(100), move(103), up(103)).effects[0], { kind: 'click', x: 100, y: 50 });
});

test('a drag moves the view by what the pointer moved, and clicks nothing', () => {
  const { state, effects } = run(down(100), move(110), move(90), up(90));
  assert.deepEqual(
    effects.map((effect) => effect.kind === 'pan' && effect.byX),
    [10, -20],
  );
  assert.equal(state.kind, 'idle');
});

test('selecting, and scrubbing with the marker', () => {
  assert.deepEqual(kinds(down(100, 1, 'select'), move(150), move(160), up(160)), [
    'selectStart',
    'selectMove',
    'selectMove',
    'selectEnd',
  ]);
  assert.deepEqual(kinds(down(100, 1, 'select'), move(150), { kind: 'cancel' }), [
    'selectStart',
    'selectMove',
    'selectEnd',
  ]);
  assert.deepEqual(kinds(down(100, 1, 'browse', true), move(150), up(160)), ['scrub', 'scrub']);
  // A click on the marker is a click; in a selection a click plays.
  assert.deepEqual(kinds(down(100, 1, 'browse', true), up(100)), ['click']);
  assert.deepEqual(kinds(down(100, 1, 'select'), up(100)), ['click']);
});

test('two fingers pinch; the one that is left does nothing more', () => {
  const { state, effects } = run(
    down(100, 1),
    down(200, 2),
    move(80, 1),
    move(220, 2),
    up(80, 1),
    move(300, 2),
    up(300, 2),
  );
  assert.deepEqual(effects, [
    { kind: 'pinch', before: [100, 200], after: [80, 200] },
    { kind: 'pinch', before: [80, 200], after: [80, 220] },
  ]);
  assert.equal(state.kind, 'idle');
  assert.deepEqual(kinds(down(100, 1), move(120, 1), down(200, 2), move(250, 2)), ['pan', 'pinch']);
  // Nor does a finger that comes while one of the pinch is still there.
  assert.deepEqual(kinds(down(100, 1), down(200, 2), up(100, 1), down(150, 3), up(150, 3)), []);
  // A third finger is nobody.
  assert.deepEqual(kinds(down(100, 1), down(200, 2), move(10, 3)), []);
});

test('the wheel: up zooms in, one turn is bounded, a touch pad’s pinch is stronger', () => {
  assert.ok(wheelFactor(-100, 0, false) < 1 && wheelFactor(100, 0, false) > 1);
  assert.ok(Math.abs(wheelFactor(100, 0, false) * wheelFactor(-100, 0, false) - 1) < 1e-9);
  assert.ok(wheelFactor(1e9, 0, false) <= Math.E && wheelFactor(-1e9, 2, false) >= 1 / Math.E);
  assert.ok(wheelFactor(-3, 0, true) < wheelFactor(-3, 0, false));
});
