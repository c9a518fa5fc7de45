// When recording is on: cron expression, duration and time zone, several of them. Pure; asked with a time, it answers. What
// wakes the recorder (timers, node-cron) is in schedule-waker.ts and decides nothing.
//
// A window begins whenever the zone's clock shows a matching time: in the hour that comes twice, twice; a time that the
// clock jumps over counts as the moment of the jump. It lasts its minutes, and at least until the clock shows its end: "22:00
// for 8 hours" ends at 6 in the night that has an hour more, and has its 8 hours in the night that has one less.

import type { ScheduleRule } from '../core/camera-config.ts';
import { type Cron, type CronRun, cronRuns, parseCron } from '../core/cron.ts';
import { localClock, localTimeZone, toLocalMs } from '../core/time-zone.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** How far an end is looked for; what goes on longer has no end worth waiting for. */
const END_HORIZON_DAYS = 40;
/** How far a beginning is looked for: 29 February comes back after eight years at worst (1896 to 1904). */
const BEGIN_HORIZON_DAYS = 366 * 9;
/** Days whose windows are remembered per rule: those of the longest window, and some. */
const MAX_REMEMBERED_DAYS = 64;

/** A stretch of time, end not included. Milliseconds since the epoch. */
export type Window = { readonly from: number; readonly to: number };

type Rule = {
  readonly cron: Cron;
  readonly runs: readonly CronRun[];
  readonly durationMs: number;
  readonly timeZone: string;
  /** Windows that begin on a local day (days since the epoch), merged, in order. */
  readonly days: Map<number, readonly Window[]>;
};

/** Joins what overlaps or touches. @param windows in order of `from` */
function merge(windows: readonly Window[]): Window[] {
  const merged: Window[] = [];
  for (const window of windows) {
    const last = merged.at(-1);
    if (last && window.from <= last.to) {
      if (window.to > last.to) merged[merged.length - 1] = { from: last.from, to: window.to };
    } else merged.push(window);
  }
  return merged;
}

/** The union of several rules. Without rules it is never on. */
export class Schedule {
  readonly #rules: readonly Rule[];

  /** @throws NvrError `bad_input` for a bad expression or time zone */
  constructor(rules: readonly ScheduleRule[], defaultTimeZone = localTimeZone()) {
    this.#rules = rules.map(({ cron, durationMinutes, timezone }) => {
      const timeZone = timezone ?? defaultTimeZone;
      toLocalMs(timeZone, 0);
      const parsed = parseCron(cron);
      const durationMs = durationMinutes * MINUTE_MS;
      return { cron: parsed, runs: cronRuns(parsed, durationMs), durationMs, timeZone, days: new Map() };
    });
  }

  /** Whether it is on at a moment. */
  isOn(atMs: number): boolean {
    return this.#rules.some((rule) => {
      const today = Math.floor(toLocalMs(rule.timeZone, atMs) / DAY_MS);
      for (let day = today; day >= firstDay(rule, today); day--) {
        if (windowsOf(rule, day).some(({ from, to }) => from <= atMs && atMs < to)) return true;
      }
      return false;
    });
  }

  /** The next moment after `atMs` at which the answer of {@link isOn} changes; `null` when none is near enough to matter. */
  nextChange(atMs: number): number | null {
    return this.isOn(atMs) ? this.#nextEnd(atMs) : this.#nextBegin(atMs);
  }

  /** What is on within a stretch, merged and cut to it. */
  windows(fromMs: number, toMs: number): Window[] {
    const all = this.#rules.flatMap((rule) => {
      const first = Math.floor(toLocalMs(rule.timeZone, fromMs) / DAY_MS);
      const last = Math.floor(toLocalMs(rule.timeZone, toMs) / DAY_MS);
      const found: Window[] = [];
      for (let day = firstDay(rule, first); day <= last; day++) found.push(...windowsOf(rule, day));
      return found.filter(({ from, to }) => from < toMs && to > fromMs);
    });
    return merge(all.sort((a, b) => a.from - b.from)).map(({ from, to }) => ({
      from: Math.max(from, fromMs),
      to: Math.min(to, toMs),
    }));
  }

  #nextEnd(atMs: number): number | null {
    // A day at a time: most windows end soon.
    for (let days = 1; days <= END_HORIZON_DAYS; days *= 2) {
      const until = atMs + days * DAY_MS;
      const end = this.windows(atMs, until)[0]?.to ?? atMs;
      if (end < until) return end;
    }
    return null;
  }

  #nextBegin(atMs: number): number | null {
    let next: number | null = null;
    for (const rule of this.#rules) {
      const today = Math.floor(toLocalMs(rule.timeZone, atMs) / DAY_MS);
      for (let day = today; day < today + BEGIN_HORIZON_DAYS; day++) {
        // Local days differ from the days of UTC by less than one.
        if (next !== null && (day - 1) * DAY_MS > next) break;
        const begin = windowsOf(rule, day).find(({ from }) => from > atMs)?.from;
        if (begin === undefined) continue;
        next = Math.min(next ?? begin, begin);
        break;
      }
    }
    return next;
  }
}

/** The earliest local day whose windows can reach into `day`. */
function firstDay(rule: Rule, day: number): number {
  return day - Math.ceil(rule.durationMs / DAY_MS) - 1;
}

/** Windows that begin on a local day. */
function windowsOf(rule: Rule, day: number): readonly Window[] {
  const known = rule.days.get(day);
  if (known) return known;
  const date = new Date(day * DAY_MS);
  // Not remembered: years of empty days are passed over when the next 29 February is looked for.
  if (!rule.cron.matchesDate(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())) return [];
  const windows = merge(windowsOfRuns(rule, day).sort((a, b) => a.from - b.from));
  if (rule.days.size >= MAX_REMEMBERED_DAYS) rule.days.clear();
  rule.days.set(day, windows);
  return windows;
}

function windowsOfRuns({ runs, durationMs, timeZone }: Rule, day: number): Window[] {
  const midnight = day * DAY_MS;
  // Zones are up to 14 hours away from UTC.
  const clock = localClock(timeZone, midnight - DAY_MS, midnight + 2 * DAY_MS + durationMs);
  return runs.flatMap(({ first, last }) => {
    const ends = clock.momentsOf(midnight + last + durationMs);
    const lastBeginning = clock.momentsOf(midnight + last).at(-1)!;
    return clock.momentsOf(midnight + first).map((from) => {
      const least = first === last ? from : lastBeginning;
      return { from, to: Math.max(least + durationMs, ends.find((end) => end > from) ?? 0) };
    });
  });
}
