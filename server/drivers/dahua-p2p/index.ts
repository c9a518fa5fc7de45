// The driver of Dahua devices by serial number: a tunnel (tunnels.ts), and the rtsp driver's session through it. See README.md.

import type { DriverSettings } from '../../core/camera-config.ts';
import type { Frame } from '../../core/frame.ts';
import type { CameraDriver, CameraSession, DriverContext, SessionCounters } from '../driver.ts';
import { openRtsp } from '../rtsp/open-rtsp.ts';
import { findChannels } from './channels.ts';
import { DEFAULT_SERVER, DEVICE_LOOPBACK } from './dialect.ts';
import type { ExposeOptions } from './expose.ts';
import { readMemory } from './memory.ts';
import { scrubPtcp } from './scrub.ts';
import { type DahuaSettings, hiddenPart, maskSerial, readSettings, settingsSchema } from './settings.ts';
import { type TunnelLease, Tunnels } from './tunnels.ts';
import { dahuaSteps } from './way.ts';

/** Options of {@link createDahuaDriver}. */
export type DahuaDriverOptions = {
  /** Main server instead of the public one (PERCH_DAHUA_SERVER), as `host:port`. */
  readonly server?: string | null;
  /** Where other RTSP tools may use the tunnels (PERCH_DAHUA_EXPOSE). */
  readonly expose?: ExposeOptions | null;
};

const ANY_ADDRESS = '0.0.0.0';

/** An RTSP session that travels through a shared tunnel. */
class DahuaSession implements CameraSession {
  readonly #rtsp: CameraSession;
  readonly #lease: TunnelLease;
  readonly #path: string;

  constructor(rtsp: CameraSession, lease: TunnelLease, path: string) {
    this.#rtsp = rtsp;
    this.#lease = lease;
    this.#path = path;
  }

  get facts() {
    const { exposed, facts } = this.#lease.tunnel;
    const host = exposed?.address === ANY_ADDRESS ? 'HOST' : exposed?.address;
    const tunnelUrl = exposed && `rtsp://${host}:${exposed.port}${this.#path}`;
    return { ...this.#rtsp.facts, ...facts, ...(tunnelUrl !== null && { tunnelUrl }) };
  }

  counters(): SessionCounters {
    const { framesDropped, details } = this.#rtsp.counters();
    return { framesDropped, details: { ...details, ...this.#lease.tunnel.counts } };
  }

  async *frames(): AsyncIterable<Frame> {
    try {
      yield* this.#rtsp.frames();
    } catch (error) {
      // The RTSP connection only broke because the tunnel did.
      throw this.#lease.tunnel.error ?? error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#rtsp[Symbol.asyncDispose]();
    } finally {
      await this.#lease.release();
    }
  }
}

async function open(settings: DahuaSettings, context: DriverContext, tunnels: Tunnels): Promise<CameraSession> {
  const { serial, channel, subtype, credentials } = settings;
  const lease = await tunnels.acquire(settings, context, readMemory(context.memory.load()));
  const learned = tunnels.learned(settings);
  if (learned) context.memory.save(learned);
  try {
    const { endpoint, rtspPort } = lease.tunnel;
    const host = `${DEVICE_LOOPBACK}:${rtspPort}`;
    const path = `/cam/realmonitor?channel=${channel}&subtype=${subtype}`;
    const rtsp = await openRtsp(
      {
        ...{ endpoint, credentials, transport: 'tcp', policies: { base: 'requestUrl' } },
        requestUrl: `rtsp://${host}${path}`,
        peer: `The device ${maskSerial(serial)}`,
      },
      context,
    );
    return new DahuaSession(rtsp, lease, path);
  } catch (error) {
    const { error: lost } = lease.tunnel;
    await lease.release();
    throw lost ?? error;
  }
}

/** The driver; its cameras share their devices' tunnels. */
export function createDahuaDriver(options: DahuaDriverOptions = {}): CameraDriver {
  const tunnels = new Tunnels(options.expose ?? null);
  const read = (settings: DriverSettings) => readSettings(settings, options.server ?? null);
  return {
    id: 'dahua-p2p',
    name: 'Dahua by serial number',
    description:
      'Dahua cameras and recorders and their relatives, found by serial number through the maker’s P2P service, without port forwarding.',
    settingsSchema,
    secrets: ['password'],
    // `advanced` holds addresses of clouds.
    hostSettings: ['serial', 'server', 'advanced'],
    capabilities: {
      video: ['h264', 'h265', 'mjpeg'],
      audio: ['aac', 'pcma', 'pcmu', 'pcm-s16le'],
      discovery: false,
    },
    steps: dahuaSteps,
    outside: { hosts: [options.server ?? DEFAULT_SERVER], setting: 'server' },
    check: (settings) => void read(settings),
    capture: { secrets: ({ serial }) => [hiddenPart(String(serial ?? ''))], scrub: scrubPtcp },
    channels: (settings, context) => findChannels(read(settings), context, tunnels),
    open: (settings, context) => open(read(settings), context, tunnels),
  };
}
