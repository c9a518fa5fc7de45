import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAllowedHost } from './hosts.ts';
import { isForeignPage } from './origins.ts';

test('hosts that are ours', () => {
  const allowed = ['nvr.example.com'];
  for (const host of [
    'localhost',
    'localhost:3000',
    'perch',
    '127.0.0.1:3000',
    '192.168.1.5',
    '[::1]:3000',
    '[fe80::1]:3000',
    'perch.local',
    'PERCH.LAN:80',
    'nvr.home.arpa',
    'perch.lan.',
    'nvr.example.com',
    'NVR.example.com:8443',
  ]) {
    assert.equal(isAllowedHost(host, allowed), true, host);
  }
});

test('hosts that are not', () => {
  for (const host of [
    'evil.com',
    'evil.com:3000',
    'perch.lan.evil.com',
    'lan.evil',
    '127.0.0.1.evil.com',
    '127.0.0.1.nip.io',
    'nvr.example.com.evil.com',
    'evilnvr.example.com',
    '',
    '.',
    '.lan.',
    'a b',
    'user@perch',
    'perch/..',
    '[::1',
    '[evil.com]',
    'perch:port',
    'evil.com:80:80',
  ]) {
    assert.equal(isAllowedHost(host, ['nvr.example.com']), false, host);
  }
});

test('pages of other origins', () => {
  const hosts = ['perch.lan:3000'];
  const foreign = (origin?: string, secFetchSite?: string, names = hosts) =>
    isForeignPage({ origin, secFetchSite }, names);
  assert.equal(foreign(), false, 'programs send neither');
  assert.equal(foreign('http://perch.lan:3000'), false);
  assert.equal(foreign('http://PERCH.lan:3000'), false);
  assert.equal(foreign('http://perch.lan'), true, 'another port is another origin');
  assert.equal(foreign('http://perch.lan:3001'), true);
  assert.equal(foreign('http://evil.com'), true);
  assert.equal(foreign('null'), true);
  assert.equal(foreign('garbage'), true);
  assert.equal(foreign('file:///x'), true);
  assert.equal(foreign('https://nvr.example.com', undefined, ['nvr.example.com']), false);
  assert.equal(foreign('https://nvr.example.com', undefined, ['nvr.example.com:443']), false);
  assert.equal(foreign('http://10.0.0.1', undefined, ['10.0.0.1:80']), false);
  assert.equal(foreign('http://[::1]:3000', undefined, ['[::1]:3000']), false);
  assert.equal(foreign('http://other', 'same-origin'), false, 'a proxy renamed us; the browser knows better');
  assert.equal(foreign(undefined, 'none'), false);
  assert.equal(foreign(undefined, 'same-site'), true);
  assert.equal(foreign('http://perch.lan:3000', 'cross-site'), true);
});
