// A month as a calendar shows it: whole weeks, and how much of each local day is recorded. Pure.

import { type Day, dayAfter, dayOf, spanOf } from '../day.ts';
import { type Row, recordedIn } from './spans.ts';

export type CalendarDay = { readonly day: Day; readonly inMonth: boolean; readonly recordedMs: number };
/** `2026-11`. */
export type Month = string;

/** The month of a day. */
export const monthOf = (day: Day): Month => day.slice(0, 7);

/** Some months later (or earlier). */
export function monthAfter(month: Month, months: number): Month {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return monthOf(dayOf(new Date(year, number - 1 + months, 1).getTime()));
}

/** First moment of the first shown day, and the end of the last one. */
export function monthSpan(month: Month, firstWeekday: number): { readonly from: number; readonly to: number } {
  const days = monthDays(month, firstWeekday);
  return { from: spanOf(days[0]!).from, to: spanOf(days.at(-1)!).to };
}

/** The days of all weeks that touch the month. @param firstWeekday 0 Sunday, 1 Monday */
export function monthDays(month: Month, firstWeekday: number): Day[] {
  const first = `${month}-01`;
  const weekday = new Date(spanOf(first).from).getDay();
  const before = (weekday - firstWeekday + 7) % 7;
  const days: Day[] = [];
  for (let day = dayAfter(first, -before); days.length % 7 !== 0 || monthOf(day) <= month; day = dayAfter(day, 1)) {
    days.push(day);
  }
  return days;
}

/** The same days with what is recorded on them. */
export function fillMonth(month: Month, firstWeekday: number, row: Row): CalendarDay[] {
  return monthDays(month, firstWeekday).map((day) => {
    return { day, inMonth: monthOf(day) === month, recordedMs: recordedIn(row, spanOf(day)) };
  });
}

/** Where an arrow key leads. `null`: not a key of a calendar. */
export function dayForKey(day: Day, key: string): Day | null {
  switch (key) {
    case 'ArrowLeft':
      return dayAfter(day, -1);
    case 'ArrowRight':
      return dayAfter(day, 1);
    case 'ArrowUp':
      return dayAfter(day, -7);
    case 'ArrowDown':
      return dayAfter(day, 7);
    case 'Home':
      return `${monthOf(day)}-01`;
    case 'End':
      return dayAfter(`${monthAfter(monthOf(day), 1)}-01`, -1);
    case 'PageUp':
      return sameDayIn(day, -1);
    case 'PageDown':
      return sameDayIn(day, 1);
    default:
      return null;
  }
}

function sameDayIn(day: Day, months: number): Day {
  const month = monthAfter(monthOf(day), months);
  const last = dayAfter(`${monthAfter(month, 1)}-01`, -1);
  const wanted = `${month}-${day.slice(8)}`;
  return wanted > last ? last : wanted;
}
