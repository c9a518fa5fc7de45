// What is recorded, what is missing and why: from the joined runs and the journal alone, no file is looked at.

import type { Clock } from '../core/clock.ts';
import type { GapTable, Span } from '../store/gaps.ts';
import { chooseGaps, clipSpan, type Gap, JOIN_MS, joinSpans } from './gaps.ts';

/** Holes and recordings up to this far outside the span still say something about its edges. */
const MARGIN_MS = 60_000;

/** What a timeline is made from. */
export type TimelineOptions = {
  readonly gaps: GapTable;
  readonly clock: Pick<Clock, 'wallMs'>;
  /** What is being written and closed now, up to what is surely on disk. */
  readonly unindexed: (camera: string) => readonly (Span & { readonly open: boolean })[];
};

/** One camera's timeline, clipped to what was asked for. */
export type TimelineSpans = { readonly recorded: Span[]; readonly gaps: Gap[] };

/** See the head of this file. */
export class Timeline {
  readonly #options: TimelineOptions;

  constructor(options: TimelineOptions) {
    this.#options = options;
  }

  /** The wall clock that spans are measured with. */
  get nowMs(): number {
    return Math.ceil(this.#options.clock.wallMs());
  }

  /** Every moment of `[from, to)`: recorded, a gap with a reason, or nothing that should have been recorded. */
  read(camera: string, from: number, to: number): TimelineSpans {
    const { gaps, unindexed } = this.#options;
    const now = this.nowMs;
    const writing = unindexed(camera);
    const [first, last] = [from - MARGIN_MS, to + MARGIN_MS];
    const recorded = joinSpans([...gaps.recorded(camera, first, last), ...writing], JOIN_MS);
    const clip = <S extends Span>(spans: readonly S[], start = from, end = to) =>
      spans.flatMap((span) => clipSpan(span, start, end) ?? []);
    const watched = gaps.watched(camera, first, last).map(({ startAt, endAt, condition }) => {
      return { startAt, endAt: Math.min(endAt ?? now, now), condition };
    });
    const missing = chooseGaps({
      ...{ recorded, watched: clip(watched, first, last), deleted: gaps.deleted(camera, first, last), nowMs: now },
      displaced: gaps.displaced(camera, first, last),
      writing: writing.some(({ open }) => open),
      endReasonBefore: (at) => gaps.endReasonBefore(camera, at),
    });
    return { recorded: clip(recorded), gaps: clip(missing) };
  }
}
