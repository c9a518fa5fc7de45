// Cron expressions: text to sets of numbers. Pure. The grammar and the meaning are those of node-cron 4 (a day must match
// both the day of the month and the day of the week), without its `W` and `L-n`.

import { NvrError } from './nvr-error.ts';

/** A parsed expression. Weekdays are 0 (Sunday) to 6. */
export type Cron = {
  /** Seconds of the day at which it matches, ascending. */
  readonly secondsOfDay: readonly number[];
  /** Whether it matches on a date of the calendar (month 1 to 12). */
  matchesDate(year: number, month: number, day: number): boolean;
};

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const WEEKDAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');
const SHORT_NAME = 3;
const NUMBER = /^\d{1,2}$/;
const NTH_WEEKDAY = /^([a-z]+|[0-7])#([1-5])$/;
const LAST_WEEKDAY = /^([0-7])l$/;
const DAYS_IN_WEEK = 7;

type Field = {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
  readonly firstName?: number;
};
const fields = {
  second: { name: 'second', min: 0, max: 59 },
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23 },
  day: { name: 'day of the month', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, names: MONTHS, firstName: 1 },
  weekday: { name: 'day of the week', min: 0, max: 7, names: WEEKDAYS, firstName: 0 },
} as const satisfies Record<string, Field>;

/** Days in a month (1 to 12) of the Gregorian calendar. */
export const daysInMonth = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** Day of the week of a date: 0 is Sunday. */
export const weekdayOf = (year: number, month: number, day: number): number =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDay();

/**
 * Parses five fields (minute hour day month weekday), six (seconds first), or a nickname such as `@daily`.
 * @throws NvrError `bad_input` naming the part that is wrong
 */
export function parseCron(text: string): Cron {
  const trimmed = text.trim().toLowerCase();
  const parts = (NICKNAMES[trimmed] ?? trimmed).split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6) {
    throw bad(`five fields are expected (minute hour day month weekday), not ${trimmed === '' ? 0 : parts.length}`);
  }
  const [second = '0', minute = '', hour = '', day = '', month = '', weekday = ''] =
    parts.length === 5 ? ['0', ...parts] : parts;
  const seconds = parseField(second, fields.second);
  const minutes = parseField(minute, fields.minute);
  const hours = parseField(hour, fields.hour);
  const isDay = parseDays(day);
  const months = new Set(parseField(month, fields.month));
  const isWeekday = parseWeekdays(weekday);
  if (neverMatches(day, months)) throw bad(`there is no day ${day} in the given months`);
  return {
    secondsOfDay: hours.flatMap((h) => minutes.flatMap((m) => seconds.map((s) => h * 3600 + m * 60 + s))),
    matchesDate: (y, m, d) => months.has(m) && isDay(y, m, d) && isWeekday(y, m, d),
  };
}

function bad(message: string): NvrError {
  return new NvrError('bad_input', message);
}

/** All numbers of a field, ascending, each once. */
function parseField(text: string, field: Field): number[] {
  const found = new Set<number>();
  for (const item of text.split(',')) for (const value of parseItem(item, field)) found.add(value);
  return [...found].sort((a, b) => a - b);
}

/** `*`, `5`, `1-5`, `22-2`, `*` or a range with `/2`. */
function parseItem(item: string, field: Field): number[] {
  const [range = '', step, ...rest] = item.split('/');
  const width = field.max - field.min + 1;
  const by = step === undefined ? 1 : NUMBER.test(step) ? Number(step) : 0;
  if (rest.length > 0 || by < 1 || by > width) throw bad(`${field.name}: "${item}" is not understood`);
  const any = range === '*' || (range === '?' && field.name.startsWith('day'));
  const [from = '', to, ...more] = range.split('-');
  if (more.length > 0) throw bad(`${field.name}: "${item}" is not understood`);
  if (step !== undefined && !any && to === undefined) {
    throw bad(`${field.name}: "${item}": a step needs a range, such as ${field.min}-${field.max}/${step}`);
  }
  const first = any ? field.min : parseValue(from, field);
  const last = any ? field.max : to === undefined ? first : parseValue(to, field);
  // A range may go over the end: 22-2 hours, fri-mon.
  const count = last >= first ? last - first : last + width - first;
  const values: number[] = [];
  for (let offset = 0; offset <= count; offset += by) values.push(field.min + ((first - field.min + offset) % width));
  return values;
}

