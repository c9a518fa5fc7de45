// The snapshot driver: cameras that give one JPEG per request. See README.md.

import type { DriverSettings } from '../../core/camera-config.ts';
import type { CameraDriver, CameraSession, DriverContext } from '../driver.ts';
import { readHttpSettings } from '../http-settings.ts';
import { hostPart, normalizeSettings } from '../source-settings.ts';
import { SnapshotSession } from './session.ts';
import { settingsSchema } from './settings.ts';

async function open(stored: DriverSettings, context: DriverContext): Promise<CameraSession> {
  const session = new SnapshotSession(readHttpSettings(stored), context);
  await session.start();
  return session;
}

/** The driver of snapshot cameras. */
export function createHttpSnapshotDriver(): CameraDriver {
  return {
    id: 'http-snapshot',
    name: 'Snapshots over HTTP',
    description: 'Cameras that give one JPEG picture per HTTP request; Perch asks again and again.',
    settingsSchema,
    secrets: ['password'],
    hostSettings: ['url'],
    hostPart,
    capabilities: { video: ['mjpeg'], audio: [], discovery: false },
    normalize: normalizeSettings,
    check: (settings) => void readHttpSettings(settings),
    open,
  };
}
