// What a camera's driver remembers over restarts: its UDP port, so that the device knows us again, and the session that
// a crash may have left open (protocols/iwfcam.md section 7.2).

const MAX_PORT = 65535;
const MAX_ADDRESS_LENGTH = 15;

/** The stored form; `session` 0 means that nothing was left open. */
export type IwfcamMemory = {
  readonly localPort: number;
  readonly session: number;
  readonly mediaPort: number;
  /** Address of the camera in that session. */
  readonly host: string;
};

const isWithin = (value: unknown, low: number, high: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;

/** Reads what was stored, by whatever version; `null` when it makes no sense. */
export function readMemory(stored: unknown): IwfcamMemory | null {
  if (typeof stored !== 'object' || stored === null) return null;
  const { localPort, session, mediaPort, host } = stored as Partial<Record<keyof IwfcamMemory, unknown>>;
  if (!isWithin(localPort, 1, MAX_PORT)) return null;
  const isSession =
    isWithin(session, 1, 0x7fffffff) &&
    isWithin(mediaPort, 1, MAX_PORT) &&
    typeof host === 'string' &&
    host.length <= MAX_ADDRESS_LENGTH;
  return isSession ? { localPort, session, mediaPort, host } : { localPort, session: 0, mediaPort: 0, host: '' };
}
