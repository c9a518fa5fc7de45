import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPrivateIpv4, isUnicastIpv4 } from './ipv4.ts';

test('private addresses', () => {
  for (const yes of ['10.0.0.1', '127.0.0.5', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.0.9']) {
    assert.equal(isPrivateIpv4(yes), true, yes);
  }
  for (const no of ['8.8.8.8', '172.15.0.1', '172.32.0.1', '192.169.0.1', '', 'camera', '::1', '10.0.0']) {
    assert.equal(isPrivateIpv4(no), false, no);
  }
});

test('unicast addresses', () => {
  for (const yes of ['1.1.1.1', '192.168.1.1', '223.255.255.255']) assert.equal(isUnicastIpv4(yes), true, yes);
  for (const no of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '240.0.0.1', 'x']) {
    assert.equal(isUnicastIpv4(no), false, no);
  }
});
