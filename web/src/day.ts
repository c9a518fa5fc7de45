// Days as the reader's calendar has them: a day is 23 to 25 hours long. Pure.

/** A local day as `2026-11-21`. */
export type Day = string;

const FIRST_YEAR = 2000;
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

/** The local day of a moment. */
export function dayOf(at: number): Day {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** A day from text that anybody can type into the address bar; `null` when it is none. */
export function parseDay(text: string | undefined): Day | null {
  const match = DAY.exec(text ?? '');
  if (!match) return null;
  const date = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  // Years with fewer digits are dates that are still being typed.
  return date.getFullYear() >= FIRST_YEAR && dayOf(date.getTime()) === text ? text : null;
}

/** First moment of the day and of the next one. */
export function spanOf(day: Day): { readonly from: number; readonly to: number } {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return { from: new Date(year, month - 1, date).getTime(), to: new Date(year, month - 1, date + 1).getTime() };
}

/** The day some days later (or earlier). */
export function dayAfter(day: Day, days: number): Day {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return dayOf(new Date(year, month - 1, date + days).getTime());
}
