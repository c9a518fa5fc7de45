// Signing in against the real tables: sessions, tokens, Basic, and what ends them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError, NvrError } from '../core/nvr-error.ts';
import { openDatabase } from '../store/database.ts';
import { KnownPlaceTable } from '../store/known-places.ts';
import { SessionTable } from '../store/sessions.ts';
import { TokenTable } from '../store/tokens.ts';
import { UserTable } from '../store/users.ts';
import { MAX_FAILED_TRIES } from './attempts.ts';
import { createAuth } from './auth.ts';
import { SESSION_IDLE_MS, SESSION_LIFE_MS } from './authenticator.ts';

const ADDRESS = { address: '192.0.2.1' };
const PASSWORD = 'correct horse';
const DAY_MS = 24 * 3600 * 1000;

async function open() {
  const clock = new ManualClock();
  const db = openDatabase(':memory:');
  const auth = createAuth({
    users: new UserTable(db),
    sessions: new SessionTable(db),
    tokens: new TokenTable(db),
    places: new KnownPlaceTable(db),
    clock,
  });
  const admin = await auth.accounts.setUp('admin', PASSWORD);
  return { clock, db, auth, admin, ...auth };
}

const code = (expected: string) => (error: unknown) => isNvrError(error) && error.code === expected;

test('a hundred parallel set-ups make exactly one administrator', async () => {
  const db = openDatabase(':memory:');
  const auth = createAuth({
    users: new UserTable(db),
    sessions: new SessionTable(db),
    tokens: new TokenTable(db),
    places: new KnownPlaceTable(db),
    clock: new ManualClock(),
  });
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, (_, n) => auth.accounts.setUp(`admin${n}`, PASSWORD)),
  );
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
  assert.ok(results.every((result) => result.status === 'fulfilled' || code('conflict')(result.reason)));
  assert.deepEqual(
    auth.accounts.all().map((user) => user.username),
    ['admin0'],
  );
});

test('a wrong first password does not use up the set-up', async () => {
  const db = openDatabase(':memory:');
  const auth = createAuth({
    users: new UserTable(db),
    sessions: new SessionTable(db),
    tokens: new TokenTable(db),
    places: new KnownPlaceTable(db),
    clock: new ManualClock(),
  });
  await assert.rejects(auth.accounts.setUp('admin', 'short'), code('bad_input'));
  await assert.rejects(auth.accounts.setUp('a:b', PASSWORD), code('bad_input'));
  assert.equal(auth.accounts.setupRequired, true);
  await auth.accounts.setUp('admin', PASSWORD);
  assert.equal(auth.accounts.setupRequired, false);
});

