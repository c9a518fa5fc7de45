import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError } from '../core/nvr-error.ts';
import { Waits } from './waits.ts';

test('a wait is fulfilled at once, or by the change that brings it', async () => {
  const clock = new ManualClock();
  const waits = new Waits(clock);
  let value: number | undefined = 1;
  assert.equal(await waits.until('one', () => value), 1);
  value = undefined;
  const pending = waits.until('two', () => value);
  waits.look();
  value = 2;
  waits.look();
  assert.equal(await pending, 2);
  assert.equal(clock.timers, 0);
});

test('it gives up on its own clock and says what it waited for', async () => {
  const clock = new ManualClock();
  const waits = new Waits(clock);
  const pending = waits.until('a miracle', () => undefined, { timeoutMs: 100 });
  const rejected = assert.rejects(pending, (error) => isNvrError(error, 'timeout') && /a miracle/.test(error.message));
  await clock.advance(100);
  await rejected;
});
