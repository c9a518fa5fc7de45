import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DialProgress, dialPlan, PICTURE_STEP, type ReachedStep } from './dial-step.ts';

const step = (id: string) => ({ id, title: id.toUpperCase(), doing: `doing ${id}`, late: `late ${id}` });

test('steps are reached once, in order, and skipped ones with the later one', () => {
  const reached: ReachedStep[] = [];
  let ms = 0;
  const way = new DialProgress(
    dialPlan(['a', 'b', 'c'].map(step)),
    () => ms,
    (each) => reached.push(each),
  );
  assert.equal(way.waitingFor?.doing, 'doing a');
  ms = 10.4;
  way.reach('a', 'first');
  way.reach('a', 'again');
  way.reach('nothing');
  ms = 20;
  way.reach('c', 'third');
  way.reach('b');
  assert.deepEqual(reached, [
    { id: 'a', title: 'A', detail: 'first', afterMs: 10 },
    { id: 'b', title: 'B', detail: null, afterMs: 20 },
    { id: 'c', title: 'C', detail: 'third', afterMs: 20 },
  ]);
  assert.equal(way.waitingFor, PICTURE_STEP);
  way.reach('picture');
  assert.equal(way.waitingFor, null);
});

test('a driver without steps of its own has answered when it is open', () => {
  const reached: string[] = [];
  const way = new DialProgress(
    dialPlan(undefined),
    () => 0,
    ({ id }) => reached.push(id),
  );
  way.opened();
  way.opened();
  assert.deepEqual(reached, ['answer']);
});
