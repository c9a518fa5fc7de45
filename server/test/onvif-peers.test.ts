// ONVIF with software that is not ours: the client of the `onvif` package against our simulated device, true multicast in
// a network namespace, and our client against a real server (tools/onvif-peer) where one was built.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import onvif from 'onvif';
import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import { OnvifSimulator, type SimulatedProfile } from '../sim/onvif/simulator.ts';
import { freshHost } from './harness.ts';
import { noNamespace, runInNamespace } from './namespace.ts';

const profiles: readonly SimulatedProfile[] = [
  {
    ...{ token: 'p0', name: 'Main', codec: 'H264', width: 1920, height: 1080, frameRate: 25, bitRate: 4096 },
    ...{ url: 'rtsp://127.0.0.1:554/main?a=1&b=2', snapshotUrl: 'http://127.0.0.1/snap.jpg' },
  },
  {
    ...{ token: 'p1', name: 'Sub', codec: 'H264', width: 640, height: 360, frameRate: 15, bitRate: 512 },
    url: 'rtsp://127.0.0.1:554/sub',
  },
];

type TheirCamera = {
  profiles: readonly { name: string; videoEncoderConfiguration: { resolution: { width: number } } }[];
  getStreamUri(options: object, done: (error: Error | null, answer: { uri: string }) => void): void;
  getDeviceInformation(done: (error: Error | null, answer: { model: string }) => void): void;
};

function connect(sim: OnvifSimulator, password: string): Promise<TheirCamera> {
  const { hostname, port, pathname: path } = new URL(sim.url);
  return new Promise((resolve, reject) => {
    const camera = new onvif.Cam(
      { hostname, port: Number(port), path, username: 'admin', password },
      (error?: Error | null) => (error ? reject(error) : resolve(camera as unknown as TheirCamera)),
    );
  });
}

for (const auth of ['token', 'digest'] as const) {
  test(`the onvif package reads our simulated device (${auth})`, { timeout: 30_000 }, async () => {
    await using sim = await OnvifSimulator.start({
      ...{ net: systemNet, clock: systemClock, host: freshHost(), port: 0, profiles, auth, media: ['media'] },
      clockAheadMs: 5 * 3_600_000,
    });
    const camera = await connect(sim, 'secret');
    assert.deepEqual(
      camera.profiles.map((each) => [each.name, each.videoEncoderConfiguration.resolution.width]),
      [
        ['Main', 1920],
        ['Sub', 640],
      ],
    );
    const { uri } = await new Promise<{ uri: string }>((resolve, reject) =>
      camera.getStreamUri({ protocol: 'RTSP', profileToken: 'p0' }, (error, answer) =>
        error ? reject(error) : resolve(answer),
      ),
    );
    assert.equal(uri, profiles[0]?.url);
    await assert.rejects(connect(sim, 'wrong'));
    assert.ok(sim.stats.refused > 0);
  });
}

test('true multicast: we find the device, the onvif package finds it; a real server tells its streams where one was built', {
  skip: noNamespace,
  timeout: 60_000,
}, (t) => {
  const binary = process.env.PERCH_ONVIF_PEER ?? '';
  const run = runInNamespace('onvif-network.ts', [binary]);
  assert.equal(run.status, 0, run.stderr);
  const { found, theirs, peer } = JSON.parse(run.stdout);
  const ours = { name: 'Front door SIM-1', address: '10.77.0.1', url: 'http://10.77.0.1:8000/onvif/device_service' };
  assert.deepEqual(found, [ours]);
  assert.deepEqual(theirs, ['10.77.0.1:8000/onvif/device_service']);
  if (!peer) return t.diagnostic('PERCH_ONVIF_PEER is not set: see tools/onvif-peer');
  assert.deepEqual(
    peer.devices.map(({ url }: { url: string }) => url),
    ['http://10.77.0.1:8080/onvif/device_service'],
  );
  const { offer, refusals } = peer;
  assert.deepEqual([offer.manufacturer, offer.model, offer.main, offer.sub], ['Peer', 'Rust & Co', 'main', 'sub']);
  assert.deepEqual(
    offer.profiles.map(({ url, codec, width, height, frameRate, bitRate }: Record<string, unknown>) => [
      url,
      codec,
      width,
      height,
      frameRate,
      bitRate,
    ]),
    [
      ['rtsp://10.77.0.1/main', 'h264', 1920, 1080, 25, 4_096_000],
      ['rtsp://10.77.0.1/sub', 'h264', 640, 360, 25, 512_000],
    ],
  );
  assert.match(refusals[0], /asks for a user name and a password$/);
  assert.match(refusals[1], /refuses the user name or password$/);
});
