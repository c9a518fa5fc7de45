// Where the timeline is, as the address says it: `#/timeline?camera=porch&at=2026-11-21T14:02:07.000Z&span=3600`. Pure.

import { MAX_SPAN_MS, MIN_SPAN_MS } from './scale.ts';

/** `at` `null`: live. `spanMs` `null`: the usual. */
export type Place = { readonly camera: string | null; readonly at: number | null; readonly spanMs: number | null };

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const FIRST = Date.UTC(2000, 0, 1);

/** Reads what anybody can type; what is no time is left out. `at` may be ISO 8601 or epoch milliseconds. */
export function parsePlace(query: URLSearchParams): Place {
  const text = query.get('at') ?? '';
  // In an address a plus sign is a space.
  const iso = text.replace(' ', '+');
  const at = /^\d{12,14}$/.test(text) ? Number(text) : ISO.test(iso) ? Date.parse(iso) : Number.NaN;
  const span = Number(query.get('span')) * 1000;
  return {
    camera: query.get('camera') || null,
    at: Number.isFinite(at) && at >= FIRST ? at : null,
    spanMs: span > 0 ? Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, span)) : null,
  };
}

/** The hash of a place. */
export function placeHash({ camera, at, spanMs }: Place): string {
  const query = new URLSearchParams();
  if (camera) query.set('camera', camera);
  if (at !== null) query.set('at', new Date(at).toISOString());
  if (spanMs !== null) query.set('span', String(Math.round(spanMs / 1000)));
  const text = query.toString().replaceAll('%3A', ':');
  return `#/timeline${text === '' ? '' : `?${text}`}`;
}
