// A Dahua device by serial number in the whole app: tested before saving, added, recorded, a second channel over the same
// tunnel, and a goodbye when it is deleted. Everything on loopback.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import { DahuaSimulator } from '../sim/dahua-p2p/simulator.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { freshHost, startNvr } from './harness.ts';

const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';

test('a device by serial number: tested, added, recorded, shared, left', { skip, timeout: 90_000 }, async () => {
  const host = freshHost();
  const world = { net: systemNet, clock: systemClock, host };
  const clip = await loadClip({ source: 'testsrc', width: 320, height: 240, fps: 20, seconds: 2 });
  await using rtsp = await RtspSimulator.start({
    ...{ ...world, port: 0, clip, path: '/cam/realmonitor' },
    ...{ auth: 'digest-md5-old', username: 'admin', password: 'secret' },
  });
  await using simulator = await DahuaSimulator.start({
    ...{ ...world, auth: 'required', randSalt: 'a1b2c3d4e5f60718' },
    targets: new Map([[554, { address: host, port: rtsp.port }]]),
  });
  await using nvr = await startNvr({ config: { dahuaExpose: { address: '127.0.0.1', port: null } } });
  const settings = { ...simulator.settings, relay: 'always' };

  const wrong = await nvr.ok('POST', '/api/cameras/test', {
    driver: 'dahua-p2p',
    settings: { ...settings, password: 'wrong' },
  });
  assert.deepEqual([wrong.ok, (wrong.error as { code: string }).code], [false, 'refused']);
  const tested = await nvr.ok('POST', '/api/cameras/test', { driver: 'dahua-p2p', settings });
  assert.deepEqual([tested.ok, tested.codec, tested.width], [true, 'h264', 320]);

  type Added = { readonly id: string; readonly slug: string; readonly settings: Record<string, unknown> };
  const add = (name: string, channel: number) =>
    nvr.ok<Added>('POST', '/api/cameras', {
      ...{ name, driver: 'dahua-p2p', settings: { ...settings, channel } },
      recording: { mode: 'continuous', segmentSeconds: 2 },
    });
  const yard = await add('Yard', 1);
  assert.equal(yard.settings.password, '********');
  await nvr.state(yard.slug, 'live');
  const before = simulator.stats.attemptAtMs.length;
  const { facts } = await nvr.ok<{ facts: { tunnelUrl: string } }>('GET', `/api/cameras/${yard.slug}`);
  const url = new URL(facts.tunnelUrl);
  assert.equal(`${url.pathname}${url.search}`, '/cam/realmonitor?channel=1&subtype=0');
  const guest = await systemNet.streams.connect({ address: url.hostname, port: Number(url.port) });
  const answered = new Promise<string>((resolve) => guest.onBytes((bytes) => resolve(Buffer.from(bytes).toString())));
  guest.write('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
  assert.match(await answered, /^RTSP\/1\.0 /, 'other tools reach the device through the published port');
  await guest.close();
  const gate = await add('Gate', 2);
  await nvr.state(gate.slug, 'live');
  assert.equal(simulator.stats.attemptAtMs.length, before, 'the second channel uses the same tunnel');
  await nvr.ok('PATCH', `/api/cameras/${yard.slug}`, {
    subSource: { driver: 'dahua-p2p', settings: { ...yard.settings, subtype: 1 } },
  });
  const camera = nvr.app.fleet.get(yard.slug);
  const hold = camera.sub.hold();
  while (!camera.sub.connection?.shown) await nvr.app.bus.next('camera.status', (fact) => fact.camera === camera.id);
  assert.equal(simulator.stats.attemptAtMs.length, before, 'and so does the sub stream');
  assert.equal(rtsp.stats.playing, 3);
  hold[Symbol.dispose]();
  await nvr.app.bus.next('segment.closed', (fact) => fact.slug === yard.slug);

  await nvr.ok('DELETE', `/api/cameras/${yard.slug}`);
  assert.equal(simulator.agents, 1, 'the other channel still needs it');
  await nvr.ok('DELETE', `/api/cameras/${gate.slug}`);
  assert.equal(simulator.agents, 0, 'the agent is given back');
  assert.equal(simulator.realms, 0);
});
