// What a Dahua camera's owner sees when the way to it breaks, in the whole app, with time that passes as quickly as the
// machine can: the cloud away, the relay dead, the device without power. Each hole of the recording has its reason.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { keysUnderWay } from '../drivers/dahua-p2p/wire-auth.ts';
import { MemoryNet } from '../net/memory-net.ts';
import { DahuaSimulator } from '../sim/dahua-p2p/simulator.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { CLOUD, DEVICE, RECORDER, RTSP_PORT } from './dahua-world.ts';
import { type Nvr, startNvr } from './harness.ts';

const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';
const STEP_MS = 100;
const SHORT_MS = 15_000;

type Gap = { readonly start: string; readonly end: string; readonly reason: string };

/** Lets time pass until disposed; other programs get a moment at each step. */
function flowing(clock: ManualClock): AsyncDisposable {
  let isOver = false;
  const flow = async () => {
    while (!isOver) {
      await clock.advance(STEP_MS);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const ended = flow();
  return {
    [Symbol.asyncDispose]: () => {
      isOver = true;
      return ended;
    },
  };
}

const leftLive = async (nvr: Nvr, ref: string) => {
  const camera = nvr.app.fleet.get(ref);
  while (camera.status().state === 'live') {
    await nvr.app.bus.next('camera.status', (fact) => fact.camera === camera.id);
  }
};

test('cloud away, relay dead, device gone: the stream goes on or the gap says why', {
  skip,
  timeout: 120_000,
}, async () => {
  const clock = new ManualClock(undefined, () => (keysUnderWay.size > 0 ? Promise.all(keysUnderWay) : null));
  await using _time = flowing(clock);
  const net = new MemoryNet({ clock, faults: { delayMs: 5 } });
  net.setName('cloud.test', CLOUD);
  const device = net.host(DEVICE);
  const clip = await loadClip({ source: 'testsrc', width: 160, height: 120, fps: 5, seconds: 2 });
  await using _rtsp = await RtspSimulator.start({
    ...{ net: device, clock, host: DEVICE, port: RTSP_PORT, clip, path: '/cam/realmonitor' },
    ...{ auth: 'digest-md5-old', username: 'admin', password: 'secret' },
  });
  await using simulator = await DahuaSimulator.start({
    ...{ clock, net: net.host(CLOUD), host: CLOUD, deviceNet: device, deviceHost: DEVICE, port: 8800 },
    targets: new Map([[RTSP_PORT, { address: DEVICE, port: RTSP_PORT }]]),
  });
  await using nvr = await startNvr({ clock, net: net.host(RECORDER, '127.0.0.1') });
  const adding = nvr.ok<{ slug: string }>('POST', '/api/cameras', {
    ...{ name: 'Yard', driver: 'dahua-p2p' },
    settings: { ...simulator.settings, server: 'cloud.test', relay: 'always' },
    recording: { mode: 'continuous', segmentSeconds: 20 },
  });
  const { slug } = await adding;
  const live = () => nvr.state(slug, 'live');
  const lost = () => leftLive(nvr, slug);
  await live();
  await nvr.frames(slug, 20);
  const beganMs = clock.wallMs();

  simulator.faults.isCloudAway = true;
  await nvr.frames(slug, 100);
  assert.equal(nvr.app.fleet.get(slug).status().reconnects, 0, 'a living session does not need the cloud');

  simulator.faults.isRelayDead = true;
  const { knockAtMs } = simulator.stats;
  const knocked = knockAtMs.length;
  await lost();
  const awayMs = clock.monoMs();
  await clock.sleep(120_000);
  const knocks = knockAtMs.slice(knocked);
  assert.ok(knocks.length >= 2, 'it keeps trying');
  assert.ok(knocks.length <= 12, `${knocks.length} attempts in two minutes are a burst`);
  for (const [n, atMs] of knocks.entries()) assert.ok(n === 0 || atMs - knocks[n - 1]! >= 1000, 'one a second at most');
  assert.equal(nvr.app.fleet.get(slug).status().error?.code, 'timeout');
  simulator.faults.isRelayDead = false;
  simulator.faults.isCloudAway = false;
  await live();
  const backMs = clock.monoMs();
  await nvr.frames(slug, 30);

  await simulator.vanish();
  await lost();
  await clock.sleep(60_000);
  simulator.comeBack();
  await live();
  await nvr.frames(slug, 30);

  const span = `from=${new Date(beganMs).toISOString()}&to=${new Date(clock.wallMs()).toISOString()}`;
  const reading = nvr.ok<{ gaps: Gap[] }>('GET', `/api/cameras/${slug}/timeline?${span}`);
  const { gaps } = await reading;
  const lengths = gaps.map(({ start, end }) => Date.parse(end) - Date.parse(start));
  assert.ok(
    gaps.every(({ reason }) => reason === 'offline'),
    JSON.stringify(gaps),
  );
  // Short ones are ffmpeg's: time flies here while it starts.
  const outages = lengths.filter((ms) => ms > SHORT_MS);
  assert.equal(outages.length, 2, JSON.stringify(gaps));
  assert.ok(outages[0]! >= backMs - awayMs && outages[1]! >= 60_000, `${outages}`);

  // The first agent could not be given back: nobody heard it.
  const lostAgents = simulator.agents - 1;
  assert.ok(lostAgents <= 1);
  await nvr.ok('PATCH', `/api/cameras/${slug}`, { enabled: false });
  await clock.sleep(3000);
  assert.deepEqual([simulator.realms, simulator.agents], [0, lostAgents], 'disabling says goodbye');
  await nvr.ok('PATCH', `/api/cameras/${slug}`, { enabled: true });
  await live();
  await nvr.stopApp();
  await clock.sleep(3000);
  assert.deepEqual([simulator.realms, simulator.agents], [0, lostAgents], 'the end of the process says goodbye');
});
