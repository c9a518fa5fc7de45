// Lines and labels of the time axis: round times of the reader's own clock, also over the nights when it changes. Pure.

import { DAY_MS, HOUR_MS, lengthOf, MINUTE_MS, SECOND_MS, type View } from './scale.ts';

/** One line. `label` is empty for the small ones between. */
export type Tick = { readonly at: number; readonly label: string; readonly kind: 'minor' | 'major' | 'day' };

/** Length of labelled steps, and of the lines between them. */
type Steps = { readonly major: number; readonly minor: number };

const LADDER: readonly Steps[] = [
  { major: 5 * SECOND_MS, minor: SECOND_MS },
  { major: 10 * SECOND_MS, minor: 2 * SECOND_MS },
  { major: 30 * SECOND_MS, minor: 5 * SECOND_MS },
  { major: MINUTE_MS, minor: 10 * SECOND_MS },
  { major: 5 * MINUTE_MS, minor: MINUTE_MS },
  { major: 10 * MINUTE_MS, minor: 2 * MINUTE_MS },
  { major: 30 * MINUTE_MS, minor: 5 * MINUTE_MS },
  { major: HOUR_MS, minor: 10 * MINUTE_MS },
  { major: 2 * HOUR_MS, minor: 30 * MINUTE_MS },
  { major: 3 * HOUR_MS, minor: HOUR_MS },
  { major: 6 * HOUR_MS, minor: HOUR_MS },
  { major: 12 * HOUR_MS, minor: 3 * HOUR_MS },
  { major: DAY_MS, minor: 6 * HOUR_MS },
  { major: 2 * DAY_MS, minor: DAY_MS },
  { major: 7 * DAY_MS, minor: DAY_MS },
];
/** Room for a label. */
const LABEL_PIXELS = 76;
const SECONDS_LABEL_PIXELS = 92;
/** The clocks of all time zones in use differ by multiples of this, and change by multiples of it. */
const ZONE_QUANTUM_MS = 15 * MINUTE_MS;
/** A guard: no view needs more. */
const MAX_TICKS = 2000;

const hours = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const days = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' });

/** The closest steps whose labels fit. */
export function chooseSteps(view: View, width: number): Steps {
  const msPerPixel = lengthOf(view) / Math.max(1, width);
  const fits = ({ major }: Steps) =>
    major / msPerPixel >= (major < MINUTE_MS ? SECONDS_LABEL_PIXELS : LABEL_PIXELS) || major >= 7 * DAY_MS;
  return LADDER.find(fits) ?? LADDER.at(-1)!;
}

function localMidnight(at: number, daysLater = 0): number {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + daysLater).getTime();
}

/** Every moment in the view at which the local clock shows a multiple of the step, counted from midnight. */
function roundTimes(view: View, step: number): number[] {
  const times: number[] = [];
  if (step >= DAY_MS) {
    const each = Math.round(step / DAY_MS);
    for (let at = localMidnight(view.from); at < view.to && times.length < MAX_TICKS; at = localMidnight(at, 1)) {
      const date = new Date(at);
      // Counted from a fixed day, so that panning does not change which days have labels.
      const number = Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS);
      if (at >= view.from && number % each === 0) times.push(at);
    }
    return times;
  }
  // Through absolute time, so that an hour that comes twice is there twice; asked of the local clock, so that its hours
  // are the round ones also where the zone is half an hour off.
  const quantum = Math.min(step, ZONE_QUANTUM_MS);
  const first = Math.ceil(view.from / quantum) * quantum;
  for (let at = first; at < view.to && times.length < MAX_TICKS; at += quantum) {
    const date = new Date(at);
    const ofDay = ((date.getHours() * 60 + date.getMinutes()) * 60 + date.getSeconds()) * 1000;
    if (ofDay % step === 0) times.push(at);
  }
  return times;
}

/** `CEST`, or `GMT+2` where the reader's language has no short name. */
export function zoneName(at: number): string {
  const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' }).formatToParts(at);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

/** All lines of a view, by time. */
export function chooseTicks(view: View, width: number): Tick[] {
  const { major, minor } = chooseSteps(view, width);
  const labelled = new Set(roundTimes(view, major));
  const label = (at: number) => (major < MINUTE_MS ? seconds : hours).format(at);
  const ticks: Tick[] = roundTimes(view, minor).map((at) => {
    if (!labelled.has(at)) return { at, label: '', kind: 'minor' };
    if (at === localMidnight(at)) return { at, label: days.format(at), kind: 'day' };
    return { at, label: label(at), kind: 'major' };
  });
  // The night when an hour comes twice: each says which one it is.
  return ticks.map((tick, n) => {
    if (tick.kind !== 'major') return tick;
    const twin = (other: Tick) => other.at !== tick.at && other.label === tick.label;
    const near = ticks.slice(Math.max(0, n - 30), n + 30);
    const isTwice = near.some((other) => twin(other) && Math.abs(other.at - tick.at) <= 2 * HOUR_MS);
    return isTwice ? { ...tick, label: `${tick.label} ${zoneName(tick.at)}` } : tick;
  });
}

/** What stands at the left of the axis: the day there, unless a midnight label says it. */
export function dayLabel(view: View): string {
  return days.format(view.from);
}

/** How far an arrow key goes at this zoom: about a hundredth of the view, a round time. */
export function chooseKeyStep(view: View): number {
  const wanted = lengthOf(view) / 100;
  return LADDER.map(({ minor }) => minor).find((step) => step >= wanted) ?? HOUR_MS;
}
