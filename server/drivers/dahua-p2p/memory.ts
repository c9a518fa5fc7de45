// What is kept per camera over restarts: which cloud and which kind of login worked, so that the next dial begins with them.

import type { Learned } from './attempt.ts';

const MAX_PORT = 65_535;

/** Reads what was stored, by whatever version; `null` when it makes no sense. */
export function readMemory(stored: unknown): Learned | null {
  if (typeof stored !== 'object' || stored === null) return null;
  const { profile, type, dialect, exposedPort: port } = stored as Partial<Record<keyof Learned, unknown>>;
  if (typeof profile !== 'string' || profile.length > 40 || (type !== 0 && type !== 1)) return null;
  const isPort = typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= MAX_PORT;
  return { profile, type, dialect: dialect === 'sign' ? 'sign' : 'plain', ...(isPort && { exposedPort: port }) };
}
