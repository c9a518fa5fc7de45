// Searching and asking simulated ONVIF devices, in memory: what is offered, and where nothing is sent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../core/logger.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import { MemoryNet } from '../../net/memory-net.ts';
import { OnvifSimulator, type OnvifSimulatorOptions, type SimulatedProfile } from '../../sim/onvif/simulator.ts';
import type { DiscoveryContext } from '../driver.ts';
import { askDevice } from './ask.ts';
import { ASK_TIMEOUT_MS, MAX_ANSWER_BYTES, MAX_DEVICES } from './limits.ts';
import { type FoundDevice, searchDevices } from './search.ts';
import { DISCOVERY_PORT, encodeProbeMatch } from './wire.ts';

const CAMERA = '10.0.0.2';
const main: SimulatedProfile = {
  ...{ token: 'p0', name: 'MainStream', codec: 'H264', width: 1920, height: 1080, frameRate: 25, bitRate: 4096 },
  ...{ url: `rtsp://${CAMERA}:554/main?a=1&b=2`, snapshotUrl: `http://${CAMERA}/snap.jpg` },
};
const sub: SimulatedProfile = {
  ...{ token: 'p1', name: 'SubStream', codec: 'H264', width: 640, height: 360, frameRate: 15, bitRate: 512 },
  url: `rtsp://${CAMERA}:554/sub`,
};
const RIGHT = { username: 'admin', password: 'secret' };

async function world(...cameras: readonly Partial<OnvifSimulatorOptions>[]) {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const recorder = net.host('10.0.0.1');
  const sims: OnvifSimulator[] = [];
  for (const options of cameras) {
    const host = options.host ?? CAMERA;
    const common = { clock, host, net: net.host(host), port: 80, discoveryPort: DISCOVERY_PORT, profiles: [main, sub] };
    sims.push(await OnvifSimulator.start({ ...common, ...options }));
  }
  const abort = new AbortController();
  const until = async <T>(work: Promise<T>): Promise<T> => {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    work.then(settled, settled);
    for (let turn = 0; !isSettled && turn < 5000; turn++) await clock.advance(10);
    return work;
  };
  const ask = (credentials: typeof RIGHT | null = RIGHT, url = sims[0]!.url) =>
    until(askDevice({ url, credentials }, { net: recorder, clock, signal: abort.signal }));
  const search = (targets: readonly string[] = []) => {
    const context: DiscoveryContext = { clock, net: recorder, log: silentLogger, signal: abort.signal, targets };
    const work = async () => {
      const found: FoundDevice[] = [];
      for await (const device of searchDevices(context)) found.push(device);
      return found;
    };
    return until(work());
  };
  return { clock, net, sims, sim: sims[0]!, ask, search };
}

