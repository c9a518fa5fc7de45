// The week as 168 hours, and the schedules that mean the same. Pure. Rules that are no whole hours of the week stay as they are.

import type { ScheduleRule } from './api-types.ts';

export const DAY_NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
export const HOURS = 24;
export const WEEK_HOURS = DAY_NAMES.length * HOURS;
const MINUTES = 60;
const WEEKLY = /^0 (\d{1,2}) \* \* (\*|[0-7](?:[-,][0-7])*)$/;

/** Hours of the week that are on, Monday 0:00 first. */
export type Week = readonly boolean[];

/** Cron's Sunday is 0 or 7; the grid's week begins on Monday. */
const dayOfCron = (day: number) => (day + 6) % 7;
const cronOfDay = (day: number) => (day + 1) % 7;

/** The hours of one rule, or `null` when a grid of whole hours cannot show it. */
function hoursOf(rule: ScheduleRule): number[] | null {
  const match = WEEKLY.exec(rule.cron.trim());
  const hours = rule.durationMinutes / MINUTES;
  if (!match || Number(match[1]) >= HOURS || !Number.isInteger(hours) || hours > WEEK_HOURS) return null;
  const days = new Set<number>();
  for (const item of (match[2] === '*' ? '0-6' : (match[2] ?? '')).split(',')) {
    const [from = 0, to = from, ...more] = item.split('-').map(Number);
    if (more.length > 0 || to < from) return null;
    for (let day = from; day <= to; day++) days.add(dayOfCron(day));
  }
  return [...days].flatMap((day) =>
    Array.from({ length: hours }, (_, n) => (day * HOURS + Number(match[1]) + n) % WEEK_HOURS),
  );
}

/** Splits rules into what the grid shows and the rest. Only rules of one time zone are in the grid. */
export function readWeek(
  rules: readonly ScheduleRule[],
  timezone: string,
): { week: Week; others: readonly ScheduleRule[] } {
  const week = new Array<boolean>(WEEK_HOURS).fill(false);
  const others: ScheduleRule[] = [];
  for (const rule of rules) {
    const hours = rule.timezone === timezone ? hoursOf(rule) : null;
    if (hours) for (const hour of hours) week[hour] = true;
    else others.push(rule);
  }
  return { week, others };
}

/** The fewest rules for a week: one per beginning and length, over midnight and over Sunday. */
export function writeWeek(week: Week, timezone: string): ScheduleRule[] {
  if (week.every((on) => on)) return [{ cron: '0 0 * * *', durationMinutes: HOURS * MINUTES, timezone }];
  const groups = new Map<string, { hour: number; length: number; days: number[] }>();
  for (let at = 0; at < WEEK_HOURS; at++) {
    if (!week[at] || week[(at + WEEK_HOURS - 1) % WEEK_HOURS]) continue;
    let length = 1;
    while (week[(at + length) % WEEK_HOURS]) length++;
    const hour = at % HOURS;
    const key = `${hour}+${length}`;
    const group = groups.get(key) ?? { hour, length, days: [] };
    group.days.push(cronOfDay(Math.floor(at / HOURS)));
    groups.set(key, group);
  }
  return [...groups.values()].map(({ hour, length, days }) => ({
    cron: `0 ${hour} * * ${days.length === DAY_NAMES.length ? '*' : days.sort((a, b) => a - b).join(',')}`,
    durationMinutes: length * MINUTES,
    timezone,
  }));
}
