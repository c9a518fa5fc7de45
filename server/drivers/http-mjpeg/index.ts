// The HTTP MJPEG driver: cameras that push JPEGs in one endless response. See README.md.

import type { DriverSettings } from '../../core/camera-config.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { CameraDriver, CameraSession, DriverContext } from '../driver.ts';
import { readHttpSettings, requestPictures, shownType } from '../http-settings.ts';
import { hostPart, normalizeSettings } from '../source-settings.ts';
import { MjpegSession } from './session.ts';
import { settingsSchema } from './settings.ts';

async function open(stored: DriverSettings, context: DriverContext): Promise<CameraSession> {
  const settings = readHttpSettings(stored);
  const reply = await requestPictures(settings, context);
  const type = shownType(reply);
  if (/^(text\/|application\/json)/.test(type)) {
    await reply.close();
    const { peer } = reply;
    throw new NvrError('protocol', `${peer} answers with ${type} instead of pictures; check the path in the address`, {
      context: { peer, reason: 'noVideo' },
    });
  }
  return new MjpegSession(reply, settings.intervalMs ?? 0, context);
}

/** The driver of MJPEG cameras over HTTP. */
export function createHttpMjpegDriver(): CameraDriver {
  return {
    id: 'http-mjpeg',
    name: 'MJPEG over HTTP',
    description:
      'Cameras and programs that send JPEG pictures in one endless HTTP response (video.mjpg, mjpg-streamer, motion).',
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
