// The RTSP driver: any camera with an rtsp:// address. See README.md.

import type { DriverSettings } from '../../core/camera-config.ts';
import { checkCameraAddress } from '../../net/address-rules.ts';
import { fillTarget } from '../../net/camera-url.ts';
import { orAborted } from '../../net/or-aborted.ts';
import type { CameraDriver, CameraSession, DiscoveredCamera, DiscoveryContext, DriverContext } from '../driver.ts';
import { searchDevices } from '../onvif/search.ts';
import { hostPart, normalizeSettings } from '../source-settings.ts';
import { openRtsp } from './open-rtsp.ts';
import { readSettings, settingsSchema } from './settings.ts';
import { rtspSteps } from './steps.ts';

async function open(stored: DriverSettings, context: DriverContext): Promise<CameraSession> {
  const { url, credentials, transport } = readSettings(stored);
  const { net, signal } = context;
  const address = await orAborted(net.resolve(url.host), signal);
  await checkCameraAddress(net, url.host, address, url.port);
  return openRtsp(
    {
      endpoint: { address, port: url.port },
      ...(url.isTls && { tls: { serverName: url.host } }),
      requestUrl: `${url.scheme}://${url.authority}${fillTarget(url.target, credentials)}`,
      ...{ credentials, transport, peer: `${url.host}:${url.port}` },
    },
    context,
  );
}

/** ONVIF devices: what they stream they only tell to who signs in, so the address is that of the device alone. */
async function* discover(context: DiscoveryContext): AsyncGenerator<DiscoveredCamera, void> {
  for await (const { name, address, url } of searchDevices(context)) {
    yield { driver: 'rtsp', name, settings: { url: `rtsp://${address}/` }, onvif: url };
  }
}

/** The driver of RTSP cameras. */
export function createRtspDriver(): CameraDriver {
  return {
    id: 'rtsp',
    name: 'RTSP',
    description: 'Any camera with an rtsp:// or rtsps:// address: H.264, H.265 or JPEG, with AAC, G.711 or PCM sound.',
    settingsSchema,
    secrets: ['password'],
    hostSettings: ['url'],
    hostPart,
    capabilities: {
      video: ['h264', 'h265', 'mjpeg'],
      audio: ['aac', 'pcma', 'pcmu', 'pcm-s16le'],
      discovery: true,
    },
    steps: rtspSteps,
    normalize: normalizeSettings,
    check: (settings) => void readSettings(settings),
    open,
    discover,
  };
}
