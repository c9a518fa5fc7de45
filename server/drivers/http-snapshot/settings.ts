// Settings of a snapshot camera.

import { httpSettingsSchema } from '../http-settings.ts';

/** Unless the user says otherwise. */
export const DEFAULT_INTERVAL_MS = 1000;

/** What the user may set. */
export const settingsSchema = httpSettingsSchema({
  urlExample: 'http://192.168.1.20/snapshot.jpg',
  interval: {
    description: 'Time from one request to the next. A camera that needs longer is asked less often.',
    minimum: 50,
    default: DEFAULT_INTERVAL_MS,
  },
});
