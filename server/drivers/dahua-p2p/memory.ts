// What is kept per camera over restarts: which cloud and which kind of login worked, so that the next dial begins with them.

import type { Learned } from './attempt.ts';

/** Reads what was stored, by whatever version; `null` when it makes no sense. */
export function readMemory(stored: unknown): Learned | null {
  if (typeof stored !== 'object' || stored === null) return null;
  const { profile, type, dialect } = stored as Partial<Record<keyof Learned, unknown>>;
  if (typeof profile !== 'string' || profile.length > 40 || (type !== 0 && type !== 1)) return null;
  return { profile, type, dialect: dialect === 'sign' ? 'sign' : 'plain' };
}
