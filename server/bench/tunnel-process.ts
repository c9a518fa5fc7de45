// The driver's tunnel in a process of its own, so that its processor time can be read.

import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import { readSettings } from '../drivers/dahua-p2p/settings.ts';
import { Tunnels } from '../drivers/dahua-p2p/tunnels.ts';
import { systemNet } from '../net/system-net.ts';
import { answer } from './child.ts';
import type { TunnelDevice } from './tunnel-device-process.ts';

const tunnels = new Tunnels();
let lease: Awaited<ReturnType<Tunnels['acquire']>> | null = null;

answer({
  async start({ settings, relay }: { settings: TunnelDevice['settings']; relay: 'always' | 'never' }) {
    const context = {
      ...{ clock: systemClock, net: systemNet, log: silentLogger, step: () => {} },
      signal: new AbortController().signal,
    };
    lease = await tunnels.acquire(readSettings({ ...settings, relay }), context, null);
    return lease.tunnel.endpoint.port;
  },
  counts: () => lease?.tunnel.counts,
  async stop() {
    await lease?.release();
  },
});
