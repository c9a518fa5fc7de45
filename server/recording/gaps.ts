// Why a moment was not recorded. Pure: what holds for a camera now, and what the journal and the recordings say of a span.

import type { CameraState } from '../core/camera-status.ts';
import type { GapReason, Span, WatchCondition } from '../store/gaps.ts';

/** Recordings closer than this are one: the contract of the timeline. */
export const JOIN_MS = 1000;
/** Holes at the live edge up to this are pictures still on their way to the file. */
export const PENDING_MS = 10_000;

/** A hole with its reason. */
export type Gap = Span & { readonly reason: GapReason };

/** What decides whether a camera is being recorded. */
export type WatchFacts = {
  /** Mode, schedule or hand want it, whether the camera is enabled or not. */
  readonly wanted: boolean;
  readonly enabled: boolean;
  readonly state: CameraState;
  readonly released: boolean;
  readonly storage: 'ok' | 'full' | 'missing';
  /** How the recorder failed, until it writes again. */
  readonly failure: 'none' | 'exhausted' | 'other';
};

/** What holds; `null`: nobody wants a recording. What the user did comes before what went wrong. */
export function chooseCondition(facts: WatchFacts): WatchCondition | null {
  const { wanted, enabled, state, released, storage, failure } = facts;
  if (!wanted) return null;
  if (!enabled) return 'cameraDisabled';
  if (released) return 'released';
  if (storage === 'missing') return 'storageMissing';
  if (storage === 'full') return 'diskFull';
  if (state === 'refused') return 'refused';
  if (state !== 'live') return 'offline';
  if (failure === 'none') return 'recording';
  return failure === 'exhausted' ? 'diskFull' : 'recorderFailed';
}

/** Sorted spans, those less than `joinMs` apart made one. */
export function joinSpans(spans: readonly Span[], joinMs = JOIN_MS): Span[] {
  const joined: { startAt: number; endAt: number }[] = [];
  for (const { startAt, endAt } of [...spans].sort((a, b) => a.startAt - b.startAt)) {
    const last = joined.at(-1);
    if (last && startAt - last.endAt < joinMs) last.endAt = Math.max(last.endAt, endAt);
    else if (endAt > startAt) joined.push({ startAt, endAt });
  }
  return joined;
}

/** The part of a span inside `[from, to)`; `null` when there is none. */
export function clipSpan<S extends Span>(span: S, from: number, to: number): S | null {
  const startAt = Math.max(from, span.startAt);
  const endAt = Math.min(to, span.endAt);
  return endAt > startAt ? { ...span, startAt, endAt } : null;
}

/** What is left of `spans` without `holes`. Both sorted, `holes` joined. */
export function subtractSpans<S extends Span>(spans: readonly S[], holes: readonly Span[]): S[] {
  const left: S[] = [];
  let first = 0;
  for (const span of spans) {
    let { startAt } = span;
    while (first < holes.length && holes[first]!.endAt <= startAt) first++;
    for (let n = first; n < holes.length && holes[n]!.startAt < span.endAt; n++) {
      const hole = holes[n]!;
      if (hole.startAt > startAt) left.push({ ...span, startAt, endAt: hole.startAt });
      startAt = Math.max(startAt, hole.endAt);
    }
    if (startAt < span.endAt) left.push({ ...span, startAt });
  }
  return left;
}

/** What is known of a span, everything sorted by time and reaching a little beyond it. */
export type GapInput = {
  /** Joined; the segments being written too. */
  readonly recorded: readonly Span[];
  readonly deleted: readonly Span[];
  /** What was recorded on a clock that was set back later, and had to give its time away; by begin, may overlap. */
  readonly displaced?: readonly Span[];
  /** Without open ends. */
  readonly watched: readonly (Span & { readonly condition: WatchCondition })[];
  /** Live edge: holes there are not explained yet. */
  readonly nowMs: number;
  /** Whether a segment is open: then what follows its last flushed picture is on its way, however slow the camera is. */
  readonly writing: boolean;
  /** Why the recording before a moment ended. */
  readonly endReasonBefore: (at: number) => string | null;
};

