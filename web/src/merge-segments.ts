// Puts what was read before and what was read now together. Pure.

import type { Segment } from './api-types.ts';

/** In order of start; open recordings only from the new answer: the old ones may be closed by now. */
export function mergeSegments(old: readonly Segment[], fresh: readonly Segment[]): Segment[] {
  const byId = new Map(old.filter(({ open }) => !open).map((segment) => [segment.id, segment]));
  for (const segment of fresh) byId.set(segment.id, segment);
  return [...byId.values()].sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}
