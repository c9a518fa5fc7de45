// When to record: a grid of the week's hours for the common case, and rules in words for the rest. Both are the same list.

import { useRef } from 'preact/hooks';
import type { ScheduleRule } from '../api-types.ts';
import { DAY_NAMES, HOURS, readWeek, type Week, writeWeek } from '../week.ts';
import { Button } from './button.tsx';
import { SelectField, TextField } from './field.tsx';

const NEW_RULE = { cron: '30 8 * * 1-5', durationMinutes: 60 };

/** The zone of whoever looks: the grid is drawn in it. */
export const browserZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Stands for a rule without a zone. */
const SERVER_ZONE = '';

/** All zones, the one in use among them however it is spelled. */
function zones(used: string | undefined): { value: string; label: string }[] {
  const known = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
  const all = used === undefined || known.includes(used) ? known : [used, ...known];
  return [{ value: SERVER_ZONE, label: "Perch's own" }, ...all.map((zone) => ({ value: zone, label: zone }))];
}

function withZone({ cron, durationMinutes }: ScheduleRule, timezone: string): ScheduleRule {
  return timezone === SERVER_ZONE ? { cron, durationMinutes } : { cron, durationMinutes, timezone };
}

type Props = {
  readonly rules: readonly ScheduleRule[];
  readonly onRules: (rules: readonly ScheduleRule[]) => void;
};

export function ScheduleEditor({ rules, onRules }: Props) {
  const known = rules.find(
    (rule) => rule.timezone !== undefined && readWeek([rule], rule.timezone).others.length === 0,
  );
  const zone = known?.timezone ?? browserZone();
  const { week, others } = readWeek(rules, zone);
  const change = (at: number, rule: ScheduleRule | null) =>
    onRules([...writeWeek(week, zone), ...others.flatMap((other, n) => (n === at ? (rule ? [rule] : []) : [other]))]);
  return (
    <fieldset class="field schedule">
      <legend>Schedule</legend>
      <WeekGrid week={week} onWeek={(next) => onRules([...writeWeek(next, zone), ...others])} />
      <p class="hint">Click or drag over hours. Times are those of {zone}.</p>
      {others.map((rule, at) => (
        <div class="form-row rule" key={at}>
          <TextField
            label="Begins (cron)"
            value={rule.cron}
            maxLength={200}
            required
            onValue={(cron) => change(at, { ...rule, cron })}
          />
          <TextField
            label="Minutes"
            type="number"
            min={1}
            step="any"
            required
            value={String(rule.durationMinutes)}
            onValue={(minutes) => change(at, { ...rule, durationMinutes: Number(minutes) })}
          />
          <SelectField
            label="Time zone"
            value={rule.timezone ?? SERVER_ZONE}
            options={zones(rule.timezone)}
            onValue={(timezone) => change(at, withZone(rule, timezone))}
          />
          <Button onClick={() => change(at, null)}>Remove</Button>
        </div>
      ))}
      <Button onClick={() => onRules([...rules, { ...NEW_RULE, timezone: zone }])}>Add other times</Button>
    </fieldset>
  );
}

/** Buttons in rows of a day; arrows move, dragging paints what the first hour became. */
function WeekGrid({ week, onWeek }: { week: Week; onWeek: (week: Week) => void }) {
  const paint = useRef<boolean | null>(null);
  const latest = useRef(week);
  latest.current = week;
  const set = (hour: number, on: boolean) => {
    if (latest.current[hour] === on) return;
    latest.current = latest.current.map((before, at) => (at === hour ? on : before));
    onWeek(latest.current);
  };
  function move(event: KeyboardEvent, hour: number) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -HOURS, ArrowDown: HOURS }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const grid = (event.currentTarget as HTMLElement).closest('.week');
    grid?.querySelector<HTMLElement>(`[data-hour="${hour + step}"]`)?.focus();
  }
  return (
    <fieldset class="week" aria-label="Hours of the week">
      {DAY_NAMES.map((name, day) => (
        <div class="week-day" key={name}>
          <span>{name}</span>
          {Array.from({ length: HOURS }, (_, n) => day * HOURS + n).map((hour) => (
            <button
              key={hour}
              class="week-hour"
              type="button"
              data-hour={hour}
              tabIndex={hour === 0 ? 0 : -1}
              aria-pressed={week[hour] === true}
              aria-label={`${name} ${hour % HOURS}:00`}
              onKeyDown={(event) => move(event, hour)}
              onPointerDown={(event) => {
                (event.target as Element).releasePointerCapture?.(event.pointerId);
                paint.current = !week[hour];
                addEventListener('pointerup', () => (paint.current = null), { once: true });
              }}
              onPointerEnter={() => paint.current !== null && set(hour, paint.current)}
              onPointerLeave={() => paint.current !== null && set(hour, paint.current)}
              onClick={() => set(hour, !latest.current[hour])}
            />
          ))}
        </div>
      ))}
      <div class="week-day hours" aria-hidden="true">
        <span />
        {[0, 6, 12, 18].map((hour) => (
          <i key={hour}>{hour}</i>
        ))}
      </div>
    </fieldset>
  );
}