const fails = (work: Promise<unknown>, code: string, text: RegExp) =>
  assert.rejects(work, (error) => {
    assert.ok(isNvrError(error), String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  });

test('a search finds each device once, by its own name, at the address that answered', async () => {
  const { search, clock } = await world(
    { name: 'Front door', hardware: 'X-1' },
    { host: '10.0.0.3', name: 'ACME X-2', hardware: 'X-2', faults: { namedHost: '192.168.99.99' } },
  );
  assert.deepEqual(
    (await search()).toSorted((a, b) => a.address.localeCompare(b.address)),
    [
      { name: 'Front door X-1', address: '10.0.0.2', url: 'http://10.0.0.2/onvif/device_service' },
      { name: 'ACME X-2', address: '10.0.0.3', url: 'http://10.0.0.3/onvif/device_service' },
    ],
  );
  assert.equal(clock.timers, 0);
});

test('targets are asked alone; answers of others, and answers to nobody, do not count', async () => {
  const { search, sims, net, sim } = await world({ discoveryPort: 3999 }, { host: '10.0.0.3' });
  const liar = await net.host('10.0.0.66').openUdp({ port: 5000 });
  let probes = 0;
  const match = { endpoint: 'urn:uuid:1', addresses: [sim.url], scopes: new Map() };
  sim.faults = {
    match: (id, from) => {
      probes++;
      liar.send(encodeProbeMatch(id, 'x', match), from);
      return encodeProbeMatch('urn:uuid:00000000-0000-0000-0000-000000000000', 'x', match);
    },
  };
  assert.deepEqual(await search([`${CAMERA}:3999`, 'no.such.name', `${CAMERA}:0`, '']), []);
  assert.ok(probes > 0);
  assert.equal(sims[1]!.stats.probes, 0);
  await liar.close();
});

test('names are hostile, and a flood of devices is cut off', async () => {
  const evil = 'A\u0007\u202e<img src=x onerror=alert(1)>\n'.repeat(50);
  const { search, sim } = await world({ name: evil });
  const [device] = await search();
  assert.ok(device && device.name.length <= 100 && !/[\p{Cc}\p{Cf}]/u.test(device.name), device?.name);
  let n = 0;
  sim.faults = {
    match: (id) =>
      Buffer.from(
        Buffer.from(encodeProbeMatch(id, 'x', { endpoint: 'e', addresses: [sim.url], scopes: new Map() }))
          .toString()
          .replace(/<wsdd:ProbeMatch>.*<\/wsdd:ProbeMatch>/, (match) =>
            Array.from({ length: 50 }, () =>
              match.replace('>e<', `>urn:${++n}<`).replace('device_service', String(n)),
            ).join(''),
          ),
      ),
  };
  assert.ok((await search()).length <= MAX_DEVICES);
});

test('main and sub stream, with a digest of the password in the device’s time', async () => {
  const { ask, sim } = await world({ clockAheadMs: 40 * 24 * 3_600_000 });
  const offer = await ask();
  assert.deepEqual([offer.manufacturer, offer.model, offer.main, offer.sub], ['Perch', 'SIM-1 & Co', 'p0', 'p1']);
  assert.deepEqual(offer.profiles[0], {
    ...{ token: 'p0', name: 'MainStream', source: 'source0', codec: 'h264', width: 1920, height: 1080, frameRate: 25 },
    ...{
      bitRate: 4_096_000,
      url: `rtsp://${CAMERA}/main?a=1&b=2`,
      snapshotUrl: `http://${CAMERA}/snap.jpg`,
      moved: false,
    },
  });
  assert.equal(offer.profiles[1]!.snapshotUrl, null);
  assert.ok(sim.stats.heard.length > 5);
  assert.ok(!sim.stats.heard.some((text) => text.includes('secret')), 'never in clear');
  assert.equal(sim.stats.refused, 0, 'the right clock from the start');
});

test('HTTP Digest, old firmware without GetServices, H.265 by Media 2 alone, and the usual path', async () => {
  const h265 = { ...main, codec: 'H265' } as const;
  const { ask } = await world({ auth: 'digest', noServices: true });
  assert.equal((await ask(RIGHT, `http://${CAMERA}`)).main, 'p0');
  const modern = await world({ profiles: [h265, sub] });
  assert.deepEqual(
    (await modern.ask()).profiles.map(({ codec }) => codec),
    ['h265', 'h264'],
  );
  const old = await world({ profiles: [main, sub], media: ['media'], auth: 'none' });
  assert.equal((await old.ask(null)).sub, 'p1');
});

test('each refusal has a sentence', async () => {
  const wrong = { ...RIGHT, password: 'wrong-password' };
  for (const auth of ['token', 'digest'] as const) {
    const { ask } = await world({ auth });
    await fails(ask(wrong), 'refused', /refuses the user name or password$/);
    await fails(ask(null), 'refused', /asks for a user name and a password$/);
  }
  const { ask, sim } = await world({});
  sim.faults = { basicOnly: true };
  await fails(ask(), 'refused', /refuses/);
  assert.ok(!sim.stats.heard.some((text) => /Authorization: Basic/i.test(text)), 'no password in clear, whoever asks');
  sim.faults = { reply: { status: 200, type: 'text/html', body: '<html><body>Log in' } };
  await fails(ask(), 'protocol', /does not speak ONVIF/);
  sim.faults = { reply: { status: 302, body: '', location: 'http://10.0.0.1/steal' } };
  await fails(ask(), 'protocol', /not followed/);
  // As the onvif-server crate 0.1.1 says it, with status 500.
  const words = 'WS-Security header required but not provided';
  const body = `<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body><env:Fault><env:Code><env:Value>env:Sender</env:Value></env:Code><env:Reason><env:Text xml:lang="en">${words}</env:Text></env:Reason></env:Fault></env:Body></env:Envelope>`;
  sim.faults = { reply: { status: 500, body } };
  await fails(ask(null), 'refused', /asks for a user name/);
  sim.faults = { reply: { status: 200, body: `<a>${'x'.repeat(MAX_ANSWER_BYTES)}</a>` } };
  await fails(ask(), 'protocol', /more than 1048576 bytes/);
  sim.faults = { silent: true };
  await fails(ask(), 'timeout', /did not answer within 6 s/);
  sim.faults = {};
  await fails(ask(RIGHT, 'http://10.0.0.2:81'), 'unavailable', /10\.0\.0\.2:81/);
  await fails(ask(RIGHT, 'ftp://10.0.0.2'), 'bad_input', /must begin with http/);
  await fails(ask(RIGHT, 'http://169.254.169.254/'), 'bad_input', /cloud provider/);
  assert.ok(ASK_TIMEOUT_MS < 15_000);
});

test('addresses of a device lead to the device alone, whatever it names', async () => {
  const { ask, sim, net, clock } = await world({});
  const elsewhere = await OnvifSimulator.start({
    ...{ clock, host: '10.0.0.9', net: net.host('10.0.0.9'), port: 80, profiles: [main] },
  });
  sim.faults = { namedHost: '10.0.0.9' };
  const offer = await ask();
  assert.deepEqual(
    offer.profiles.map(({ url, moved }) => [url, moved]),
    [
      [`rtsp://${CAMERA}/main?a=1&b=2`, true],
      [`rtsp://${CAMERA}/sub`, true],
    ],
  );
  assert.deepEqual(elsewhere.stats.heard, [], 'the other host heard nothing');
  await elsewhere[Symbol.asyncDispose]();
});

test('stream addresses that are none, carry credentials, or name files are not offered as they are', async () => {
  const urls = [
    ['rtsp://u:p4ss@10.0.0.2/a', 'rtsp://10.0.0.2/a'],
    ['rtsp://[fe80::1]:8554/b', 'rtsp://10.0.0.2:8554/b'],
    ['rtsp://169.254.169.254/c', 'rtsp://10.0.0.2/c'],
    [
      'rtsp://10.0.0.2/user=admin&password=hidden&channel=1.sdp',
      'rtsp://10.0.0.2/user={username}&password={password}&channel=1.sdp',
    ],
    ['file:///etc/passwd', null],
    ['http://10.0.0.2/x', null],
    ['concat:rtsp://10.0.0.2/x', null],
    ['rtsp://10.0.0.2/a\r\nHost: evil', null],
    ['', null],
  ] as const;
  const profiles = urls.map(([url], n) => ({ ...main, token: `t${n}`, url }));
  const { ask } = await world({ profiles });
  const offer = await ask();
  assert.deepEqual(
    offer.profiles.map(({ url }) => url),
    urls.map(([, url]) => url).filter((url) => url !== null),
  );
  assert.ok(!JSON.stringify(offer).includes('p4ss') && !JSON.stringify(offer).includes('hidden'));
});