function parseValue(text: string, field: Field): number {
  const { names = [], firstName = 0 } = field;
  const named = names.findIndex((name) => name === text || name.slice(0, SHORT_NAME) === text);
  if (named >= 0) return named + firstName;
  if (!NUMBER.test(text) || Number(text) < field.min || Number(text) > field.max) {
    throw bad(`${field.name}: ${field.min} to ${field.max} is expected, not "${text}"`);
  }
  return Number(text);
}

/** Whether the numbers of the day field exist in none of the months: 30 February. */
function neverMatches(day: string, months: ReadonlySet<number>): boolean {
  const items = day.split(',').filter((item) => item !== 'l');
  if (items.length < day.split(',').length) return false;
  const earliest = Math.min(...parseField(items.join(','), fields.day));
  return [...months].every((month) => daysInMonth(2024, month) < earliest);
}

type DateTest = (year: number, month: number, day: number) => boolean;

function parseDays(text: string): DateTest {
  const items = text.split(',');
  const numbers = items.filter((item) => item !== 'l');
  const days = new Set(numbers.length > 0 ? parseField(numbers.join(','), fields.day) : []);
  const last = numbers.length < items.length;
  return (year, month, day) => days.has(day) || (last && day === daysInMonth(year, month));
}

function parseWeekdays(text: string): DateTest {
  const tests = text.split(',').map((item): DateTest => {
    const nth = NTH_WEEKDAY.exec(item);
    if (nth) {
      const wanted = parseValue(nth[1]!, fields.weekday) % DAYS_IN_WEEK;
      return (y, m, d) => weekdayOf(y, m, d) === wanted && Math.ceil(d / DAYS_IN_WEEK) === Number(nth[2]);
    }
    const last = LAST_WEEKDAY.exec(item);
    if (last) {
      const wanted = Number(last[1]) % DAYS_IN_WEEK;
      return (y, m, d) => weekdayOf(y, m, d) === wanted && d + DAYS_IN_WEEK > daysInMonth(y, m);
    }
    const days = new Set(parseWeekdayItem(item).map((day) => day % DAYS_IN_WEEK));
    return (y, m, d) => days.has(weekdayOf(y, m, d));
  });
  return (year, month, day) => tests.some((test) => test(year, month, day));
}

/** A range over the weekend goes round the seven days, with Sunday written as 0 or 7. */
function parseWeekdayItem(item: string): number[] {
  const [range = '', step] = item.split('/');
  const [from = '', to] = range.split('-');
  if (to !== undefined && parseValue(from, fields.weekday) > parseValue(to, fields.weekday)) {
    const narrow = { ...fields.weekday, max: 6 };
    const first = parseValue(from, fields.weekday) % DAYS_IN_WEEK;
    return parseItem(`${first}-${parseValue(to, fields.weekday)}${step === undefined ? '' : `/${step}`}`, narrow);
  }
  return parseItem(item, fields.weekday);
}

/** More separate windows than minutes is no schedule. */
const MAX_RUNS_A_DAY = 1440;

/** Times of the day whose windows touch one another, milliseconds since midnight: from the first beginning to the last. */
export type CronRun = { readonly first: number; readonly last: number };

/** The windows of a day, joined where they touch. @throws NvrError `bad_input` for more than a day can hold */
export function cronRuns({ secondsOfDay }: Cron, durationMs: number): CronRun[] {
  const runs: { first: number; last: number }[] = [];
  for (const second of secondsOfDay) {
    const at = second * 1000;
    const run = runs.at(-1);
    if (run && at <= run.last + durationMs) run.last = at;
    else runs.push({ first: at, last: at });
  }
  if (runs.length <= MAX_RUNS_A_DAY) return runs;
  throw new NvrError('bad_input', `${runs.length} windows a day; at most ${MAX_RUNS_A_DAY} make a schedule`);
}
