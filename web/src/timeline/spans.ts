// What is recorded and what is missing, as the timeline keeps it: sorted spans, spliced when newer ones arrive, searched
// for what is under the pointer. Pure. Times are epoch milliseconds.

import type { GapReason } from '../api-types.ts';

export type Span = { readonly from: number; readonly to: number };
export type GapSpan = Span & { readonly reason: GapReason };

/** One camera's row. Both sorted, without overlaps. */
export type Row = { readonly recorded: readonly Span[]; readonly gaps: readonly GapSpan[] };

export const EMPTY_ROW: Row = { recorded: [], gaps: [] };
/** Recordings closer than this are one: the contract of the timeline. */
const JOIN_MS = 1000;

type ApiSpan = { readonly start: string; readonly end: string };
type ApiRow = {
  readonly recorded: readonly ApiSpan[];
  readonly gaps: readonly (ApiSpan & { readonly reason: GapReason })[];
};

/** A row as the API tells it. */
export function parseRow({ recorded, gaps }: ApiRow): Row {
  const times = ({ start, end }: ApiSpan) => ({ from: Date.parse(start), to: Date.parse(end) });
  return { recorded: recorded.map(times), gaps: gaps.map((gap) => ({ ...times(gap), reason: gap.reason })) };
}

function spliced<S extends Span>(
  old: readonly S[],
  fresh: readonly S[],
  at: Span,
  joins: (a: S, b: S) => boolean,
): S[] {
  const before = old
    .filter(({ from }) => from < at.from)
    .map((span) => (span.to > at.from ? cut(span, at.from) : span));
  const after = old.filter(({ to }) => to > at.to).map((span) => (span.from < at.to ? { ...span, from: at.to } : span));
  const all: S[] = [];
  for (const span of [...before, ...fresh, ...after]) {
    const last = all.at(-1);
    if (last && joins(last, span)) all[all.length - 1] = { ...last, to: Math.max(last.to, span.to) };
    else all.push(span);
  }
  return all;
}

const cut = <S extends Span>(span: S, to: number): S => ({ ...span, to });

/** Replaces what was known of a span by what is known now. */
export function spliceRow(old: Row, fresh: Row, span: Span): Row {
  return {
    recorded: spliced(old.recorded, fresh.recorded, span, (a, b) => b.from - a.to < JOIN_MS),
    gaps: spliced(old.gaps, fresh.gaps, span, (a, b) => b.from <= a.to && a.reason === b.reason),
  };
}

/** Index of the first span that ends after a moment: binary search, rows can have thousands. */
export function firstEndingAfter(spans: readonly Span[], at: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.to > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The span that holds a moment. @param slack how far beside it still counts: a hair of a gap must be findable */
export function spanAt<S extends Span>(spans: readonly S[], at: number, slack = 0): S | null {
  const found = spans[firstEndingAfter(spans, at)];
  if (found && found.from <= at) return found;
  if (slack === 0) return null;
  const before = spans[firstEndingAfter(spans, at) - 1];
  const near = [before, found].filter((span) => span !== undefined);
  const distance = ({ from, to }: Span) => (at < from ? from - at : at - to);
  const [closest] = near.sort((a, b) => distance(a) - distance(b));
  return closest && distance(closest) <= slack ? closest : null;
}

/** What is under the pointer. */
export type Found =
  | { readonly kind: 'recorded'; readonly span: Span }
  | { readonly kind: 'gap'; readonly span: GapSpan }
  | { readonly kind: 'future' }
  | { readonly kind: 'nothing' };

/** @param slack time of two or three pixels: narrow gaps are found before wide recordings */
export function findAt(row: Row, at: number, now: number, slack: number): Found {
  const exact = spanAt(row.gaps, at);
  if (exact) return { kind: 'gap', span: exact };
  const near = spanAt(row.gaps, at, slack);
  if (near && near.to - near.from < 2 * slack) return { kind: 'gap', span: near };
  const span = spanAt(row.recorded, at);
  if (span) return { kind: 'recorded', span };
  if (near) return { kind: 'gap', span: near };
  return at > now ? { kind: 'future' } : { kind: 'nothing' };
}

/** The first recorded moment at or after `at`; `null`: none. */
export function nextRecorded(row: Row, at: number): number | null {
  const span = row.recorded[firstEndingAfter(row.recorded, at)];
  return span ? Math.max(at, span.from) : null;
}

/** Where to play when somebody asks for a moment: there, else the next recording, else the end of the last one. */
export function nearestRecorded(row: Row, at: number): number | null {
  const next = nextRecorded(row, at);
  if (next !== null) return next;
  const last = row.recorded.at(-1);
  return last ? Math.max(last.from, last.to - 5 * JOIN_MS) : null;
}

/** Spans to draw at this zoom: what is closer together than a pixel is drawn as one. */
export function mergeForPixels<S extends Span>(
  spans: readonly S[],
  view: Span,
  pixelMs: number,
  same: (a: S, b: S) => boolean = () => true,
): S[] {
  const drawn: S[] = [];
  for (let n = firstEndingAfter(spans, view.from); n < spans.length; n++) {
    const span = spans[n]!;
    if (span.from >= view.to) break;
    const last = drawn.at(-1);
    if (last && span.from - last.to < pixelMs / 2 && same(last, span)) drawn[drawn.length - 1] = cut(last, span.to);
    else drawn.push(span);
  }
  return drawn;
}

/** Recorded time in a span, in milliseconds. */
export function recordedIn(row: Row, { from, to }: Span): number {
  let sum = 0;
  for (let n = firstEndingAfter(row.recorded, from); n < row.recorded.length; n++) {
    const span = row.recorded[n]!;
    if (span.from >= to) break;
    sum += Math.min(to, span.to) - Math.max(from, span.from);
  }
  return sum;
}
