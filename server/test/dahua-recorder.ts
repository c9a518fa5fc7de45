// A simulated Dahua recorder on loopback: cloud, device, and an RTSP server with several channels inside it.

import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import type { DahuaSimulatorOptions } from '../sim/dahua-p2p/options.ts';
import { DahuaSimulator } from '../sim/dahua-p2p/simulator.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { freshHost } from './harness.ts';

/** The parts of a recorder; `settings` reach it. */
export type DahuaRecorder = AsyncDisposable & {
  readonly cloud: DahuaSimulator;
  readonly rtsp: RtspSimulator;
  readonly settings: DahuaSimulator['settings'];
};

/** Starts one. `options`: of the cloud and the device's signalling. */
export async function startDahuaRecorder(
  channels: number,
  options: Partial<DahuaSimulatorOptions> = {},
): Promise<DahuaRecorder> {
  const host = freshHost();
  const world = { net: systemNet, clock: systemClock, host };
  const { username = 'admin', password = 'secret' } = options;
  const clip = await loadClip({ source: 'testsrc', width: 320, height: 240, fps: 10, seconds: 2 });
  const rtsp = await RtspSimulator.start({
    ...{ ...world, port: 0, clip, path: '/cam/realmonitor', channels },
    ...{ auth: 'digest-md5-old', username, password },
  });
  const cloud = await DahuaSimulator.start({
    ...{ ...world, auth: 'none', targets: new Map([[554, { address: host, port: rtsp.port }]]) },
    ...options,
  });
  return {
    ...{ cloud, rtsp, settings: cloud.settings },
    async [Symbol.asyncDispose]() {
      await cloud.stop();
      await rtsp[Symbol.asyncDispose]();
    },
  };
}
