// What recordings take and how long the disk lasts.

import { maySee } from '../../auth/caller.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import type { Recordings } from '../../recording/recordings.ts';
import type { App } from '../app.ts';
import { isoTimeOrNull, problems } from '../schemas/common.ts';
import { dayText, StorageQuery, StorageReply } from '../schemas/segment.ts';

/** What this route works on. */
export type StorageRoutesOptions = { readonly fleet: Fleet; readonly recordings: Recordings };

/** `/api/storage`. Callers see the figures of their cameras; folders of cameras that are gone only those who see all. */
export async function storageRoutes(app: App, { fleet, recordings }: StorageRoutesOptions): Promise<void> {
  app.get(
    '/api/storage',
    {
      config: { access: 'viewer' },
      schema: {
        ...{ tags: ['recordings'], summary: 'Space taken and left', querystring: StorageQuery },
        response: { 200: StorageReply, ...problems },
      },
    },
    async ({ caller, query }) => {
      const { folders, ...disk } = await recordings.storage(query.days ?? 0);
      const shown = folders.flatMap(({ folder, oldestAt, ...figures }) => {
        const camera = fleet.all().find(({ config }) => config.folder === folder);
        const allowed = caller && (camera ? maySee(caller, camera.id) : caller.cameras === null);
        if (!allowed) return [];
        const history = figures.history.map(({ day, bytes, recordedMs }) => ({ day: dayText(day), bytes, recordedMs }));
        return [{ slug: camera?.slug ?? folder, ...figures, history, oldest: isoTimeOrNull(oldestAt) }];
      });
      const { state, message } = recordings.storageLook;
      // Paths on the server are for those who run it.
      const shownMessage = caller?.scope === 'admin' && state !== 'ok' ? message : null;
      return {
        ...{ state, message: shownMessage, ...disk },
        bytesUsed: shown.reduce((sum, { bytes }) => sum + bytes, 0),
        cameras: shown,
      };
    },
  );
}
