// The box that Perch ships in: what the container may do, and what the examples promise.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

test('the container: no root, nothing to write but data and /tmp, no rights, healthy or not', () => {
  const compose = read('docker-compose.yml');
  for (const line of [/^ {2}read_only: true$/m, /^ {2}cap_drop:\n {4}- ALL$/m, /^ {4}- no-new-privileges:true$/m])
    assert.match(compose, line);
  assert.doesNotMatch(compose, /privileged|cap_add|docker\.sock|user: *["']?(root|0)\b/);
  // Each service takes the block in which that stands.
  const services = compose.slice(compose.indexOf('\nservices:')).match(/^ {2}[\w-]+:$/gm) ?? [];
  assert.ok(services.length >= 2);
  assert.equal(
    compose.match(/<<: \*perch$/gm)?.length,
    services.filter((name) => name.trim() !== 'perch-data:').length,
  );

  // `off` is no port: compose would refuse the whole file, for the service on the host's network too.
  assert.doesNotMatch(compose, /^ *- "?\$\{PERCH_(RTSP|WEBRTC)_PORT/m);
  assert.match(compose, /^ *- "(\$\{PERCH_BRIDGE_WEBRTC_PORT:-8555\}):\1\/udp"$/m);

  const dockerfile = read('Dockerfile');
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  assert.match(last, /^USER 10001(:10001)?$/m);
  assert.match(last, /^HEALTHCHECK .*CMD/m);
  assert.ok(last.lastIndexOf('\nUSER ') > last.lastIndexOf('\nRUN '), 'nothing runs as root after it');
  assert.doesNotMatch(last, /\b(npm ci|curl|wget|git)\b/, 'no tools to build or fetch with in what runs');
  assert.doesNotMatch(dockerfile, /PASSWORD|SECRET|TOKEN/);
});

test('the example with cameras on a network without Internet', () => {
  const compose = read('docs/docker-compose.isolated.yml');
  assert.match(compose, /^ {2}cameras:\n(?: {4}.*\n)*? {4}internal: true$/m);
  for (const line of [/read_only: true/, /cap_drop:\n {6}- ALL/, /no-new-privileges:true/]) assert.match(compose, line);
});
