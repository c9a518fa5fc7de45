// Hours of a tunnel in accelerated time: relay leases end every half hour, realms come and go, and nothing may grow. Used by
// a short test and by the soak.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DahuaWorld, hashOf, pattern } from './dahua-world.ts';

const LEASE_SECONDS = 1800;
const HOUR_MS = 3_600_000;
const REALMS = 4;
const BYTES = 20_000;
/** Cycles after which caches are full. */
const WARM_UP_CYCLES = 4;

/** What was seen. */
export type DahuaDay = {
  readonly reconnects: number;
  readonly mostTimers: number;
  /** Largest number of UDP sockets of the driver, and how many were left at the end. */
  readonly mostSockets: number;
  readonly socketsLeft: number;
  readonly realmsLeft: number;
  readonly timersLeft: number;
  /** Growth of the collected heap from the end of the warm-up, driver and simulator together. */
  readonly heapGrowthBytes: number;
  /** Streams that were not what the device sent. */
  readonly damaged: number;
};

/** A function that collects garbage; Node hides it unless asked. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

function heapBytes(collect: () => void): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed + process.memoryUsage().external;
}

/** Lives through so many hours. */
export async function liveDahuaHours(hours: number): Promise<DahuaDay> {
  const collect = collector();
  const world = await DahuaWorld.start({ leaseSeconds: LEASE_SECONDS, heartbeatMs: 60_000 });
  const sockets = { open: 0, most: 0 };
  const host = world.recorder;
  const openUdp = host.openUdp.bind(host);
  host.openUdp = async (options) => {
    const socket = await openUdp(options);
    sockets.most = Math.max(sockets.most, ++sockets.open);
    const close = socket.close.bind(socket);
    let isClosed = false;
    socket.close = () => {
      if (!isClosed) sockets.open--;
      isClosed = true;
      return close();
    };
    return socket;
  };
  const wanted = hashOf(pattern(BYTES, 3));
  let reconnects = 0;
  let mostTimers = 0;
  let damaged = 0;
  let heapAtWarm = 0;
  while (world.clock.monoMs() < hours * HOUR_MS) {
    const lease = await world.open({ relay: 'always' });
    for (let n = 0; n < REALMS; n++) {
      const client = await world.connect(lease);
      client.stream.write(`SEND ${BYTES} 3`);
      await world.until(() => client.bytes >= BYTES);
      if (hashOf(client.received) !== wanted) damaged++;
      if (n % 2 === 0) await client.stream.close();
    }
    while (lease.tunnel.isOpen) await world.clock.advance(30_000);
    mostTimers = Math.max(mostTimers, world.clock.timers);
    await world.pass(lease.release());
    reconnects++;
    if (reconnects === WARM_UP_CYCLES) heapAtWarm = heapBytes(collect);
  }
  const heapGrowthBytes = heapBytes(collect) - heapAtWarm;
  // The device notices by its own heartbeats that nobody is there any more.
  await world.clock.advance(180_000);
  const realmsLeft = world.simulator.realms;
  await world.stop();
  const left = { socketsLeft: sockets.open, realmsLeft, timersLeft: world.clock.timers };
  return { reconnects, mostTimers, mostSockets: sockets.most, ...left, heapGrowthBytes, damaged };
}