test('nothing stored can be used to sign in', async () => {
  const { authenticator, apiTokens, admin, db } = await open();
  const { secret } = await authenticator.signIn('admin', PASSWORD, ADDRESS);
  const token = apiTokens.add({ name: 't', scope: 'admin', cameras: null, expiresAt: null }, admin.id);
  const stored = JSON.stringify(
    ['users', 'sessions', 'tokens'].map((table) => db.prepare(`select * from ${table}`).all()),
  );
  for (const clear of [secret, token.secret, PASSWORD]) assert.ok(!stored.includes(clear));
  assert.match(stored, /\$argon2id\$/);
  assert.match(token.secret, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(authenticator.bySession(token.token.hash), null);
});

test('a session ends after idling, after its whole life, and at sign-out', async () => {
  const { authenticator, clock, db } = await open();
  const idle = await authenticator.signIn('admin', PASSWORD, ADDRESS);
  await clock.advance(SESSION_IDLE_MS - DAY_MS);
  assert.equal(authenticator.bySession(idle.secret)?.username, 'admin', 'used again: the idle time begins anew');
  await clock.advance(SESSION_IDLE_MS - DAY_MS);
  assert.ok(authenticator.bySession(idle.secret));
  await clock.advance(SESSION_IDLE_MS);
  assert.equal(authenticator.bySession(idle.secret), null);

  const old = await authenticator.signIn('admin', PASSWORD, ADDRESS);
  for (let used = 0; used < SESSION_LIFE_MS; used += 10 * DAY_MS) {
    assert.ok(authenticator.bySession(old.secret), `after ${used / DAY_MS} days`);
    await clock.advance(10 * DAY_MS);
  }
  assert.equal(authenticator.bySession(old.secret), null);

  const left = await authenticator.signIn('admin', PASSWORD, ADDRESS);
  authenticator.signOut(left.caller);
  assert.equal(authenticator.bySession(left.secret), null);
  assert.deepEqual(db.prepare('select id from sessions').all(), []);
});

test('the fifty-first session of a user ends the one used longest ago, and what is open under it', async () => {
  const { authenticator, clock, revocations } = await open();
  const first = await authenticator.signIn('admin', PASSWORD, ADDRESS);
  let ended = false;
  revocations.onRevoked(first.caller, () => {
    ended = true;
  });
  for (let n = 0; n < 50; n++) {
    await clock.advance(1000);
    await authenticator.signIn('admin', PASSWORD, ADDRESS);
  }
  assert.equal(authenticator.bySession(first.secret), null);
  assert.equal(ended, true);
});

const OWNER = { address: '192.0.2.10' };
const stranger = (n: number) => ({ address: `198.51.100.${n}` });

test('fifteen tries a minute for an account, over all strangers, doors and capitals together', async () => {
  const { authenticator, clock } = await open();
  const doors = [
    (n: number) => authenticator.signIn('admin', `wrong ${n}`, stranger(n)),
    (n: number) => authenticator.byBasic('ADMIN', `wrong ${n}`, stranger(n)).then(refuseNull),
  ];
  for (let n = 0; n < MAX_FAILED_TRIES; n++) await assert.rejects(doors[n % 2]!(n), code('unauthenticated'));
  for (const door of doors) await assert.rejects(door(200), code('rate_limited'));
  await assert.rejects(authenticator.signIn('admin', PASSWORD, stranger(201)), code('rate_limited'), 'unheard');
  await clock.advance(61_000);
  await authenticator.signIn('admin', PASSWORD, stranger(201));
});

test('strangers do not lock out an address or a device that signed in during the last 30 days', async () => {
  const { authenticator, clock } = await open();
  const { device } = await authenticator.signIn('admin', PASSWORD, OWNER);
  const flood = async () => {
    for (let n = 0; n < MAX_FAILED_TRIES; n++)
      await assert.rejects(authenticator.signIn('admin', `wrong ${n}`, stranger(n)), code('unauthenticated'));
    await assert.rejects(authenticator.signIn('admin', PASSWORD, stranger(99)), code('rate_limited'));
  };
  await flood();
  await authenticator.signIn('admin', PASSWORD, OWNER);
  await authenticator.signIn('admin', PASSWORD, { ...stranger(7), device }); // the phone, from the flooded address
  const forged = { ...stranger(98), device: 'x'.repeat(43) };
  await assert.rejects(authenticator.signIn('admin', PASSWORD, forged), code('rate_limited'));
  for (let n = 0; n < MAX_FAILED_TRIES; n++)
    await assert.rejects(authenticator.signIn('admin', `wrong ${n}`, OWNER), code('unauthenticated'));
  await assert.rejects(authenticator.signIn('admin', PASSWORD, OWNER), code('rate_limited'), 'its own fifteen');
  await authenticator.signIn('admin', PASSWORD, { ...OWNER, device });

  await clock.advance(31 * DAY_MS);
  await flood();
  for (const origin of [OWNER, { ...stranger(7), device }])
    await assert.rejects(authenticator.signIn('admin', PASSWORD, origin), code('rate_limited'), 'not for ever');
});

test('what is known of one person opens no door to another', async () => {
  const { authenticator, accounts } = await open();
  await accounts.add({ username: 'v', password: PASSWORD, role: 'viewer', cameras: [] });
  const { device } = await authenticator.signIn('v', PASSWORD, OWNER);
  for (let n = 0; n < MAX_FAILED_TRIES; n++)
    await assert.rejects(authenticator.signIn('admin', `wrong ${n}`, { ...OWNER, device }), code('unauthenticated'));
  await assert.rejects(authenticator.signIn('admin', PASSWORD, { ...OWNER, device }), code('rate_limited'));
  await authenticator.signIn('v', PASSWORD, OWNER);
});

test('unknown tokens: fifteen different ones a minute; the same one again is a client, not a guess', async () => {
  const { authenticator, apiTokens, admin, clock } = await open();
  const { secret } = apiTokens.add({ name: 't', scope: 'viewer', cameras: null, expiresAt: null }, admin.id);
  const guess = (n: number) => String(n).padStart(43, 'x');
  for (let n = 0; n < 200; n++) assert.equal(authenticator.byToken(guess(0), ADDRESS), null);
  for (let n = 1; n < MAX_FAILED_TRIES; n++) assert.equal(authenticator.byToken(guess(n), ADDRESS), null);
  assert.throws(() => authenticator.byToken(guess(99), ADDRESS), code('rate_limited'));
  assert.equal(authenticator.byToken(guess(0), ADDRESS), null, 'a client with a revoked token gets its honest answer');
  await assert.rejects(authenticator.signIn('admin', PASSWORD, ADDRESS), code('rate_limited'), 'all doors together');
  assert.equal(authenticator.byToken(secret, ADDRESS)?.scope, 'viewer', 'a good token is never held up');
  assert.equal((await authenticator.byBasic('any', secret, ADDRESS))?.kind, 'token');
  await clock.advance(61_000);
  await authenticator.signIn('admin', PASSWORD, ADDRESS);
});

function refuseNull<T>(value: T | null): T {
  if (value === null) throw new NvrError('unauthenticated', 'no');
  return value;
}

test('parallel guesses do not get around the bound; parallel right passwords are not guesses', async () => {
  const { authenticator } = await open();
  const right = await Promise.all(Array.from({ length: 60 }, () => authenticator.signIn('admin', PASSWORD, ADDRESS)));
  assert.equal(right.length, 60);
  const results = await Promise.allSettled(
    Array.from({ length: 60 }, (_, n) => authenticator.signIn('admin', `wrong ${n}`, stranger(n))),
  );
  const tried = results.filter((result) => result.status === 'rejected' && code('unauthenticated')(result.reason));
  assert.equal(tried.length, MAX_FAILED_TRIES);
  assert.ok(results.every((result) => result.status === 'rejected'));
});

test('a Basic password is remembered for a minute and dropped at any change of the user', async () => {
  const { authenticator, accounts, clock, admin } = await open();
  const many = await Promise.all(Array.from({ length: 40 }, () => authenticator.byBasic('admin', PASSWORD, ADDRESS)));
  assert.ok(
    many.every((caller) => caller?.kind === 'password'),
    'forty at once are one verification',
  );
  const began = performance.now();
  for (let n = 0; n < 200; n++) assert.ok(await authenticator.byBasic('admin', PASSWORD, ADDRESS));
  const remembered = (performance.now() - began) / 200;
  await clock.advance(61_000);
  const again = performance.now();
  assert.ok(await authenticator.byBasic('admin', PASSWORD, ADDRESS));
  assert.ok(performance.now() - again > 3 * remembered, 'after a minute it is verified again');
  await accounts.change(admin.id, { password: 'another horse' });
  assert.equal(await authenticator.byBasic('admin', PASSWORD, ADDRESS), null);
  assert.ok(await authenticator.byBasic('ADMIN', 'another horse', ADDRESS), 'names are compared without case');
});

test('a token may never do more than the user who made it', async () => {
  const { authenticator, accounts, apiTokens } = await open();
  const maker = await accounts.add({ username: 'maker', password: PASSWORD, role: 'admin', cameras: null });
  const { secret } = apiTokens.add({ name: 't', scope: 'admin', cameras: null, expiresAt: null }, maker.id);
  const narrow = apiTokens.add({ name: 'n', scope: 'stream', cameras: ['a', 'b'], expiresAt: null }, maker.id);
  assert.equal(authenticator.byToken(secret, ADDRESS)?.scope, 'admin');
  await accounts.change(maker.id, { role: 'viewer', cameras: ['b', 'c'] });
  const caller = authenticator.byToken(secret, ADDRESS);
  assert.equal(caller?.scope, 'viewer');
  assert.deepEqual(caller?.cameras, ['b', 'c']);
  assert.deepEqual(authenticator.byToken(narrow.secret, ADDRESS)?.cameras, ['b']);
  accounts.remove(maker.id);
  assert.equal(authenticator.byToken(secret, ADDRESS), null);
});

test('a token ends at its time, and cannot be made for the past or with limited administration', async () => {
  const { authenticator, apiTokens, admin, clock, revocations } = await open();
  const input = { name: 't', scope: 'stream', cameras: null, expiresAt: clock.wallMs() + 1000 } as const;
  const { secret } = apiTokens.add(input, admin.id);
  const caller = authenticator.byToken(secret, ADDRESS);
  let ended = false;
  revocations.onRevoked(caller!, () => {
    ended = true;
  });
  await clock.advance(1000);
  assert.equal(ended, true);
  assert.equal(authenticator.byToken(secret, ADDRESS), null);
  assert.throws(() => apiTokens.add(input, admin.id), code('bad_input'));
  assert.throws(
    () => apiTokens.add({ ...input, scope: 'admin', cameras: ['a'], expiresAt: null }, admin.id),
    code('bad_input'),
  );
});

test('a change of a user ends sessions and open streams; the last administrator stays', async () => {
  const { authenticator, accounts, admin, revocations } = await open();
  const viewer = await accounts.add({ username: 'v', password: PASSWORD, role: 'viewer', cameras: [] });
  const { secret, caller } = await authenticator.signIn('v', PASSWORD, ADDRESS);
  let ended = 0;
  revocations.onRevoked(caller, () => ended++);
  await accounts.change(viewer.id, { cameras: ['a'] });
  assert.equal(ended, 1);
  assert.equal(authenticator.bySession(secret), null);
  await assert.rejects(accounts.change(admin.id, { role: 'viewer' }), code('conflict'));
  assert.throws(() => accounts.remove(admin.id), code('conflict'));
  assert.equal(accounts.get(admin.id)?.role, 'admin', 'a refused change leaves nothing behind');
  await assert.rejects(accounts.change(admin.id, { cameras: ['a'] }), code('bad_input'));
  const promoted = await accounts.change(viewer.id, { role: 'admin' });
  assert.equal(promoted.cameras, null, 'a promotion lifts the limit');
  accounts.remove(admin.id);
  await assert.rejects(accounts.change(admin.id, { username: 'x' }), code('not_found'));
});

test('two administrators who demote each other at once leave one', async () => {
  const { accounts, admin } = await open();
  const second = await accounts.add({ username: 'b', password: PASSWORD, role: 'admin', cameras: null });
  const results = await Promise.allSettled([
    accounts.change(admin.id, { role: 'viewer', password: 'new password 1' }),
    accounts.change(second.id, { role: 'viewer', password: 'new password 2' }),
  ]);
  assert.deepEqual(results.map((result) => result.status).sort(), ['fulfilled', 'rejected']);
  assert.equal(accounts.all().filter((user) => user.role === 'admin').length, 1);
});

test('a password changed while it was being verified does not let the old one in', async () => {
  const { authenticator, accounts, admin } = await open();
  const signingIn = authenticator.signIn('admin', PASSWORD, ADDRESS).catch((error: unknown) => error);
  await accounts.change(admin.id, { password: 'another horse' });
  const result = await signingIn;
  if (isNvrError(result)) assert.equal(result.code, 'unauthenticated');
  else assert.equal(authenticator.bySession((result as { secret: string }).secret), null);
});

test('names are unique without case, and bounded', async () => {
  const { accounts } = await open();
  const input = { password: PASSWORD, role: 'viewer', cameras: null } as const;
  await assert.rejects(accounts.add({ ...input, username: 'ADMIN' }), code('conflict'));
  for (const username of ['', ' a', 'a ', 'a:b', 'a\nb', 'a\u202eb', 'a\u200bb', '\ud800', 'x'.repeat(65)]) {
    await assert.rejects(accounts.add({ ...input, username }), code('bad_input'), JSON.stringify(username));
  }
  await assert.rejects(accounts.add({ ...input, username: 'ok', password: 'x'.repeat(257) }), code('bad_input'));
});

test('NFC and NFD forms of a password are the same password', async () => {
  const { authenticator, accounts } = await open();
  await accounts.add({ username: 'j', password: 'pässwörter'.normalize('NFD'), role: 'viewer', cameras: null });
  await authenticator.signIn('j', 'pässwörter'.normalize('NFC'), ADDRESS);
});
