// A month with the days on which a camera was recorded; a press goes there. Keys as in every calendar.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo } from '../api-types.ts';
import { type Day, dayOf } from '../day.ts';
import * as format from '../format.ts';
import { Button } from '../ui/button.tsx';
import { dayForKey, fillMonth, type Month, monthAfter, monthOf, monthSpan } from './calendar-days.ts';
import { parseRow, type Row } from './spans.ts';

const monthName = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric' });
const weekdayName = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const longDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });
/** Of a Sunday. */
const SUNDAY = new Date(2026, 0, 4);
const FULL_DAY_MS = 86_400_000;

/** 0 Sunday, 1 Monday: as the reader's country has it. */
function firstWeekday(): number {
  try {
    const locale = new Intl.Locale(navigator.language) as Intl.Locale & {
      getWeekInfo?: () => { firstDay: number };
      weekInfo?: { firstDay: number };
    };
    return ((locale.getWeekInfo?.() ?? locale.weekInfo)?.firstDay ?? 1) % 7;
  } catch {
    return 1;
  }
}

type Props = {
  readonly camera: CameraInfo;
  /** The day that is shown. */
  readonly day: Day;
  readonly today: Day;
  readonly onDay: (day: Day) => void;
};

export function Calendar({ camera, day, today, onDay }: Props) {
  const [month, setMonth] = useState<Month>(monthOf(day));
  const [focused, setFocused] = useState<Day>(day);
  const [row, setRow] = useState<Row | null>(null);
  const [oldest, setOldest] = useState<Month | null>(null);
  const [error, setError] = useState<string | null>(null);
  const grid = useRef<HTMLTableElement>(null);
  const wantsFocus = useRef(true);
  const first = firstWeekday();

  useEffect(() => {
    void api.days(camera.slug).then((result) => {
      const [oldestDay] = result.ok ? result.value : [];
      // Their days are UTC's: the reader's may be the one before.
      if (oldestDay) setOldest(monthOf(dayOf(Date.parse(oldestDay.day) - FULL_DAY_MS / 2)));
    });
  }, [camera.id]);

  useEffect(() => {
    const abort = new AbortController();
    const { from, to } = monthSpan(month, first);
    const span = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    setRow(null);
    void api.timeline(camera.slug, span, abort.signal).then((result) => {
      if (abort.signal.aborted) return;
      if (result.ok) setRow(parseRow(result.value));
      setError(result.ok ? null : result.error.message);
    });
    return () => abort.abort();
  }, [camera.id, month]);

  useEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    // A dialog takes the focus for its first button when it opens: after that.
    requestAnimationFrame(() => grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus());
  }, [focused, month]);

  const days = fillMonth(month, first, row ?? { recorded: [], gaps: [] });
  const weeks = Array.from({ length: days.length / 7 }, (_, n) => days.slice(n * 7, n * 7 + 7));
  const title = monthName.format(new Date(`${month}-15T12:00:00`));
  const inGrid = days.some((one) => one.inMonth && one.day === focused) ? focused : `${month}-01`;

  function turn(months: number) {
    setMonth((now) => monthAfter(now, months));
  }

  return (
    <div class="tl-calendar">
      <div class="tl-calendar-head">
        <Button
          kind="quiet"
          icon="back"
          label="The month before"
          disabled={oldest !== null && month <= oldest}
          onClick={() => turn(-1)}
        />
        <strong aria-live="polite">{title}</strong>
        <Button
          kind="quiet"
          icon="next"
          label="The month after"
          disabled={month >= monthOf(today)}
          onClick={() => turn(1)}
        />
      </div>
      <table
        ref={grid}
        aria-label={title}
        onKeyDown={(event) => {
          const next = dayForKey(inGrid, event.key);
          if (!next) return;
          event.preventDefault();
          event.stopPropagation();
          wantsFocus.current = true;
          const bounded = next > today ? today : next;
          setFocused(bounded);
          setMonth(monthOf(bounded));
        }}
      >
        <thead>
          <tr>
            {Array.from({ length: 7 }, (_, n) => {
              const date = new Date(SUNDAY.getFullYear(), 0, SUNDAY.getDate() + ((first + n) % 7));
              return (
                <th scope="col" key={n}>
                  {weekdayName.format(date)}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]?.day}>
              {week.map(({ day: one, inMonth, recordedMs }) => (
                <td key={one}>
                  <button
                    type="button"
                    aria-pressed={one === day}
                    class={`tl-day${inMonth ? '' : ' other'}${recordedMs > 0 ? ' recorded' : ''}`}
                    tabIndex={one === inGrid ? 0 : -1}
                    disabled={one > today}
                    aria-label={dayName(one, row === null ? null : recordedMs)}
                    {...(one === today ? { 'aria-current': 'date' as const } : {})}
                    onClick={() => onDay(one)}
                  >
                    {Number(one.slice(8))}
                    <i style={{ '--share': String(Math.min(1, recordedMs / FULL_DAY_MS)) }} />
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p class={error ? 'bad-text small' : 'soft small'} role={error ? 'alert' : 'note'}>
        {error ?? `Days on which ${camera.name} was recorded have a bar.`}
      </p>
    </div>
  );
}

function dayName(day: Day, recordedMs: number | null): string {
  const name = longDay.format(new Date(`${day}T12:00:00`));
  if (recordedMs === null) return name;
  return recordedMs > 0 ? `${name}: ${format.duration(recordedMs)} recorded` : `${name}: nothing recorded`;
}
