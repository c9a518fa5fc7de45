// A day as a strip: where there are recordings, and where the player is. A click plays from there.

import type { Segment } from '../api-types.ts';
import { type Day, spanOf } from '../day.ts';

const JOIN_MS = 2_000;
const HOURS = [0, 6, 12, 18, 24] as const;

type Props = {
  readonly day: Day;
  readonly segments: readonly Segment[];
  /** The moment that is playing. */
  readonly position: number | null;
  readonly onPick: (at: number) => void;
};

/** Neighbours joined, clipped to the day. */
function spansOf(segments: readonly Segment[], from: number, to: number): { start: number; end: number }[] {
  const spans: { start: number; end: number }[] = [];
  for (const segment of segments) {
    const start = Math.max(from, Date.parse(segment.start));
    const end = Math.min(to, Date.parse(segment.end));
    const last = spans.at(-1);
    if (last && start - last.end <= JOIN_MS) last.end = Math.max(last.end, end);
    else if (end > start) spans.push({ start, end });
  }
  return spans;
}

export function DayStrip({ day, segments, position, onPick }: Props) {
  const { from, to } = spanOf(day);
  const percent = (at: number) => `${((at - from) / (to - from)) * 100}%`;
  return (
    <div class="day-strip">
      {/* The list beside it does the same for the keyboard; a strip of a day has no steps to tab through. */}
      <button
        type="button"
        class="day-track"
        tabIndex={-1}
        aria-hidden="true"
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          onPick(from + ((event.clientX - box.left) / box.width) * (to - from));
        }}
      >
        {spansOf(segments, from, to).map(({ start, end }) => (
          <i key={start} style={{ left: percent(start), width: `${((end - start) / (to - from)) * 100}%` }} />
        ))}
        {position !== null && position >= from && position < to && <b style={{ left: percent(position) }} />}
      </button>
      <div class="day-hours" aria-hidden="true">
        {HOURS.map((hour) => (
          <span key={hour}>{String(hour).padStart(2, '0')}:00</span>
        ))}
      </div>
    </div>
  );
}
