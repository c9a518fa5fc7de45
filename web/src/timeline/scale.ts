// Which part of time the timeline shows, and how that maps to pixels. Pure. Times are epoch milliseconds.

/** What is on the screen: `[from, to)`. */
export type View = { readonly from: number; readonly to: number };

/** What a view may be: how far in and out, and how far back and ahead. */
export type Limits = { readonly first: number; readonly last: number };

export const SECOND_MS = 1000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** Closest: single pictures are a few pixels apart. */
export const MIN_SPAN_MS = 20 * SECOND_MS;
/** Widest: more is one tap in the calendar away. */
export const MAX_SPAN_MS = 31 * DAY_MS;
/** How far the view may reach beyond now, as a share of itself: the live edge stays off the border. */
const AHEAD_SHARE = 0.2;
/** Where the followed moment stands in the view. */
const FOLLOW_AT = 0.85;

export const lengthOf = ({ from, to }: View): number => to - from;

/** Pixels from the left edge of a moment. */
export function xOf(view: View, width: number, at: number): number {
  return ((at - view.from) / lengthOf(view)) * width;
}

/** The moment at so many pixels from the left edge. */
export function atOf(view: View, width: number, x: number): number {
  return view.from + (x / Math.max(1, width)) * lengthOf(view);
}

/** Keeps a view within what there is: first by moving it, then by making it shorter. */
export function clampView({ from, to }: View, { first, last }: Limits): View {
  const length = Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, to - from));
  const middle = (from + to) / 2;
  let start = middle - length / 2;
  start = Math.min(start, last + length * AHEAD_SHARE - length);
  // A short history does not make a long view impossible: it only stands at the right.
  start = Math.max(start, Math.min(first, last + length * AHEAD_SHARE - length));
  return { from: start, to: start + length };
}

/** Zooms so that the moment under the pointer stays there. `factor` under 1 zooms in. */
export function zoomAround(view: View, at: number, factor: number, limits: Limits): View {
  const length = Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, lengthOf(view) * factor));
  const share = (at - view.from) / lengthOf(view);
  const from = at - share * length;
  return clampView({ from, to: from + length }, limits);
}

/** Moves by a time; forward for more than 0. */
export function panBy(view: View, ms: number, limits: Limits): View {
  return clampView({ from: view.from + ms, to: view.to + ms }, limits);
}

/** Two fingers: the moments under them stay under them. */
export function pinch(
  view: View,
  width: number,
  before: readonly [number, number],
  after: readonly [number, number],
  limits: Limits,
): View {
  const [a, b] = before.map((x) => atOf(view, width, x)) as [number, number];
  const apart = Math.max(1, Math.abs(after[1] - after[0]));
  const msPerPixel = Math.abs(b - a) / apart;
  const length = Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, msPerPixel * width));
  const from = (a + b) / 2 - ((after[0] + after[1]) / 2 / width) * length;
  return clampView({ from, to: from + length }, limits);
}

/** The same length around a moment, unless that is well in view already. */
export function bringIntoView(view: View, at: number, limits: Limits): View {
  const margin = lengthOf(view) * 0.05;
  if (at >= view.from + margin && at <= view.to - margin) return view;
  return clampView({ from: at - lengthOf(view) / 2, to: at + lengthOf(view) / 2 }, limits);
}

/** The same length, with now near the right edge: what live looks like. */
export function followNow(view: View, now: number, limits: Limits): View {
  const from = now - lengthOf(view) * FOLLOW_AT;
  return clampView({ from, to: from + lengthOf(view) }, limits);
}

/** While something plays: once it leaves by the right edge, the view goes on one page. */
export function followPlaying(view: View, at: number, limits: Limits): View {
  if (at <= view.to - lengthOf(view) * 0.03) return view;
  return clampView({ from: at - lengthOf(view) * 0.15, to: at + lengthOf(view) * 0.85 }, limits);
}
