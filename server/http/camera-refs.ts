// Rights name cameras by id, people name them by slug: both directions.

import type { Fleet } from '../cameras/fleet.ts';
import { NvrError } from '../core/nvr-error.ts';

/** Slugs (or ids) of a request as ids. @throws NvrError `bad_input` for one that does not exist */
export function cameraIds(fleet: Pick<Fleet, 'find'>, refs: readonly string[] | null): string[] | null {
  if (refs === null) return null;
  const ids = refs.map((ref) => {
    const camera = fleet.find(ref);
    if (!camera) throw new NvrError('bad_input', `cameras: there is no camera ${JSON.stringify(ref)}`);
    return camera.id;
  });
  return [...new Set(ids)];
}

/** Ids as slugs; cameras that are gone are left out. */
export function cameraSlugs(fleet: Pick<Fleet, 'find'>, ids: readonly string[] | null): string[] | null {
  return ids === null ? null : ids.flatMap((id) => fleet.find(id)?.slug ?? []);
}
