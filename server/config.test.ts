// Environment to configuration: defaults, and one clear line for every bad value.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';
import { isNvrError } from './core/nvr-error.ts';

test('an empty environment gives the documented defaults', () => {
  assert.deepEqual(readConfig({}, '/srv'), {
    host: '0.0.0.0',
    port: 3000,
    dataDir: '/srv/data',
    admin: null,
    logLevel: 'info',
    trustProxy: false,
    allowedHosts: [],
    discoveryTargets: [],
    dahuaServer: null,
    dahuaExpose: null,
    mqttUrl: null,
    rtspPort: 8554,
    webrtcPort: 8555,
    frameAncestors: [],
    tls: null,
  });
});

test('lists, switches and off are read', () => {
  const config = readConfig({
    PERCH_ALLOWED_HOSTS: 'Cam.Example.org, nvr.example.org ',
    PERCH_DISCOVERY_TARGETS: '127.0.0.2,127.0.0.3:4000',
    PERCH_RTSP_PORT: 'off',
    PERCH_WEBRTC_PORT: '0',
    PERCH_TRUST_PROXY: '10.0.0.0/8, ::1',
    PERCH_ADMIN_USER: 'anna',
    PERCH_ADMIN_PASSWORD: 'correct horse',
  });
  assert.deepEqual(config.allowedHosts, ['cam.example.org', 'nvr.example.org']);
  assert.deepEqual(config.discoveryTargets, ['127.0.0.2', '127.0.0.3:4000']);
  assert.equal(config.rtspPort, null);
  assert.equal(config.webrtcPort, 0);
  assert.equal(config.trustProxy, '10.0.0.0/8, ::1');
  assert.deepEqual(config.admin, { username: 'anna', password: 'correct horse' });
});

test('where Dahua tunnels are published', () => {
  const read = (value: string) => readConfig({ PERCH_DAHUA_EXPOSE: value }).dahuaExpose;
  assert.equal(read('off'), null);
  assert.deepEqual(read('on'), { address: '127.0.0.1', port: null });
  assert.deepEqual(read('ON:15540'), { address: '127.0.0.1', port: 15_540 });
  assert.deepEqual(read('0.0.0.0:15540'), { address: '0.0.0.0', port: 15_540 });
  assert.deepEqual(read('192.168.1.5'), { address: '192.168.1.5', port: null });
});

const bad: [string, Record<string, string>][] = [
  ['PERCH_PORT', { PERCH_PORT: '70000' }],
  ['PERCH_PORT', { PERCH_PORT: 'http' }],
  ['PERCH_PORT', { PERCH_PORT: 'off' }],
  ['PERCH_HOST', { PERCH_HOST: 'a b' }],
  ['PERCH_LOG_LEVEL', { PERCH_LOG_LEVEL: 'loud' }],
  ['PERCH_TRUST_PROXY', { PERCH_TRUST_PROXY: 'maybe' }],
  ['PERCH_TRUST_PROXY', { PERCH_TRUST_PROXY: '999.1.1.1' }],
  ['PERCH_TRUST_PROXY', { PERCH_TRUST_PROXY: '10.0.0.0/33' }],
  ['PERCH_TRUST_PROXY', { PERCH_TRUST_PROXY: '10.0.0.1, face' }],
  ['PERCH_ALLOWED_HOSTS', { PERCH_ALLOWED_HOSTS: 'ok.org,http://x' }],
  ['PERCH_DISCOVERY_TARGETS', { PERCH_DISCOVERY_TARGETS: '127.0.0.1:x' }],
  ['PERCH_DISCOVERY_TARGETS', { PERCH_DISCOVERY_TARGETS: '127.0.0.1:99999' }],
  ['PERCH_DISCOVERY_TARGETS', { PERCH_DISCOVERY_TARGETS: '127.0.0.1:0' }],
  ['PERCH_DAHUA_SERVER', { PERCH_DAHUA_SERVER: 'p2p.example.org:70000' }],
  ['PERCH_ADMIN_PASSWORD', { PERCH_ADMIN_USER: 'anna' }],
  ['PERCH_ADMIN_PASSWORD', { PERCH_ADMIN_USER: 'anna', PERCH_ADMIN_PASSWORD: 'short' }],
  ['PERCH_ADMIN_USER', { PERCH_ADMIN_PASSWORD: 'long enough' }],
  ['PERCH_TLS_KEY', { PERCH_TLS_CERT: 'cert.pem' }],
  ['PERCH_MQTT_URL', { PERCH_MQTT_URL: 'http://broker' }],
  ['PERCH_DAHUA_EXPOSE', { PERCH_DAHUA_EXPOSE: 'perhaps' }],
  ['PERCH_DAHUA_EXPOSE', { PERCH_DAHUA_EXPOSE: 'off:1' }],
  ['PERCH_DAHUA_EXPOSE', { PERCH_DAHUA_EXPOSE: 'on:0' }],
  ['PERCH_DAHUA_EXPOSE', { PERCH_DAHUA_EXPOSE: '::1' }],
  ['PERCH_FRAME_ANCESTORS', { PERCH_FRAME_ANCESTORS: "http://a; script-src 'unsafe-inline'" }],
];

for (const [name, env] of bad) {
  test(`${JSON.stringify(env)} is refused by name, on one line`, () => {
    assert.throws(
      () => readConfig(env),
      (error) =>
        isNvrError(error, 'bad_input') && error.message.startsWith(`${name}=`) && !error.message.includes('\n'),
    );
  });
}

test('a password never stands in an error', () => {
  assert.throws(
    () => readConfig({ PERCH_ADMIN_USER: 'anna', PERCH_ADMIN_PASSWORD: 'hunter2' }),
    (error) => error instanceof Error && !error.message.includes('hunter2'),
  );
});
