// rtsps: over TLS, with a certificate that the camera signed itself; and the error where there is no TLS.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import { systemNet } from '../../net/system-net.ts';
import { RtspSimulator } from '../../sim/rtsp/simulator.ts';
import { driverContext, madeClip, takePictures } from '../../test/source-world.ts';
import { createRtspDriver } from './index.ts';

const skip = spawnSync('openssl', ['version']).error === undefined ? false : 'openssl is not installed';
const driver = createRtspDriver();
const world = { net: systemNet, clock: systemClock, host: '127.0.0.1', port: 0, clip: madeClip(50, 5) };

test('pictures over TLS; a clear camera under rtsps is told as such', { skip, timeout: 30_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perch-tls-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=camera', '-keyout', key, '-out', cert],
    ]);
    assert.equal(made.status, 0, String(made.stderr));
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
    await using sim = await RtspSimulator.start({ ...world, tls, auth: 'basic' });
    const settings = { url: sim.url, username: 'admin', password: 'secret' };
    assert.match(sim.url, /^rtsps:/);
    await using session = await driver.open(settings, driverContext(systemClock, systemNet));
    assert.equal((await takePictures(session, 10)).length, 10);
    await using clear = await RtspSimulator.start(world);
    await assert.rejects(
      driver.open({ url: clear.url.replace('rtsp:', 'rtsps:') }, driverContext(systemClock, systemNet)),
      (error: unknown) => isNvrError(error) && ['unavailable', 'timeout'].includes(error.code),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
