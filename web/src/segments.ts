// The recordings of one camera and day, kept in step: read once, then only what is new.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from './api.ts';
import type { Segment } from './api-types.ts';
import { type Day, spanOf } from './day.ts';
import { onFact, onReconnect } from './events.ts';
import { mergeSegments } from './merge-segments.ts';

const PAGE_SIZE = 1000;
// A day of two-second files is 43,200: more than anybody reads. What is left out is said.
const MAX_SEGMENTS = 10_000;
const RELOAD_DELAY_MS = 500;

/** What a page shows. */
export type DayOfSegments = {
  /** By start; `null` until the first answer. */
  readonly segments: readonly Segment[] | null;
  /** There are more than are listed. */
  readonly cut: boolean;
  readonly error: string | null;
  /** Takes one off the list: it was deleted. */
  readonly drop: (id: string) => void;
  /** Takes a newer state of one. */
  readonly change: (segment: Segment) => void;
};

/** Follows a day. Use it with a `key` of camera and day. */
export function useSegments(slug: string, day: Day): DayOfSegments {
  const [segments, setSegments] = useState<readonly Segment[] | null>(null);
  const [cut, setCut] = useState(false);
  const [error, setError] = useState<string | null>(null);
  // Everything read so far: what is read next is put on top of it.
  const known = useRef<readonly Segment[]>([]);
  const take = (list: readonly Segment[]) => {
    known.current = list;
    setSegments((before) => (before === null ? null : list));
  };
  const drop = (id: string) => take(known.current.filter((segment) => segment.id !== id));
  const change = (segment: Segment) => {
    take(known.current.map((other) => (other.id === segment.id ? segment : other)));
  };

  useEffect(() => {
    let ended = false;
    let timer: number | undefined;
    const { from, to } = spanOf(day);
    known.current = [];

    async function load() {
      // The newest one that is known is asked for again, so that nothing can fall between two answers.
      const newest = known.current.findLast(({ open }) => !open);
      const span = { from: newest?.start ?? new Date(from).toISOString(), to: new Date(to).toISOString() };
      let cursor: string | undefined;
      do {
        const result = await api.segments(slug, { ...span, cursor, limit: PAGE_SIZE });
        if (ended) return;
        if (!result.ok) return setError(result.error.message);
        known.current = mergeSegments(known.current, result.value.segments);
        cursor = result.value.next ?? undefined;
      } while (cursor && known.current.length < MAX_SEGMENTS);
      setError(null);
      setCut(cursor !== undefined);
      setSegments(known.current);
    }

    function loadSoon() {
      clearTimeout(timer);
      timer = window.setTimeout(() => void load(), RELOAD_DELAY_MS);
    }

    void load();
    const offFact = onFact(({ name, data }) => {
      if (data.slug !== slug) return;
      if (name === 'segment.deleted' && typeof data.segment === 'string') {
        drop(data.segment);
      } else if (name.startsWith('segment.')) {
        loadSoon();
      }
    });
    const offReconnect = onReconnect(() => {
      known.current = [];
      loadSoon();
    });
    return () => {
      ended = true;
      offFact();
      offReconnect();
      clearTimeout(timer);
    };
  }, [slug, day]);
  return { segments, cut, error, drop, change };
}
