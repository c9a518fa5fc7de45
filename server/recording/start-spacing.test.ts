import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { StartSpacing } from './start-spacing.ts';

test('starts at one moment are begun one after the other; who cannot wait so long does not; a lone one never waits', async () => {
  const clock = new ManualClock(0);
  const starts = new StartSpacing(clock);
  const begun: string[] = [];
  const begin = (name: string, maxWaitMs = 1000) =>
    starts.turn(maxWaitMs).then(() => begun.push(`${name} ${clock.monoMs()}`));
  const all = [begin('a'), begin('b'), begin('c'), begin('hasty', 50), begin('e')];
  for (let n = 0; n < 40; n++) await clock.advance(10);
  await Promise.all(all);
  assert.deepEqual(begun, ['a 0', 'hasty 50', 'b 60', 'c 120', 'e 240']);
  await begin('later');
  assert.equal(begun.at(-1), 'later 400');
});
