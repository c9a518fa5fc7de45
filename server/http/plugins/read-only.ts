// While the database is a copy of one that cannot be written, a change would be forgotten: it is refused with the reason.

import { NvrError } from '../../core/nvr-error.ts';
import type { App } from '../app.ts';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Requests that change nothing, or nothing that must outlive this process. */
const ALLOWED: ReadonlySet<string> = new Set([
  ...['/api/session', '/api/cameras/test', '/api/discovery', '/api/exports/estimate'],
  ...['/api/cameras/:camera/restart', '/cameras/:camera/whep', '/cameras/:camera/whep/:session'],
]);

/** Refuses every change with 409. Register before the routes. */
export function refuseChanges(app: App, why: string): void {
  app.addHook('preHandler', async (request) => {
    if (READS.has(request.method) || ALLOWED.has(request.routeOptions.url ?? '')) return;
    throw new NvrError('conflict', why);
  });
}