/** Every moment that should be recorded and is not, with its reason. */
export function chooseGaps(input: GapInput): Gap[] {
  const { recorded, deleted, watched } = input;
  const erased = subtractSpans(joinSpans(deleted), recorded);
  const settled = flatten(watched);
  const gaps: Gap[] = erased.map((span) => ({ ...span, reason: 'deleted' as const }));
  const numbered = settled.map((span, n) => ({ ...span, n }));
  for (const { n, startAt, endAt, condition } of subtractSpans(subtractSpans(numbered, recorded), erased)) {
    const before = settled[n - 1];
    const hole = { startAt, endAt };
    const reason = condition === 'recording' ? explain(hole, settled[n]!, before, settled[n + 1], input) : condition;
    if (reason) gaps.push({ ...hole, reason });
  }
  return joinGaps(gaps);
}

type Watched = Span & { readonly condition: WatchCondition };

/**
 * A hole although all was well: what came after or before is found out late (a camera is missed some seconds after its last
 * picture), so it is their reason; else what the recording before says of its end.
 */
function explain(
  hole: Span,
  span: Watched,
  before: Watched | undefined,
  after: Watched | undefined,
  { nowMs, writing, endReasonBefore, displaced = [] }: GapInput,
): GapReason | null {
  const touches = (a: Watched | undefined, at: 'startAt' | 'endAt') =>
    a && a[at] === (at === 'startAt' ? span.endAt : span.startAt);
  if (hole.endAt >= span.endAt) {
    if (hole.endAt >= nowMs && (writing || hole.endAt - hole.startAt < PENDING_MS)) return null;
    if (touches(after, 'startAt') && after!.condition !== 'recording') return after!.condition as GapReason;
    // The last picture's own time, before an end that was wanted.
    if (!touches(after, 'startAt') && hole.endAt < nowMs && hole.endAt - hole.startAt < JOIN_MS) return null;
  }
  if (hole.startAt <= span.startAt) {
    if (touches(before, 'endAt') && before!.condition !== 'recording') return before!.condition as GapReason;
    if (!touches(before, 'endAt')) return hole.endAt - hole.startAt < JOIN_MS ? null : 'offline';
  }
  switch (endReasonBefore(hole.startAt + 1)) {
    case 'offline':
      return 'offline';
    case 'clockStep':
      return 'clockStep';
    case 'crash':
    case 'shutdown':
      return 'perchDown';
    default:
      // Something was recorded here and had to give its time away to a recording that ended before it did.
      if (displaced.some(({ startAt, endAt }) => startAt <= hole.startAt && hole.startAt < endAt)) return 'clockStep';
      return 'recorderFailed';
  }
}

/** The journal without overlaps (a clock that was set back): what was written later holds. */
function flatten(watched: readonly Watched[]): Watched[] {
  const flat: Watched[] = [];
  for (const span of watched) {
    if (span.endAt <= span.startAt) continue;
    const last = flat.at(-1);
    if (last && span.startAt < last.endAt) {
      flat.pop();
      if (last.startAt < span.startAt) flat.push({ ...last, endAt: span.startAt });
      flat.push(span);
      if (last.endAt > span.endAt) flat.push({ ...last, startAt: span.endAt });
    } else flat.push(span);
  }
  return flat;
}

function joinGaps(gaps: readonly Gap[]): Gap[] {
  const joined: { startAt: number; endAt: number; reason: GapReason }[] = [];
  for (const gap of [...gaps].sort((a, b) => a.startAt - b.startAt)) {
    const last = joined.at(-1);
    if (last && last.endAt >= gap.startAt && last.reason === gap.reason) last.endAt = Math.max(last.endAt, gap.endAt);
    else joined.push({ ...gap });
  }
  return joined;
}
