// What a camera's driver remembers over restarts: its UDP port, so that the device knows us again, and the session that
// a crash may have left open (protocols/iwfcam.md section 7.2).

import { isUnicastIpv4 } from '../../net/ipv4.ts';

const MAX_PORT = 65535;
const MAX_SESSION = 0x7fffffff;

/** The stored form; `session` 0 means that nothing was left open. */
export type IwfcamMemory = {
  readonly localPort: number;
  readonly session: number;
  readonly mediaPort: number;
  /** Address of the camera when it last answered; empty when it never did. */
  readonly host: string;
};

const isWithin = (value: unknown, low: number, high: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;

/** Reads what was stored, by whatever version; `null` when it makes no sense. */
export function readMemory(stored: unknown): IwfcamMemory | null {
  if (typeof stored !== 'object' || stored === null) return null;
  const { localPort, session, mediaPort, host } = stored as Partial<Record<keyof IwfcamMemory, unknown>>;
  if (!isWithin(localPort, 1, MAX_PORT)) return null;
  const known = typeof host === 'string' && isUnicastIpv4(host) ? host : '';
  const isOpen = known !== '' && isWithin(session, 1, MAX_SESSION) && isWithin(mediaPort, 1, MAX_PORT);
  return { localPort, session: isOpen ? session : 0, mediaPort: isOpen ? mediaPort : 0, host: known };
}
