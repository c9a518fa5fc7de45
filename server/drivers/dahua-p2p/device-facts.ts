// What a device publishes about itself (section 5.1): the salt of its password and the port of its video service.

import { DEFAULT_RTSP_PORT } from './dialect.ts';
import { decryptInfo } from './wire.ts';

const MAX_PORT = 65_535;

/** Defaults where it says nothing. */
export type DeviceFacts = { readonly salt: string | null; readonly rtspPort: number };

/** Of a device that publishes nothing. */
export const noDeviceFacts: DeviceFacts = { salt: null, rtspPort: DEFAULT_RTSP_PORT };

/** Reads the encrypted text; garbage counts as nothing. */
export function readDeviceFacts(text: string): DeviceFacts {
  let info: Readonly<Record<string, unknown>> = {};
  try {
    info = decryptInfo(text) ?? {};
  } catch {
    // Like an empty answer.
  }
  const port = Number(info.rtspport);
  const salt = info.randsalt;
  return {
    salt: typeof salt === 'string' && /^[0-9A-Za-z]{1,64}$/.test(salt) ? salt : null,
    rtspPort: Number.isInteger(port) && port >= 1 && port <= MAX_PORT ? port : DEFAULT_RTSP_PORT,
  };
}
