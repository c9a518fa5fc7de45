// Settings of an RTSP camera.

import { type Static, Type } from 'typebox';
import type { DriverSettings } from '../../core/camera-config.ts';
import { type CameraUrl, MAX_URL_CHARS, parseCameraUrl } from '../../net/camera-url.ts';
import type { Credentials } from '../../net/http-auth.ts';
import { passwordField, readCredentials, usernameField } from '../source-settings.ts';

/** What the user may set. */
export const settingsSchema = Type.Object(
  {
    url: Type.String({
      title: 'Address',
      description:
        'rtsp://host/path as in the camera’s manual; rtsps:// for TLS. A user name and password in it are moved to their own fields.',
      examples: ['rtsp://192.168.1.20:554/stream1'],
      minLength: 1,
      maxLength: MAX_URL_CHARS,
    }),
    username: usernameField,
    password: passwordField,
    transport: Type.Optional(
      Type.Union([Type.Literal('tcp'), Type.Literal('udp')], {
        title: 'Transport',
        advanced: true,
        description: 'How pictures travel. TCP loses nothing; UDP is for cameras that offer nothing else.',
        default: 'tcp',
      }),
    ),
  },
  { additionalProperties: false },
);

/** Settings with everything filled in. */
export type RtspSettings = {
  readonly url: CameraUrl;
  readonly credentials: Credentials | null;
  readonly transport: 'tcp' | 'udp';
};

/** Settings as stored to settings as used. @throws NvrError `bad_input` naming the field */
export function readSettings(stored: DriverSettings): RtspSettings {
  const settings = stored as Static<typeof settingsSchema>;
  return {
    url: parseCameraUrl(settings.url, ['rtsp', 'rtsps']),
    credentials: readCredentials(stored),
    transport: settings.transport ?? 'tcp',
  };
}
