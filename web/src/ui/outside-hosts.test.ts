import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outsideHosts } from './outside-hosts.ts';

const outside = { hosts: ['cloud.example:8800'], setting: 'server' };

test('the hosts that will be asked', () => {
  assert.deepEqual(outsideHosts(null, { server: 'x' }), []);
  assert.deepEqual(outsideHosts(outside, {}), ['cloud.example']);
  assert.deepEqual(outsideHosts(outside, { server: ' ' }), ['cloud.example']);
  assert.deepEqual(outsideHosts(outside, { server: 'mine.lan:9000' }), ['mine.lan']);
  const advanced = { profiles: [{ server: 'a.example' }, { server: 'b.example:1' }, { server: 'a.example:2' }] };
  assert.deepEqual(outsideHosts(outside, { advanced }), ['a.example', 'b.example']);
  assert.deepEqual(outsideHosts(outside, { advanced, server: 'mine.lan' }), ['mine.lan'], 'as the driver has it');
});
