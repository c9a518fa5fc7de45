import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import type { Caller } from './caller.ts';
import { Revocations } from './revocations.ts';

const DAY_MS = 24 * 3600 * 1000;

const caller = (part: Partial<Caller>): Caller => ({
  kind: 'token',
  userId: 'usr_1',
  tokenId: 'tok_1',
  sessionId: null,
  username: 'u',
  scope: 'viewer',
  cameras: null,
  expiresAt: null,
  ...part,
});

test('only the callers that match are told, once', () => {
  const revocations = new Revocations(new ManualClock());
  const told: string[] = [];
  revocations.onRevoked(caller({ tokenId: 'a' }), () => told.push('a'));
  revocations.onRevoked(caller({ tokenId: 'b' }), () => told.push('b'));
  const off = revocations.onRevoked(caller({ tokenId: 'a' }), () => told.push('never'));
  off();
  revocations.revoke((other) => other.tokenId === 'a');
  revocations.revoke((other) => other.tokenId === 'a');
  assert.deepEqual(told, ['a']);
  assert.equal(revocations.size, 1);
});

test('a caller is told when the time has come, also after weeks, and no timer stays behind', async () => {
  const clock = new ManualClock();
  const revocations = new Revocations(clock);
  let ended = 0;
  const expiresAt = clock.wallMs() + 40 * DAY_MS;
  revocations.onRevoked(caller({ expiresAt }), () => ended++);
  const off = revocations.onRevoked(caller({ expiresAt }), () => ended++);
  await clock.advance(40 * DAY_MS - 1000);
  assert.equal(ended, 0);
  off();
  await clock.advance(2000);
  assert.equal(ended, 1);
  assert.equal(clock.timers, 0);
});

test('one who throws harms nobody else', () => {
  const revocations = new Revocations(new ManualClock());
  let told = 0;
  revocations.onRevoked(caller({}), () => {
    throw new Error('boom');
  });
  revocations.onRevoked(caller({}), () => told++);
  revocations.revoke(() => true);
  assert.equal(told, 1);
});
