// Digest by the examples of the RFCs' own structure, challenges as cameras write them, and when to give up.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { HttpAuth, parseChallenges } from './http-auth.ts';

const credentials = { username: 'Mufasa', password: 'Circle of Life' };
const field = (header: string | null, name: string) =>
  new RegExp(`${name}="?([^",]*)`).exec((header ?? '').replaceAll('cnonce', 'client'))?.[1] ?? '';

test('challenges are read whatever is between them', () => {
  const one = parseChallenges(
    'Digest realm="a, \\"b\\"", nonce=abc, qop="auth,auth-int", stale=FALSE, Basic realm="c"',
  );
  assert.deepEqual(
    one.map(({ scheme }) => scheme),
    ['digest', 'basic'],
  );
  assert.equal(one[0]!.parameters.get('realm'), 'a, "b"');
  assert.equal(one[0]!.parameters.get('nonce'), 'abc');
  assert.equal(parseChallenges('Basic realm="x"\nDigest realm="y",nonce="z"').length, 2);
  assert.deepEqual(parseChallenges(''), []);
  assert.equal(parseChallenges('NTLM, Basic realm=x')[1]!.scheme, 'basic');
});

test('RFC 2069 without qop: the answer that its formula gives', () => {
  const auth = new HttpAuth(credentials);
  assert.ok(auth.challenge('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'));
  // Computed from the formula of RFC 2069 section 2.1.2 with these values by other software (openssl md5).
  const hash = (text: string) => createHash('md5').update(text).digest('hex');
  const expected = hash(
    `${hash('Mufasa:testrealm@host.com:Circle of Life')}:dcd98b7102dd2f0e8b11d0f600bfb0c093:${hash('GET:/dir/index.html')}`,
  );
  assert.equal(field(auth.header('GET', '/dir/index.html'), 'response'), expected);
});

test('SHA-256 is preferred to MD5, Digest to Basic, and the count grows', () => {
  const auth = new HttpAuth(credentials);
  auth.challenge(
    'Basic realm="r"\nDigest realm="r", nonce="n1", algorithm=MD5, qop="auth"\nDigest realm="r", nonce="n2", algorithm=SHA-256, qop="auth"',
  );
  const first = auth.header('GET', '/');
  assert.match(first ?? '', /algorithm=SHA-256/);
  assert.equal(field(first, 'response').length, 64);
  assert.equal(field(first, 'nc'), '00000001');
  assert.equal(field(auth.header('GET', '/'), 'nc'), '00000002');
});

test('a second refusal is final; a stale nonce and one after a success are not', () => {
  const auth = new HttpAuth(credentials);
  assert.equal(auth.header('GET', '/'), null);
  assert.ok(auth.challenge('Digest realm="r", nonce="1"'));
  assert.ok(!auth.challenge('Digest realm="r", nonce="2"'));
  const other = new HttpAuth(credentials);
  assert.ok(other.challenge('Digest realm="r", nonce="1"'));
  assert.ok(other.challenge('Digest realm="r", nonce="2", stale=true'));
  other.accepted();
  assert.ok(other.challenge('Digest realm="r", nonce="3"'));
  assert.ok(!new HttpAuth(null).challenge('Basic realm="r"'));
  assert.ok(!new HttpAuth(credentials).challenge('Negotiate'));
  assert.ok(!new HttpAuth(credentials).challenge('Digest realm="r", nonce="1", algorithm=SHA-512-256'));
});

test('a server that calls every nonce stale does not keep us busy', () => {
  const auth = new HttpAuth(credentials);
  let tries = 0;
  while (auth.challenge(`Digest realm="r", nonce="${tries}", stale=true`)) tries++;
  assert.ok(tries <= 3, `${tries} tries`);
});
