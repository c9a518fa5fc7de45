// A Dahua cloud, a device with a TCP server of bytes inside, and a recorder, on a network in memory with time that stands
// still until told otherwise.

import { createHash } from 'node:crypto';
import type { DriverSettings } from '../core/camera-config.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { seededRandom } from '../core/random.ts';
import { readSettings } from '../drivers/dahua-p2p/settings.ts';
import { type TunnelLease, Tunnels } from '../drivers/dahua-p2p/tunnels.ts';
import { keysUnderWay } from '../drivers/dahua-p2p/wire-auth.ts';
import { MemoryNet, type MemoryNetOptions } from '../net/memory-net.ts';
import type { Endpoint, Net } from '../net/net.ts';
import type { ByteStream } from '../net/stream.ts';
import type { DahuaSimulatorOptions } from '../sim/dahua-p2p/options.ts';
import { DahuaSimulator } from '../sim/dahua-p2p/simulator.ts';

export const CLOUD = '203.0.113.10';
export const DEVICE = '198.51.100.7';
export const RECORDER = '10.0.0.9';
export const RTSP_PORT = 554;

/** The answer to `TAKE`: what follows is taken. */
export const TAKE_READY = 'READY\n';

const CHUNK_BYTES = 4000;
const CHUNK_MS = 8;

/** The bytes that a target sends for a seed. */
export function pattern(bytes: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length: bytes }, () => random() * 256));
}

export const hashOf = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

/** A TCP server in the device: answers OPTIONS, sends patterns (`SEND bytes seed`), hashes what comes (`TAKE bytes`). */
export function serveTarget(stream: ByteStream, clock: ManualClock): void {
  let taken: Uint8Array[] | null = null;
  let takeBytes = 0;
  let isPaused = false;
  stream.onBytes((bytes) => {
    if (taken) {
      taken.push(bytes);
      const whole = Buffer.concat(taken);
      if (whole.length >= takeBytes) stream.write(`${hashOf(whole)}\n`);
      return;
    }
    const [command, first, second] = Buffer.from(bytes).toString('latin1').split(/\s/);
    if (command === 'OPTIONS') stream.write('RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n');
    if (command === 'CLOSE') void stream.close();
    if (command === 'TAKE') {
      takeBytes = Number(first);
      taken = [];
      stream.write(TAKE_READY);
    }
    if (command !== 'SEND') return;
    const all = pattern(Number(first), Number(second));
    const send = (at: number) => {
      if (at >= all.length) return;
      if (!isPaused) stream.write(all.subarray(at, at + CHUNK_BYTES));
      clock.after(CHUNK_MS, () => send(at + CHUNK_BYTES));
    };
    send(0);
  });
  stream.onEnd(() => {
    isPaused = true;
  });
}

/** A local client of a tunnel. */
export class LocalClient {
  readonly stream: ByteStream;
  isEnded = false;
  readonly #chunks: Uint8Array[] = [];
  bytes = 0;

  constructor(stream: ByteStream) {
    this.stream = stream;
    stream.onBytes((bytes) => {
      this.#chunks.push(bytes);
      this.bytes += bytes.length;
    });
    stream.onEnd(() => {
      this.isEnded = true;
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** The world of one test. */
export class DahuaWorld {
  readonly clock: ManualClock;
  readonly net: MemoryNet;
  readonly simulator: DahuaSimulator;
  readonly tunnels: Tunnels;
  readonly abort = new AbortController();
  readonly #leases: TunnelLease[] = [];

  private constructor(clock: ManualClock, net: MemoryNet, simulator: DahuaSimulator, tunnels: Tunnels) {
    this.tunnels = tunnels;
    this.clock = clock;
    this.net = net;
    this.simulator = simulator;
  }

  static async start(
    options: Partial<DahuaSimulatorOptions> = {},
    netOptions: Omit<MemoryNetOptions, 'clock'> = {},
    tunnels = new Tunnels(),
  ): Promise<DahuaWorld> {
    const clock = new ManualClock(undefined, () => (keysUnderWay.size > 0 ? Promise.all(keysUnderWay) : null));
    const net = new MemoryNet({ clock, faults: { delayMs: 10 }, ...netOptions });
    const device = net.host(DEVICE);
    const target = await device.streams.listen({ address: DEVICE, port: RTSP_PORT }, (stream) =>
      serveTarget(stream, clock),
    );
    const simulator = await DahuaSimulator.start({
      ...{ clock, net: net.host(CLOUD), host: CLOUD, deviceNet: device, deviceHost: DEVICE },
      ...{ targets: new Map([[RTSP_PORT, target.local]]), port: 8800 },
      ...options,
    });
    net.setName('cloud.test', CLOUD);
    return new DahuaWorld(clock, net, simulator, tunnels);
  }

  get recorder(): Net {
    return this.net.host(RECORDER, '127.0.0.1');
  }

  context() {
    return { clock: this.clock, net: this.recorder, log: silentLogger, signal: this.abort.signal };
  }

  settings(changes: DriverSettings = {}) {
    const { password: _password, username: _username, ...settings } = this.simulator.settings;
    return readSettings({ ...settings, server: 'cloud.test', ...changes });
  }

  /** Opens a share of the tunnel while time passes. @throws NvrError */
  async open(changes: DriverSettings = {}): Promise<TunnelLease> {
    const opening = this.tunnels.acquire(this.settings(changes), this.context(), null);
    opening.catch(() => {});
    await this.pass(opening);
    this.#leases.push(await opening);
    return opening;
  }

  async connect({ tunnel }: TunnelLease, endpoint: Endpoint = tunnel.endpoint): Promise<LocalClient> {
    const connecting = this.recorder.streams.connect({ ...endpoint });
    await this.pass(connecting);
    return new LocalClient(await connecting);
  }

  /** Lets time pass until the promise settles, in small steps. */
  async pass(promise: Promise<unknown>, limitMs = 120_000): Promise<void> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled, limitMs);
  }

  async until(isTrue: () => boolean, limitMs = 60_000): Promise<void> {
    for (let ms = 0; !isTrue(); ms += 10) {
      if (ms > limitMs) throw new Error(`nothing happened in ${limitMs} ms`);
      await this.clock.advance(10);
    }
  }

  async stop(): Promise<void> {
    this.abort.abort();
    for (const { release } of this.#leases) void release();
    await this.clock.advance(3000);
    await this.simulator.stop();
  }
}
