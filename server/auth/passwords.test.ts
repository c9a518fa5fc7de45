// How many passwords are worked on at once: each takes 19 MB, whatever the number of those who sign in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import { Passwords } from './passwords.ts';

/** Hashing that takes until it is told to end. */
function heldHashing() {
  const ends: (() => void)[] = [];
  const counts = { running: 0, most: 0, done: 0 };
  const work = async <T>(answer: T): Promise<T> => {
    counts.most = Math.max(counts.most, ++counts.running);
    await new Promise<void>((resolve) => ends.push(resolve));
    counts.running--;
    counts.done++;
    return answer;
  };
  const argon2 = { hash: () => work('hash'), verify: () => work(true) };
  return { argon2, counts, endOne: () => ends.shift()?.() };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('sixty at once: two passwords are worked on at a time, in any mix, and all get their turn', async () => {
  const { argon2, counts, endOne } = heldHashing();
  const passwords = new Passwords(argon2);
  const asked = Array.from({ length: 60 }, (_, n) =>
    n % 3 === 0 ? passwords.hash(`${n}`) : passwords.verify(n % 3 === 1 ? 'hash' : null, `${n}`),
  );
  await turn();
  assert.equal(counts.running, 2);
  while (counts.done < asked.length) {
    endOne();
    await turn();
  }
  await Promise.all(asked);
  assert.equal(counts.most, 2);
});

test('a failure gives its place back; beyond two hundred who wait one is told to come again', async () => {
  const broken = { hash: () => Promise.reject(new Error('no memory')), verify: () => Promise.reject(new Error('no')) };
  const failing = new Passwords(broken);
  const failed = await Promise.allSettled(Array.from({ length: 10 }, () => failing.hash('x')));
  assert.ok(failed.every(({ status }) => status === 'rejected'));

  const { argon2, counts, endOne } = heldHashing();
  const passwords = new Passwords(argon2);
  const asked = Array.from({ length: 202 }, () => passwords.verify('hash', 'x'));
  await assert.rejects(passwords.verify('hash', 'x'), (error) => isNvrError(error, 'rate_limited'));
  while (counts.done < asked.length) {
    endOne();
    await turn();
  }
  assert.ok((await Promise.all(asked)).every(Boolean));
});
