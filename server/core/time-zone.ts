// Local time of IANA time zones, from the platform's own tables. Pure.

import { NvrError } from './nvr-error.ts';

/** Formatters are costly to make. */
const MAX_FORMATTERS = 100;
const formatters = new Map<string, Intl.DateTimeFormat>();

/** The zone of this machine. */
export const localTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @throws NvrError `bad_input` for a zone that is not known */
export function checkTimeZone(timeZone: string): void {
  formatterOf(timeZone);
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter) return formatter;
  try {
    formatter = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  } catch (cause) {
    throw new NvrError('bad_input', `"${timeZone}" is not a time zone such as Europe/Berlin`, { cause });
  }
  if (formatters.size >= MAX_FORMATTERS) formatters.clear();
  formatters.set(timeZone, formatter);
  return formatter;
}

/** A moment as the zone's clock shows it, written as if it were UTC: milliseconds since the epoch, whole seconds. */
export function toLocalMs(timeZone: string, atMs: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatterOf(timeZone).formatToParts(atMs)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Local minus UTC at a moment. */
function offsetMs(timeZone: string, atMs: number): number {
  return toLocalMs(timeZone, atMs) - Math.floor(atMs / 1000) * 1000;
}

/** A zone's clock over a few days: one offset, or two and the moment between them. Made once, asked often. */
export type LocalClock = {
  /**
   * The moments at which the clock shows a local time, earliest first: two where it is set back, and the moment of the
   * change alone where it is set forward over that time.
   * @param localMs as {@link toLocalMs} writes it
   */
  momentsOf(localMs: number): number[];
};

/** @param fromMs, toMs moments a few days apart, so that there is at most one change between them */
export function localClock(timeZone: string, fromMs: number, toMs: number): LocalClock {
  const before = offsetMs(timeZone, fromMs);
  const after = offsetMs(timeZone, toMs);
  if (before === after) return { momentsOf: (localMs) => [localMs - before] };
  const changeAt = changeBetween(timeZone, fromMs, toMs);
  return {
    momentsOf(localMs) {
      const found: number[] = [];
      if (localMs - before < changeAt) found.push(localMs - before);
      if (localMs - after >= changeAt) found.push(localMs - after);
      return found.length > 0 ? found : [changeAt];
    },
  };
}

/** The first whole second with the later offset. */
function changeBetween(timeZone: string, fromMs: number, toMs: number): number {
  const before = offsetMs(timeZone, fromMs);
  let low = Math.floor(fromMs / 1000);
  let high = Math.floor(toMs / 1000);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(timeZone, middle * 1000) === before) low = middle;
    else high = middle;
  }
  return high * 1000;
}
