import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NvrError } from './nvr-error.ts';
import { Turns } from './turns.ts';

test('so many at a time, in order; one too many is told; what fails frees its place', async () => {
  const turns = new Turns({ most: 2, maxWaiting: 2, tooMany: () => new NvrError('unavailable', 'Too many') });
  const works = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
  const begun: number[] = [];
  const results = works.map(({ promise }, n) =>
    turns.run(() => {
      begun.push(n);
      return promise;
    }),
  );
  await assert.rejects(results[4]!, { code: 'unavailable', message: 'Too many' });
  assert.deepEqual(begun, [0, 1]);
  works[1]!.reject(new Error('no'));
  await assert.rejects(results[1]!, /no/);
  // Who comes in this moment is behind those who wait.
  const late = turns.run(() => begun.push(9));
  works[0]!.resolve(7);
  assert.equal(await results[0], 7);
  works[2]!.resolve(2);
  works[3]!.resolve(3);
  assert.deepEqual(await Promise.all([results[2], results[3]]), [2, 3]);
  await late;
  assert.deepEqual(begun, [0, 1, 2, 3, 9]);
});
