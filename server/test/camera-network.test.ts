// What the operating system says of an address becomes a sentence, and certificates are checked where they can be.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { noNamespace, runInNamespace } from './namespace.ts';

const skip =
  noNamespace || (spawnSync('openssl', ['version']).error === undefined ? false : 'openssl is not installed');

test('unreachable hosts and networks, refused ports; a certificate that nobody signed is trusted in private networks only', {
  skip,
  timeout: 60_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'perch-tls-'));
  try {
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=camera', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
    ]);
    assert.equal(made.status, 0, String(made.stderr));
    const run = runInNamespace(
      'camera-network.ts',
      [folder],
      'ip addr add 203.0.113.5/32 dev lo && ip route add unreachable 10.88.0.0/24',
    );
    assert.equal(run.status, 0, run.stderr);
    const { privateTls, publicTls, ...errors } = JSON.parse(run.stdout);
    assert.equal(privateTls, null);
    assert.equal(publicTls.code, 'unavailable');
    assert.match(publicTls.message, /^No secure connection to 203\.0\.113\.5:\d+: its certificate cannot be trusted$/);
    assert.deepEqual(errors, {
      noHost: {
        code: 'unavailable',
        message: '10.88.0.9:554 cannot be reached: the device is off, or on another network',
      },
      noNetwork: {
        code: 'unavailable',
        message: '198.51.100.7:554 cannot be reached: there is no route to its network',
      },
      refused: {
        code: 'unavailable',
        message: '10.77.0.1:9 refused the connection: nothing answers on that port',
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
