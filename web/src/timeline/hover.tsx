// What is under the pointer: the time, whether it is recorded or why not, and a small picture of it.

import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { fetchMedia } from '../api.ts';
import type { CameraInfo } from '../api-types.ts';
import * as format from '../format.ts';
import { eventSentence } from '../ui/event-text.ts';
import { foundSentence } from './gap-text.ts';
import type { Mark } from './rows.ts';
import type { Found } from './spans.ts';

/** Where the pointer rests. `x`, `y` are of the window. */
export type Hover = {
  readonly at: number;
  readonly camera: CameraInfo;
  readonly found: Found;
  readonly mark: Mark | null;
  readonly x: number;
  readonly top: number;
};

/** Pictures are asked for when the pointer rests, and for moments so far apart. */
const REST_MS = 90;
const STEP_MS = 2000;
const KEPT = 120;
const WIDTH = 232;
const EDGE = 8;

/** Object URLs by camera and moment, the oldest first. */
const kept = new Map<string, string>();

function keep(name: string, url: string): void {
  kept.set(name, url);
  if (kept.size <= KEPT) return;
  const [oldest, oldUrl] = kept.entries().next().value ?? ['', ''];
  kept.delete(oldest);
  URL.revokeObjectURL(oldUrl);
}

/** A small picture of a moment: one is fetched at a time, and given up when the pointer goes on. */
function usePicture(camera: CameraInfo, at: number | null): { url: string | null; wanted: boolean } {
  const moment = at === null ? null : Math.floor(at / STEP_MS) * STEP_MS;
  const name = moment === null ? '' : `${camera.id} ${moment}`;
  const [, redraw] = useState(0);
  useEffect(() => {
    if (moment === null || kept.has(name)) return;
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      // The exact moment: what was rounded down may lie before the recording.
      const path = `api/cameras/${encodeURIComponent(camera.slug)}/thumbnail.jpg?at=${new Date(at ?? moment).toISOString()}`;
      const reply = await fetchMedia(path, null, abort.signal);
      if (!reply.ok) return;
      keep(name, URL.createObjectURL(new Blob([reply.bytes], { type: 'image/jpeg' })));
      redraw((count) => count + 1);
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [name]);
  return { url: kept.get(name) ?? null, wanted: moment !== null };
}

export const hovered = signal<Hover | null>(null);

export function HoverCard() {
  const hover = hovered.value;
  return hover && <Card hover={hover} />;
}

function Card({ hover }: { hover: Hover }) {
  const { at, camera, found, mark, x, top } = hover;
  const ref = useRef<HTMLDivElement>(null);
  const last = useRef<string | null>(null);
  const { url, wanted } = usePicture(camera, found.kind === 'recorded' ? at : null);
  if (url) last.current = url;
  if (!wanted) last.current = null;
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box) return;
    const left = Math.max(EDGE, Math.min(innerWidth - WIDTH - EDGE, x - WIDTH / 2));
    const height = box.offsetHeight;
    const above = top - height - EDGE;
    box.style.left = `${left}px`;
    box.style.top = `${above > EDGE ? above : top + 44}px`;
  });
  return (
    <div class="tl-hover" ref={ref} role="tooltip">
      {wanted && (
        <div class={`tl-thumb${url ? '' : ' old'}`}>
          {last.current && <img src={last.current} alt="" width={WIDTH} />}
        </div>
      )}
      <div class="tl-hover-text">
        <strong class="numbers">
          {format.moment(at).includes(',') ? `${format.day(at)}, ${format.timeOfDay(at)}` : format.timeOfDay(at)}
        </strong>
        <span class="soft">{camera.name}</span>
        <span class={found.kind === 'gap' ? 'tl-why' : 'soft'}>{foundSentence(found)}</span>
        {mark && <span>{eventSentence(mark.event)}</span>}
      </div>
    </div>
  );
}
