// The IWFCam driver: cheap WiFi cameras of the IWFCam app family ("TEG" protocol, UDP 10104). See README.md.

import type { DriverSettings } from '../../core/camera-config.ts';
import type { CameraDriver, DiscoveredCamera, DiscoveryContext } from '../driver.ts';
import { openSession } from './open-session.ts';
import { type FoundCamera, searchCameras } from './search.ts';
import { checkSettings, FACTORY_PASSWORD, isSameUid, readSettings, settingsSchema } from './settings.ts';
import { passwordToken } from './token.ts';
import { DISCOVERY_PORT } from './wire.ts';

/** UIDs that the settings take; anything else a camera claims is left out. */
const USABLE_UID = /^[!-~]{1,32}$/;

/** Settings that reach this camera. */
function settingsOf(camera: FoundCamera): DriverSettings {
  return {
    ...(USABLE_UID.test(camera.uid) && { uid: camera.uid }),
    host: camera.address,
    ...(camera.discoveryPort !== DISCOVERY_PORT && { port: camera.discoveryPort }),
  };
}

/** Whatever token a login may carry; upper and lower case, as it was entered. */
function tokensOf({ password, passwordToken: given }: DriverSettings): string[] {
  const tokens = [passwordToken(typeof password === 'string' && password !== '' ? password : FACTORY_PASSWORD)];
  if (typeof given === 'string') tokens.push(given);
  return tokens.flatMap((token) => [token.toLowerCase(), token.toUpperCase()]);
}

async function* discover(context: DiscoveryContext): AsyncGenerator<DiscoveredCamera, void> {
  for await (const camera of searchCameras(context)) {
    const name = `IWFCam ${camera.uid === '' ? camera.address : camera.uid}`;
    yield { driver: 'iwfcam', name, settings: settingsOf(camera) };
  }
}

/** Finds the camera by its UID; without a UID there is nothing to recognize it by. */
async function locate(stored: DriverSettings, context: DiscoveryContext): Promise<DriverSettings | null> {
  const { uid, host, port } = readSettings(stored);
  if (uid === null) return null;
  for await (const camera of searchCameras(context)) {
    if (!isSameUid(camera.uid, uid)) continue;
    const isSame = camera.address === host && camera.discoveryPort === port;
    return isSame ? null : { host: camera.address, port: camera.discoveryPort };
  }
  return null;
}

/** The driver of the IWFCam family. */
export function createIwfcamDriver(): CameraDriver {
  return {
    id: 'iwfcam',
    name: 'IWFCam (WiFi mini camera)',
    description:
      'Cameras of the IWFCam app (DHCP name “rtthread”): JPEG pictures and sound over UDP on the local network.',
    settingsSchema,
    secrets: ['password', 'passwordToken'],
    hostSettings: ['host', 'uid', 'port'],
    capabilities: { video: ['mjpeg'], audio: ['ima-adpcm'], discovery: true },
    // The login carries a hash of the password, which is as good as the password.
    capture: { secrets: (settings) => tokensOf(settings) },
    check: checkSettings,
    open: (settings, context) => openSession(readSettings(settings), context),
    discover,
    locate,
  };
}
