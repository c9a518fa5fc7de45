import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError } from '../core/nvr-error.ts';
import { Attempts, MAX_FAILED_TRIES } from './attempts.ts';
import { addressKey } from './doors.ts';

const limited = (error: unknown) => isNvrError(error, 'rate_limited') && Number(error.context.retryAfterMs) > 0;

async function fail(attempts: Attempts, key: string, times: number): Promise<void> {
  for (let n = 0; n < times; n++) (await attempts.begin([key])).failed();
}

test('a key has so many failures a minute, a try counts for all its keys', async () => {
  const clock = new ManualClock();
  const attempts = new Attempts(clock);
  for (let n = 0; n < MAX_FAILED_TRIES; n++) (await attempts.begin(['a', `user${n}`])).failed();
  await assert.rejects(attempts.begin(['other', 'a']), limited);
  (await attempts.begin(['other'])).failed();
  await clock.advance(60_001);
  (await attempts.begin(['other', 'a'])).failed();
});

test('tries under way count: the next one waits for their end; right answers cost nothing', async () => {
  const attempts = new Attempts(new ManualClock());
  const running = await Promise.all(Array.from({ length: MAX_FAILED_TRIES }, () => attempts.begin(['a'])));
  let began = false;
  const next = attempts.begin(['a']).then((attempt) => {
    began = true;
    return attempt;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(began, false);
  running[0]!.succeeded();
  (await next).succeeded();
  for (const attempt of running.slice(1)) attempt.succeeded();
  for (let n = 0; n < 5 * MAX_FAILED_TRIES; n++) (await attempts.begin(['a'])).succeeded();
});

test('those who wait are refused when the failures are full, and there are not many of them', async () => {
  const attempts = new Attempts(new ManualClock());
  const running = await Promise.all(Array.from({ length: MAX_FAILED_TRIES }, () => attempts.begin(['a'])));
  const waiting = Array.from({ length: 300 }, () => attempts.begin(['a']));
  const settled = Promise.allSettled(waiting);
  for (const attempt of running) attempt.failed();
  for (const result of await settled) assert.ok(result.status === 'rejected' && limited(result.reason));
});

test('addresses: IPv6 counts by /64, IPv4 in IPv6 as IPv4', () => {
  assert.equal(addressKey('2001:db8:1:2::1'), addressKey('2001:DB8:1:2:ffff:1:2:3'));
  assert.notEqual(addressKey('2001:db8:1:2::1'), addressKey('2001:db8:1:3::1'));
  assert.equal(addressKey('::ffff:192.0.2.5'), addressKey('192.0.2.5'));
  assert.notEqual(addressKey('::1'), addressKey('2001:db8::1'));
});

test('the failures move out of the window one by one', async () => {
  const clock = new ManualClock();
  const attempts = new Attempts(clock);
  await fail(attempts, 'a', 1);
  await clock.advance(30_000);
  await fail(attempts, 'a', MAX_FAILED_TRIES - 1);
  await assert.rejects(attempts.begin(['a']), (error) => isNvrError(error) && error.context.retryAfterMs === 30_000);
  await clock.advance(30_000);
  await fail(attempts, 'a', 1);
  await assert.rejects(attempts.begin(['a']), limited);
});

test('the same wrong thing counts once', async () => {
  const attempts = new Attempts(new ManualClock());
  for (let n = 0; n < 100; n++) attempts.note('a', 'same');
  for (let n = 1; n < MAX_FAILED_TRIES; n++) attempts.note('a', `other ${n}`);
  assert.throws(() => attempts.note('a', 'new'), limited);
  attempts.note('a', 'same');
  await assert.rejects(attempts.begin(['a']), limited);
});

test('a flood of keys stays bounded in memory', async () => {
  const attempts = new Attempts(new ManualClock());
  for (let n = 0; n < 30_000; n++) (await attempts.begin([`user${n}`])).failed();
  assert.ok(attempts.size <= 10_000);
});
