// Settings of an MJPEG camera over HTTP.

import { httpSettingsSchema } from '../http-settings.ts';

/** What the user may set. */
export const settingsSchema = httpSettingsSchema({
  urlExample: 'http://192.168.1.20/video.mjpg',
  interval: {
    description: 'Least time between two pictures; pictures that come sooner are left out. 0 takes all.',
    minimum: 0,
    default: 0,
  },
});
