// What happened, newest first, as it happens.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { EventEntry } from '../api-types.ts';
import { cameraOf, cameras } from '../cameras.ts';
import { onFact } from '../events.ts';
import * as format from '../format.ts';
import { href } from '../router.ts';
import { eventSentence, eventTone } from '../ui/event-text.ts';
import { SelectField } from '../ui/field.tsx';
import { Empty, Notice, Waiting } from '../ui/notice.tsx';
import { ShowOlder } from '../ui/show-older.tsx';
import { useTitle } from '../ui/title.ts';

const PAGE_SIZE = 100;
const RELOAD_DELAY_MS = 500;
const ALL = '';

export function EventsPage() {
  useTitle('Events');
  const [camera, setCamera] = useState(ALL);
  return (
    <>
      <div class="page-head">
        <h1>Events</h1>
      </div>
      <div class="filters">
        <SelectField
          label="Camera"
          value={camera}
          options={[
            { value: ALL, label: 'All cameras' },
            ...(cameras.value ?? []).map(({ slug, name }) => ({ value: slug, label: name })),
          ]}
          onValue={setCamera}
        />
      </div>
      <EventList camera={camera} key={camera} />
    </>
  );
}

function EventList({ camera }: { camera: string }) {
  const [events, setEvents] = useState<readonly EventEntry[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);

  async function load(cursor?: string): Promise<void> {
    const result = await api.events({ camera: camera === ALL ? undefined : camera, cursor, limit: PAGE_SIZE });
    if (!result.ok) return setError(result.error.message);
    setError(null);
    setEvents((before) => {
      if (cursor) return [...(before ?? []), ...result.value.events];
      // A newer first page over the pages that were already opened.
      const known = new Set(result.value.events.map((event) => event.id));
      return [...result.value.events, ...(before ?? []).filter((event) => !known.has(event.id))];
    });
    setNext((before) => (cursor === undefined && before !== null ? before : result.value.next));
  }

  useEffect(() => {
    void load();
    let timer: number | undefined;
    const off = onFact(({ name }) => {
      if (name === 'camera.status') return;
      clearTimeout(timer);
      timer = window.setTimeout(() => void load(), RELOAD_DELAY_MS);
    });
    return () => {
      off();
      clearTimeout(timer);
    };
  }, []);

  if (error && !events) return <Notice kind="bad">{error}</Notice>;
  if (!events) return <Waiting what="Reading the events" />;
  if (events.length === 0) {
    return (
      <Empty icon="bell" title="Nothing happened yet">
        <p>When a camera goes away, comes back or is recorded, it is written down here.</p>
      </Empty>
    );
  }
  return (
    <>
      {error && <Notice kind="bad">{error}</Notice>}
      <section class="card" aria-label="Events">
        <ul class="rows">
          {events.map((event) => (
            <EventLine key={event.id} event={event} />
          ))}
        </ul>
      </section>
      {next && <ShowOlder load={() => load(next)} />}
    </>
  );
}

function EventLine({ event }: { event: EventEntry }) {
  const slug = event.slug ?? event.camera ?? null;
  const camera = slug ? cameraOf(slug) : undefined;
  return (
    <li class="row">
      <span class="event-time" title={format.instant(event.at)}>
        {format.moment(event.at)}
      </span>
      <span class={`badge ${eventTone(event)}`}>
        <span class="dot" aria-hidden="true" />
        {camera ? <a href={href('camera', camera.slug)}>{camera.name}</a> : <span>{slug ?? 'Perch'}</span>}
      </span>
      <span class="grow">{eventSentence(event)}</span>
    </li>
  );
}
