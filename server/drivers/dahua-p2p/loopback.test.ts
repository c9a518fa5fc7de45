// The whole way on real sockets: simulated RTSP camera, device, cloud and relay on loopback; the driver's frames are compared
// with the source, and ffprobe reads through the same tunnel. Also eight readers at once, one of which stopped.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { sessionTime, systemClock } from '../../core/clock.ts';
import type { VideoFrame } from '../../core/frame.ts';
import { silentLogger } from '../../core/logger.ts';
import { seededRandom } from '../../core/random.ts';
import { type Faults, noFaults } from '../../net/datagram-faults.ts';
import { systemNet } from '../../net/system-net.ts';
import { withFaults } from '../../sim/dahua-p2p/faulty-net.ts';
import type { DahuaSimulatorOptions } from '../../sim/dahua-p2p/options.ts';
import { DahuaSimulator } from '../../sim/dahua-p2p/simulator.ts';
import { type Clip, loadClip } from '../../sim/rtsp/clip.ts';
import { RtspSimulator } from '../../sim/rtsp/simulator.ts';
import type { CameraSession } from '../driver.ts';
import { createDahuaDriver } from './index.ts';
import { readSettings } from './settings.ts';
import { Tunnels } from './tunnels.ts';

const run = promisify(execFile);
const HOST = '127.0.0.1';
const SALT = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const clipOnce = loadClip({ source: 'testsrc', width: 320, height: 240, fps: 25, seconds: 4 });

async function startWorld(faults: Partial<Faults> = {}, options: Partial<DahuaSimulatorOptions> = {}) {
  const parts = new AsyncDisposableStack();
  const clip = await clipOnce;
  const rtsp = parts.use(
    await RtspSimulator.start({
      ...{ net: systemNet, clock: systemClock, host: HOST, port: 0, clip, path: '/cam/realmonitor' },
      ...{ auth: 'digest-md5-old', username: 'admin', password: 'secret' },
    }),
  );
  const simulator = parts.use(
    await DahuaSimulator.start({
      ...{ clock: systemClock, net: systemNet, host: HOST, randSalt: SALT },
      deviceNet: withFaults(systemNet, systemClock, { ...noFaults, ...faults }, seededRandom(4)),
      targets: new Map([[554, { address: HOST, port: rtsp.port }]]),
      ...options,
    }),
  );
  const abort = new AbortController();
  const context = {
    ...{ clock: systemClock, net: systemNet, log: silentLogger, signal: abort.signal },
    time: sessionTime(systemClock),
    memory: { load: () => null, save: () => {} },
  };
  return { rtsp, simulator, context, clip, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** The units of a frame without parameter sets, whatever stands in front of them. */
function isFromClip(clip: Clip, frame: VideoFrame): boolean {
  const data = Buffer.from(frame.data);
  return clip.pictures.some(({ units }) => units.every((unit) => data.includes(Buffer.from(unit))));
}

async function take(session: CameraSession, count: number): Promise<VideoFrame[]> {
  const frames: VideoFrame[] = [];
  for await (const frame of session.frames()) {
    if (frame.kind === 'video' && frames.push(frame) >= count) break;
  }
  return frames;
}

for (const { relay, auth, loss } of [
  { relay: 'never', auth: 'none', loss: 0 },
  { relay: 'always', auth: 'none', loss: 0 },
  { relay: 'never', auth: 'required', loss: 0 },
  { relay: 'always', auth: 'required', loss: 0 },
  { relay: 'never', auth: 'none', loss: 0.01 },
  { relay: 'never', auth: 'none', loss: 0.05 },
  { relay: 'always', auth: 'required', loss: 0.05 },
] as const) {
  test(`pictures equal to the source: relay ${relay}, auth ${auth}, loss ${loss * 100} %`, async () => {
    await using world = await startWorld({ loss }, { auth });
    const driver = createDahuaDriver();
    await using session = await driver.open({ ...world.simulator.settings, relay }, world.context);
    assert.equal(session.facts.path, relay === 'always' ? 'relay' : 'direct');
    assert.equal(session.facts.devicePassword, auth === 'required');
    const frames = await take(session, 40);
    assert.ok(frames.every((frame) => isFromClip(world.clip, frame)));
    assert.equal(frames[0]!.codec, 'h264');
    assert.equal(session.counters().framesDropped, 0);
  });
}

/** What ffmpeg finds in a stream: codec, width and a hash of each of its first packets. */
async function packetHashes(url: string, count: number): Promise<string[]> {
  const input = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', url, '-map', '0:v:0', '-frames:v', String(count)];
  const { stdout } = await run('ffmpeg', [...input, '-c', 'copy', '-f', 'framehash', '-hash', 'md5', '-']);
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)!.trim());
}

