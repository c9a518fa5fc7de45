// The recordings of a day, by hour, newest first.

import { useState } from 'preact/hooks';
import type { Segment } from '../api-types.ts';
import * as format from '../format.ts';
import { ButtonLink } from './button.tsx';
import { Icon } from './icons.tsx';
import { downloadUrl } from './segment-player.tsx';

type Props = {
  readonly segments: readonly Segment[];
  readonly playing: string | null;
  readonly onPlay: (segment: Segment) => void;
};

export function SegmentList({ segments, playing, onPlay }: Props) {
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
                  <Line key={segment.id} segment={segment} playing={segment.id === playing} onPlay={onPlay} />
                ))}
              </ul>
            )}
          </section>
        );
      })}
    </div>
  );
}

type LineProps = { readonly segment: Segment; readonly playing: boolean; readonly onPlay: (segment: Segment) => void };

function Line({ segment, playing, onPlay }: LineProps) {
  const time = format.timeOfDay(segment.start);
  if (segment.open) {
    return (
      <li class="segment open">
        <span class="time numbers">{time}</span>
        <span class="badge recording">
          <span class="dot" aria-hidden="true" />
          Being recorded
        </span>
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
      <ButtonLink href={downloadUrl(segment)} kind="quiet" icon="download" label={`Download ${time}`} download />
    </li>
  );
}
