import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError } from '../core/nvr-error.ts';
import { Attempts, MAX_FAILED_TRIES } from './attempts.ts';

const limited = (error: unknown) => isNvrError(error, 'rate_limited') && Number(error.context.retryAfterMs) > 0;

function fail(attempts: Attempts, account: string | null, address: string, times: number): void {
  for (let n = 0; n < times; n++) attempts.begin(account, address).failed();
}

test('an address has so many failures a minute, whatever the accounts', async () => {
  const clock = new ManualClock();
  const attempts = new Attempts(clock);
  for (let n = 0; n < MAX_FAILED_TRIES; n++) attempts.begin(`user${n}`, '192.0.2.1').failed();
  assert.throws(() => attempts.begin('somebody', '192.0.2.1'), limited);
  attempts.begin('somebody', '192.0.2.2').failed();
  await clock.advance(60_001);
  attempts.begin('somebody', '192.0.2.1').failed();
});

test('an account has so many failures a minute, whatever the addresses and the case', () => {
  const attempts = new Attempts(new ManualClock());
  for (let n = 0; n < MAX_FAILED_TRIES; n++) attempts.begin(n % 2 ? 'Admin' : 'admin', `192.0.2.${n}`).failed();
  assert.throws(() => attempts.begin('ADMIN', '198.51.100.1'), limited);
  attempts.begin('other', '198.51.100.1').failed();
});

test('who gave the right password from an address is not locked out by strangers elsewhere', () => {
  const attempts = new Attempts(new ManualClock());
  attempts.begin('admin', '192.0.2.1').succeeded();
  for (let n = 10; n < 10 + MAX_FAILED_TRIES; n++) attempts.begin('admin', `192.0.2.${n}`).failed();
  assert.throws(() => attempts.begin('admin', '192.0.2.99'), limited);
  attempts.begin('admin', '192.0.2.1').succeeded();
  fail(attempts, 'admin', '192.0.2.1', MAX_FAILED_TRIES);
  assert.throws(() => attempts.begin('admin', '192.0.2.1'), limited, 'but still bound by its own address');
});

test('tries under way count, right answers do not', () => {
  const attempts = new Attempts(new ManualClock());
  const running = Array.from({ length: MAX_FAILED_TRIES }, () => attempts.begin('admin', '192.0.2.1'));
  assert.throws(() => attempts.begin('admin', '192.0.2.1'), limited);
  for (const attempt of running) attempt.succeeded();
  for (let n = 0; n < 5 * MAX_FAILED_TRIES; n++) attempts.begin('admin', '192.0.2.1').succeeded();
});

test('IPv6 counts by /64, IPv4 in IPv6 as IPv4', () => {
  const attempts = new Attempts(new ManualClock());
  fail(attempts, null, '2001:db8:1:2::1', 7);
  fail(attempts, null, '2001:db8:1:2:ffff:1:2:3', MAX_FAILED_TRIES - 7);
  assert.throws(() => attempts.begin(null, '2001:DB8:1:2::77'), limited);
  attempts.begin(null, '2001:db8:1:3::1').failed();
  fail(attempts, null, '192.0.2.5', MAX_FAILED_TRIES);
  assert.throws(() => attempts.begin(null, '::ffff:192.0.2.5'), limited);
  attempts.begin(null, '::1').failed();
});

test('the failures move out of the window one by one', async () => {
  const clock = new ManualClock();
  const attempts = new Attempts(clock);
  fail(attempts, null, 'a', 1);
  await clock.advance(30_000);
  fail(attempts, null, 'a', MAX_FAILED_TRIES - 1);
  assert.throws(
    () => attempts.begin(null, 'a'),
    (error) => isNvrError(error) && error.context.retryAfterMs === 30_000,
  );
  await clock.advance(30_000);
  fail(attempts, null, 'a', 1);
  assert.throws(() => attempts.begin(null, 'a'), limited);
});

test('a flood of addresses stays bounded in memory', () => {
  const attempts = new Attempts(new ManualClock());
  for (let n = 0; n < 30_000; n++) attempts.begin(`user${n}`, `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`).failed();
  assert.ok(attempts.size <= 10_000);
});
