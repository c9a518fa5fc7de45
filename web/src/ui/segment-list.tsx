// The recordings of a day, by hour, newest first.

import { useState } from 'preact/hooks';
import type { Segment } from '../api-types.ts';
import { urlOf } from '../base.ts';
import * as format from '../format.ts';
import { Button, ButtonLink } from './button.tsx';
import { Icon } from './icons.tsx';

/** The file itself, to be saved. */
export function downloadUrl(segment: Segment): string {
  return urlOf(`api/segments/${encodeURIComponent(segment.id)}/media?download=true`);
}

type Props = {
  readonly segments: readonly Segment[];
  readonly playing: string | null;
  readonly onPlay: (segment: Segment) => void;
  /** Absent for who may not. */
  readonly onProtect?: ((segment: Segment) => void) | undefined;
  readonly onDelete?: ((segment: Segment) => void) | undefined;
};

export function SegmentList({ segments, playing, ...deeds }: Props) {
  const [toggled, setToggled] = useState<ReadonlySet<number>>(new Set());
  const hours = new Map<number, Segment[]>();
  for (const segment of [...segments].reverse()) {
    const hour = new Date(segment.start).getHours();
    const list = hours.get(hour);
    if (list) list.push(segment);
    else hours.set(hour, [segment]);
  }
  const newest = hours.keys().next().value;

  function toggle(hour: number) {
    const next = new Set(toggled);
    if (!next.delete(hour)) next.add(hour);
    setToggled(next);
  }

  return (
    <div class="segments">
      {[...hours].map(([hour, list]) => {
        // Only hours that are looked at are drawn: a day can have thousands of files.
        const usual = hour === newest || list.some(({ id }) => id === playing);
        const open = usual !== toggled.has(hour);
        return (
          <section key={hour} aria-label={format.hour(hour)}>
            <h3>
              <button type="button" class="hour" aria-expanded={open} onClick={() => toggle(hour)}>
                {format.hour(hour)}
                <span>{format.count(list.length)}</span>
              </button>
            </h3>
            {open && (
              <ul>
                {list.map((segment) => (
                  <Line key={segment.id} segment={segment} playing={segment.id === playing} {...deeds} />
                ))}
              </ul>
            )}
          </section>
        );
      })}
    </div>
  );
}

type LineProps = Omit<Props, 'segments' | 'playing'> & { readonly segment: Segment; readonly playing: boolean };

function Line({ segment, playing, onPlay, onProtect, onDelete }: LineProps) {
  const time = format.timeOfDay(segment.start);
  if (segment.open) {
    return (
      <li class={`segment open${playing ? ' playing' : ''}`}>
        <button type="button" onClick={() => onPlay(segment)} aria-label={`Play ${time}, which is being recorded`}>
          <Icon name="play" />
          <span class="time numbers">{time}</span>
          <span class="badge recording">
            <span class="dot" aria-hidden="true" />
            <span>Being recorded</span>
          </span>
        </button>
      </li>
    );
  }
  return (
    <li class={`segment${playing ? ' playing' : ''}`}>
      <button
        type="button"
        onClick={() => onPlay(segment)}
        aria-label={`Play ${time}`}
        {...(playing ? { 'aria-current': 'true' as const } : {})}
      >
        <Icon name="play" />
        <span class="time">{time}</span>
        <span class="about">
          {format.duration(segment.durationMs)} · {format.bytes(segment.bytes)}
          {segment.format === 'mjpeg' ? ' · JPEG' : ''}
        </span>
      </button>
      {onProtect ? (
        <Button
          kind="quiet"
          icon={segment.protected ? 'lock' : 'unlock'}
          pressed={segment.protected}
          label={segment.protected ? `Let ${time} go when its time has come` : `Keep ${time} for good`}
          onClick={() => onProtect(segment)}
        />
      ) : (
        segment.protected && <Icon name="lock" />
      )}
      <ButtonLink href={downloadUrl(segment)} kind="quiet" icon="download" label={`Download ${time}`} download />
      {onDelete && <Button kind="quiet" icon="trash" label={`Delete ${time}`} onClick={() => onDelete(segment)} />}
    </li>
  );
}
