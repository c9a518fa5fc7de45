// Timelines as the interface shows them.

import Type from 'typebox';
import { NvrError } from '../../core/nvr-error.ts';
import type { TimelineSpans } from '../../recording/timeline.ts';
import { IsoTime, isoTime, type Of, OneOf, parseTime, strict } from './common.ts';
import { EventReply } from './event.ts';

/** Longest span of a timeline: a leap year and a day. */
const MAX_TIMELINE_MS = 367 * 86_400_000;

/** Which span. */
export const SpanQuery = Type.Object({ from: IsoTime, to: IsoTime }, strict);

const Recorded = Type.Array(Type.Object({ start: IsoTime, end: IsoTime }));
const Gaps = Type.Array(
  Type.Object({
    start: IsoTime,
    end: IsoTime,
    reason: OneOf([
      ...['offline', 'refused', 'cameraDisabled', 'released', 'recorderFailed', 'perchDown', 'diskFull'],
      ...['storageMissing', 'clockStep', 'deleted'],
    ]),
  }),
);

/** One camera's timeline. */
export const TimelineReply = Type.Object({
  recorded: Recorded,
  gaps: Gaps,
  events: Type.Array(EventReply, { description: 'Newest first, at most 500' }),
});

/** Timelines of all cameras. */
export const TimelinesReply = Type.Object({
  now: Type.String({ format: 'date-time', description: "The server's clock: what a page takes for the live edge" }),
  cameras: Type.Array(Type.Object({ id: Type.String(), slug: Type.String(), recorded: Recorded, gaps: Gaps })),
});

/** Spans for a reply. */
export function timelineView({ recorded, gaps }: TimelineSpans): Pick<Of<typeof TimelineReply>, 'recorded' | 'gaps'> {
  const times = ({ startAt, endAt }: { startAt: number; endAt: number }) => ({
    start: isoTime(startAt),
    end: isoTime(endAt),
  });
  return { recorded: recorded.map(times), gaps: gaps.map((gap) => ({ ...times(gap), reason: gap.reason })) };
}

/** The span of a request. @throws NvrError `bad_input` naming what is wrong */
export function parseSpan(query: { from: string; to: string }, mostMs = MAX_TIMELINE_MS): { from: number; to: number } {
  const from = parseTime(query.from, 'from');
  const to = parseTime(query.to, 'to');
  if (to <= from) throw new NvrError('bad_input', 'to must be after from');
  if (to - from > mostMs) {
    const hours = Math.round(mostMs / 3_600_000);
    const most = hours > 48 ? `${Math.round(hours / 24)} days` : `${hours} hours`;
    throw new NvrError('bad_input', `from and to may be at most ${most} apart`);
  }
  return { from, to };
}