test('ffmpeg reads the same packets through the tunnel as beside it: direct and relayed, type 0 and 1, loss', async () => {
  const ways = [
    { relay: 'never', auth: 'none', loss: 0 },
    { relay: 'always', auth: 'required', loss: 0.01 },
    { relay: 'never', auth: 'required', loss: 0.05 },
  ] as const;
  await Promise.all(
    ways.map(async ({ relay, auth, loss }) => {
      await using world = await startWorld({ loss }, { auth });
      const lease = await new Tunnels().acquire(
        readSettings({ ...world.simulator.settings, relay }),
        world.context,
        null,
      );
      const { address, port } = lease.tunnel.endpoint;
      const path = 'cam/realmonitor?channel=1&subtype=0';
      const [through, beside] = await Promise.all([
        packetHashes(`rtsp://admin:secret@${address}:${port}/${path}`, 30),
        packetHashes(`rtsp://admin:secret@${HOST}:${world.rtsp.port}/${path}`, 105),
      ]).finally(() => lease.release());
      assert.equal(through.length, 30);
      const source = new Set(beside);
      assert.ok(
        through.every((hash) => source.has(hash)),
        `relay ${relay}, loss ${loss}`,
      );
    }),
  );
});

test('eight cameras of one device: one login, one session', async () => {
  await using world = await startWorld();
  const driver = createDahuaDriver();
  const sessions = await Promise.all(
    Array.from({ length: 8 }, (_, n) => driver.open({ ...world.simulator.settings, channel: n + 1 }, world.context)),
  );
  assert.equal(world.simulator.stats.attemptAtMs.length, 1, 'one login for all');
  const taken = await Promise.all(sessions.map((session) => take(session, 50)));
  assert.equal(world.rtsp.stats.mostPlaying, 8);
  for (const frames of taken) assert.equal(frames.length, 50);
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
  assert.equal(world.simulator.realms, 0);
});

test('a reader that stops loses its own connection only, and is not buffered for ever', async () => {
  let isOver = false;
  const flood = await systemNet.streams.listen({ address: HOST, port: 0 }, (stream) => {
    stream.onBytes((bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      if (text.startsWith('OPTIONS')) stream.write('RTSP/1.0 200 OK\r\n\r\n');
      if (!text.startsWith('GO')) return;
      let isEnded = false;
      stream.onEnd(() => {
        isEnded = true;
      });
      const chunk = new Uint8Array(32_768).fill(7);
      const more = () => {
        if (isEnded || isOver) return;
        if (stream.queuedBytes < 65_536) stream.write(chunk);
        systemClock.after(2, more);
      };
      more();
    });
    stream.onEnd(() => {});
  });
  await using world = await startWorld({}, { targets: new Map([[554, flood.local]]), window: 'constant' });
  const tunnels = new Tunnels();
  const lease = await tunnels.acquire(readSettings(world.simulator.settings), world.context, null);
  const received = [0, 0, 0];
  const ended: number[] = [];
  const enough = Promise.withResolvers<void>();
  const streams = await Promise.all(
    received.map(async (_, n) => {
      const stream = await systemNet.streams.connect({ ...lease.tunnel.endpoint });
      stream.onEnd(() => ended.push(n));
      stream.onBytes((bytes) => {
        received[n]! += bytes.length;
        if (n === 0) stream.pause();
        if (lease.tunnel.overflows === 1 && received[1]! > 12e6 && received[2]! > 12e6) enough.resolve();
      });
      stream.write('GO');
      return stream;
    }),
  );
  await enough.promise;
  assert.equal(lease.tunnel.overflows, 1);
  assert.deepEqual(
    ended.filter((n) => n > 0),
    [],
  );
  await Promise.all(streams.map((stream) => stream.close()));
  await lease.release();
  isOver = true;
  await flood.close();
});
